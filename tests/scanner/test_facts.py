import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scanner.layer_builder import OS_RELEASE, LayerBuilder, status

from deadlight.scanner import InvalidFactsError, LayerFacts


def facts() -> LayerFacts:
    layer = LayerBuilder().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status(("bash", "5.2")))
    layer.symlink("bin", "usr/bin").hard_link("a", "etc/os-release").whiteout("b/c").opaque("d").file(
        "x.py", "import y\ny.z(1)\n"
    )
    return layer.file("bad.py", "(").scan()


def test_facts_come_back_as_they_were_stored():
    assert LayerFacts.from_bytes(facts().to_bytes()) == facts()


@pytest.mark.parametrize("stored", [b"", b"DLF", b"DLF0" + facts().to_bytes()[4:], b"DLF1", b"DLF1 not zstd"])
def test_facts_of_another_version_are_refused(stored):
    with pytest.raises(InvalidFactsError, match="scan again"):
        LayerFacts.from_bytes(stored)


@given(st.data())
def test_damaged_facts_raise_nothing_but_their_own_error(data):
    stored = bytearray(facts().to_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(InvalidFactsError):
        assert isinstance(LayerFacts.from_bytes(bytes(stored)), LayerFacts)


@given(st.integers(0, 200))
def test_facts_cut_short_are_refused(length):
    stored = facts().to_bytes()
    with pytest.raises(InvalidFactsError):
        LayerFacts.from_bytes(stored[: min(length, len(stored) - 1)])
