import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.model.image import Platform
from deadlight.registry import InvalidRecordError, SourceManifest, SourceRecord, resolve_platform
from deadlight.registry.documents import UNKNOWN_PLATFORM


def record(*platforms: str, is_index: bool = True) -> SourceRecord:
    """A record with one image for each platform; the image's digest is its position."""
    manifests = tuple(
        SourceManifest(Platform.parse(platform), str(position), f"config-{position}")
        for position, platform in enumerate(platforms)
    )
    return SourceRecord("shop/api", "1.0.0", "top", is_index, '"top"', manifests, {"a": "b"})


def test_a_record_survives_being_stored_as_json():
    stored = json.dumps(record("linux/amd64", "linux/arm64/v8").to_dict())
    assert SourceRecord.from_dict(json.loads(stored)) == record("linux/amd64", "linux/arm64/v8")


@pytest.mark.req("R14")
def test_the_digests_are_those_of_index_manifests_and_configurations():
    assert record("linux/amd64", "linux/arm64").digests == {"top", "0", "1", "config-0", "config-1"}


def test_an_unread_configuration_is_not_a_digest():
    unread = SourceManifest(Platform(), "manifest", "")
    assert SourceRecord("a", "b", "top", is_index=True, etag="", manifests=(unread,)).digests == {"top", "manifest"}


@pytest.mark.parametrize(
    ("platforms", "node", "chosen"),
    [
        (["linux/amd64", "linux/arm64"], "linux/arm64", "1"),
        (["linux/amd64", "linux/arm64/v8"], "linux/arm64", "1"),
        (["linux/amd64", "linux/arm64"], "linux/aarch64/v8", "1"),
        (["linux/arm/v6", "linux/arm/v7", "linux/arm/v5"], "linux/arm/v7", "1"),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", "1"),
        (["linux/arm/v7"], "linux/arm/v6", None),
        (["linux/amd64", "linux/amd64/v3"], "linux/amd64", "0"),
        (["linux/amd64", "linux/amd64/v3"], "linux/amd64/v3", "1"),
        (["linux/amd64", "linux/amd64/v3"], "linux/amd64/v4", "1"),
        (["linux/arm64/v9"], "linux/arm64/v9.2", "0"),
        (["linux/amd64", "linux/amd64"], "linux/amd64", "0"),
        (["windows/amd64"], "linux/amd64", None),
        (["linux/riscv64/x"], "linux/riscv64/y", None),
        (["linux/s390x"], "linux/s390x", "0"),
        (["unknown/unknown", "linux/amd64"], "linux/amd64", "1"),
        ([], "linux/amd64", None),
    ],
)
def test_the_image_of_a_platform_is_the_one_a_node_would_run(platforms: list[str], node: str, chosen: str | None):
    found = resolve_platform(record(*platforms), Platform.parse(node))
    assert (found.digest if found else None) == chosen


def test_the_only_image_is_for_any_platform_if_it_does_not_say_which():
    assert resolve_platform(record(str(UNKNOWN_PLATFORM), is_index=False), Platform()) is not None
    assert resolve_platform(record(str(UNKNOWN_PLATFORM)), Platform()) is None


PLATFORMS = st.builds(
    Platform,
    os=st.sampled_from(["linux", "windows", "unknown"]),
    architecture=st.sampled_from(["amd64", "arm64", "arm", "x86_64", "s390x"]) | st.text(),
    variant=st.sampled_from(["", "v5", "v7", "v8", "v9.2"]) | st.text(),
)


@given(st.lists(PLATFORMS, max_size=5), PLATFORMS)
def test_what_is_chosen_is_always_one_of_the_images(platforms: list[Platform], node: Platform):
    manifests = tuple(SourceManifest(platform, str(position), "") for position, platform in enumerate(platforms))
    chosen = resolve_platform(SourceRecord("a", "b", "top", is_index=True, etag="", manifests=manifests), node)
    assert chosen is None or chosen in manifests


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.none())))
def test_what_is_not_a_record_is_refused(values: dict[str, Any]):
    with pytest.raises(InvalidRecordError):
        SourceRecord.from_dict(values)
