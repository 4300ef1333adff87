"""Which image people mean by what they type."""

from typing import Any

import pytest

from deadlight.cli.references import AmbiguousImageError, UnknownImageError, choose_image, search_of


def row(name: str, digest: str = "sha256:aaaa", platform: str = "linux/amd64") -> dict[str, Any]:
    whole, _, tag = name.partition(":")
    registry, _, repository = whole.partition("/")
    return {"registry": registry, "repository": repository, "tag": tag, "digest": digest, "platform": platform}


WEB = row("r.example/shop/web:1.2")
LONGER = row("r.example/shop/web:1.2.3", "sha256:bbbb")
OTHER = row("r.example/old/shop/web:1.2", "sha256:cccc")
PINNED = row("r.example/shop/pinned", "sha256:dddd")
ROWS = [OTHER, PINNED, WEB, LONGER]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("r.example/shop/web:1.2", WEB),
        ("shop/web:1.2.3", LONGER),
        ("web:1.2.3", LONGER),
        ("old/shop/web:1.2", OTHER),
        ("r.example/shop/web@sha256:bb", LONGER),
        ("web@sha256:cccc", OTHER),
        ("@sha256:aaaa", WEB),
        ("pinned", PINNED),
        ("SHOP/PIN", PINNED),
        ("r.example/shop/pinned@sha256:dddd", PINNED),
    ],
)
def test_a_name_means_one_image(reference: str, expected: dict[str, Any]) -> None:
    assert choose_image(reference, ROWS, len(ROWS)) == expected


@pytest.mark.parametrize("reference", ["web:9", "web@sha256:ffff", "shop/web:1.2@sha256:cccc0"])
def test_what_nothing_is_called_is_said_with_what_to_do(reference: str) -> None:
    with pytest.raises(UnknownImageError, match="deadlight scan") as raised:
        choose_image(reference, ROWS, len(ROWS))
    assert "deadlight images" in str(raised.value)


def test_what_means_several_lists_them_as_they_can_be_told_apart() -> None:
    with pytest.raises(AmbiguousImageError) as raised:
        choose_image("shop/web", [WEB, LONGER], 2)
    assert str(raised.value).splitlines() == [
        "2 images match 'shop/web', say which one:",
        "  r.example/shop/web@sha256:aaaa  linux/amd64",
        "  r.example/shop/web@sha256:bbbb  linux/amd64",
    ]
    with pytest.raises(AmbiguousImageError, match="and 380 more"):
        choose_image("example/w", [row(f"r.example/w:{number}") for number in range(100)], 400)


def test_a_digest_is_searched_for_by_itself() -> None:
    assert [search_of(text) for text in ("web:1", "web@sha256:a", "@sha256:a")] == ["web:1", "sha256:a", "sha256:a"]
