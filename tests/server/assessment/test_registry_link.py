"""Where an artifact can be looked at."""

from typing import Any

import pytest

from deadlight.server.assessment.registry_link import artifact_link

DIGEST = "sha256:" + "a" * 64


@pytest.mark.req("I11")
@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("registry.example", "", f"https://registry.example/v2/shop/web/manifests/{DIGEST}"),
        ("docker.io", "", f"https://registry-1.docker.io/v2/shop/web/manifests/{DIGEST}"),
        ("r", "http://10.0.0.1:5000/base/", f"http://10.0.0.1:5000/base/v2/shop/web/manifests/{DIGEST}"),
    ],
)
def test_an_artifact_is_at_its_manifest_unless_more_is_known(host: str, url: str, expected: str) -> None:
    assert artifact_link(host, url, "shop/web", DIGEST) == expected


@pytest.mark.req("I11")
def test_the_page_that_the_registry_named_comes_first() -> None:
    page = "https://registry.example/ui/repos/tree/shop/web"
    assert artifact_link("registry.example", "", "shop/web", DIGEST, {"registry_link": page}) == page


@pytest.mark.parametrize("link", ["javascript:alert(1)", "", None, 3, "//evil.example", "data:text/html,x"])
def test_what_is_no_web_address_is_no_link(link: Any) -> None:
    found = artifact_link("registry.example", "", "shop/web", DIGEST, {"registry_link": link})
    assert found.startswith("https://registry.example/v2/")


def test_nothing_is_linked_without_a_digest_or_an_address() -> None:
    assert artifact_link("registry.example", "", "shop/web", "") == ""
    assert artifact_link("registry.example", "ftp://x", "shop/web", DIGEST) == ""
