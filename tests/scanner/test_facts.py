import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import InvalidFactsError, LayerFacts

DIGEST = "sha256:1"


def facts() -> LayerFacts:
    layer = LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status(("bash", "5.2")))
    layer.symlink("bin", "usr/bin").hard_link("a", "etc/os-release").whiteout("b/c").opaque("d").file(
        "x.py", "import y\ny.z(1)\n"
    )
    return layer.file("bad.py", "(").scan(DIGEST)


PARTS = dict(facts().iter_parts())


def test_facts_come_back_as_they_were_stored():
    assert LayerFacts.from_parts(DIGEST, PARTS) == facts()


def test_each_analyzer_has_a_part_of_its_own_and_an_empty_one_is_left_out():
    assert set(PARTS) == {"listing", "os-release", "dpkg", "python-source"}


@pytest.mark.parametrize("name", sorted(PARTS))
@pytest.mark.parametrize("damage", [b"", b"DLL", b"DLX9", b"DLL1 not zstd", b"DLK1 not zstd"])
def test_facts_of_another_version_are_refused(name, damage):
    with pytest.raises(InvalidFactsError, match="scan again"):
        LayerFacts.from_parts(DIGEST, PARTS | {name: damage})


def test_facts_without_a_listing_are_refused():
    with pytest.raises(InvalidFactsError, match="scan again"):
        LayerFacts.from_parts(DIGEST, {"dpkg": PARTS["dpkg"]})


@given(st.sampled_from(sorted(PARTS)), st.data())
def test_damaged_facts_raise_nothing_but_their_own_error(name, data):
    stored = bytearray(PARTS[name])
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(InvalidFactsError):
        assert isinstance(LayerFacts.from_parts(DIGEST, PARTS | {name: bytes(stored)}), LayerFacts)


@given(st.sampled_from(sorted(PARTS)), st.integers(0, 200))
def test_facts_cut_short_are_refused(name, length):
    stored = PARTS[name]
    with pytest.raises(InvalidFactsError):
        LayerFacts.from_parts(DIGEST, PARTS | {name: stored[: min(length, len(stored) - 1)]})
