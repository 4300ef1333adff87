"""Image references as container runtimes read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.image import (
    MAX_REFERENCE_LENGTH,
    ImageReference,
    InvalidReferenceError,
    Platform,
    is_digest,
    running_digest,
)

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ImageReference("docker.io", "library/nginx", "latest")),
        ("nginx:1.25", ImageReference("docker.io", "library/nginx", "1.25")),
        ("grafana/grafana", ImageReference("docker.io", "grafana/grafana", "latest")),
        ("docker.io/nginx", ImageReference("docker.io", "library/nginx", "latest")),
        ("index.docker.io/library/nginx", ImageReference("docker.io", "library/nginx", "latest")),
        ("ghcr.io/a/b:v1", ImageReference("ghcr.io", "a/b", "v1")),
        ("localhost/app", ImageReference("localhost", "app", "latest")),
        ("registry:5000/app", ImageReference("registry:5000", "app", "latest")),
        ("REGISTRY.example.com/app", ImageReference("registry.example.com", "app", "latest")),
        (f"ghcr.io/a/b@{DIGEST}", ImageReference("ghcr.io", "a/b", "", DIGEST)),
        (f"ghcr.io/a/b:v1@{DIGEST}", ImageReference("ghcr.io", "a/b", "v1", DIGEST)),
        ("[::1]:5000/app:v1", ImageReference("[::1]:5000", "app", "v1")),
        ("a__b/c.d-e", ImageReference("docker.io", "a__b/c.d-e", "latest")),
    ],
)
def test_a_reference_is_read_as_container_runtimes_read_it(text: str, expected: ImageReference) -> None:
    assert ImageReference.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":tag",
        "a//b",
        "a/",
        "UPPER/case",
        "a:b:c",
        "a@sha256:12",
        "a@md5:" + "a" * 32,
        "a b",
        "a:-x",
        DIGEST,
        "x" * 3000,
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        ImageReference.parse(text)


@given(st.text(max_size=MAX_REFERENCE_LENGTH + 5))
def test_any_text_is_read_or_refused_and_what_is_read_reads_back_the_same(text: str) -> None:
    try:
        reference = ImageReference.parse(text)
    except InvalidReferenceError:
        return
    assert ImageReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        (f"ghcr.io/a/b@{DIGEST}", DIGEST),
        (f"docker-pullable://nginx@{DIGEST}", DIGEST),
        (f"docker://{DIGEST}", DIGEST),
        (DIGEST, DIGEST),
        ("", ""),
        ("nginx:latest", ""),
        ("sha256:short", ""),
    ],
)
def test_the_running_digest_is_found_in_every_form_of_image_id(image_id: str, digest: str) -> None:
    assert running_digest(image_id) == digest


def test_a_platform_reads_back() -> None:
    for text in ("linux/amd64", "linux/arm64/v8"):
        assert str(Platform.parse(text)) == text
    for text in ("linux", "a/b/c/d", "/amd64", "linux/"):
        with pytest.raises(ValueError, match="platform"):
            Platform.parse(text)


def test_digests_of_unregistered_algorithms_are_none() -> None:
    assert is_digest("sha512:" + "0" * 128)
    assert not is_digest("sha256:" + "A" * 64)
    assert not is_digest("sha1:" + "0" * 40)
