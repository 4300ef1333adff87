"""What is out of an entry's reach is out of its ranges and versions, whatever these are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories.advisory import Affected, Boundary, BoundaryKind, Range
from deadlight.advisories.match import match_package
from deadlight.advisories.reach import MAX_LISTED, Reach, reach_of
from deadlight.advisories.version_keys import FROM_THE_FIRST, VersionKeys
from deadlight.ecosystems import find_ecosystem, position_of
from deadlight.model.package import Package

VERSION = st.sampled_from(["0.1", "1.0", "1.0.1", "1.1~rc1", "1.1", "1.10", "2.0-1", "2.0+b1", "10", "nonsense!", ""])
KINDS = st.sampled_from(BoundaryKind)
BOUNDARY = st.builds(Boundary, KINDS, VERSION.filter(bool)) | st.just(Boundary(BoundaryKind.INTRODUCED, FROM_THE_FIRST))
RANGE = st.builds(Range, st.lists(BOUNDARY, max_size=4).map(tuple), st.lists(VERSION, max_size=1).map(tuple))
ENTRY = st.builds(
    Affected,
    st.sampled_from(["Debian:12", "npm", "Nowhere"]),
    st.just("x"),
    st.lists(RANGE, max_size=3).map(tuple),
    st.frozensets(VERSION, max_size=3),
)


def is_within(position: bytes, reach: Reach) -> bool:
    return (reach.lowest is None or position >= reach.lowest) and (reach.highest is None or position <= reach.highest)


@given(ENTRY, VERSION.filter(bool))
def test_whatever_an_entry_affects_is_within_its_reach(entry: Affected, version: str) -> None:
    package = Package(entry.ecosystem, "x", version, "pkg:x/x", "x", version)
    keys = VersionKeys()
    table = keys.of(entry.ecosystem)
    key = table[version] if table is not None else None
    if key is not None and match_package(package, [("A", entry)], keys).matches:
        assert is_within(position_of(key), reach_of(entry, keys))


@pytest.mark.parametrize(
    ("boundaries", "inside", "outside"),
    [
        ([("introduced", "1.0"), ("fixed", "2.0")], ["1.0", "1.5", "2.0"], ["0.9", "2.1"]),
        ([("introduced", FROM_THE_FIRST), ("last_affected", "2.0")], ["0", "2.0"], ["3"]),
        ([("introduced", "1.0")], ["1.0", "99"], ["0.9"]),
    ],
)
def test_what_lies_before_or_behind_a_range_is_out_of_reach(
    boundaries: list[tuple[str, str]], inside: list[str], outside: list[str]
) -> None:
    order = find_ecosystem("Debian:12")
    assert order is not None
    item = Range(tuple(Boundary(BoundaryKind(kind), version) for kind, version in boundaries))
    reach = reach_of(Affected("Debian:12", "x", (item,)), VersionKeys())
    for version in (*inside, *outside):
        assert is_within(position_of(order.version_key(version)), reach) == (version in inside), version


def test_entries_that_list_many_versions_are_not_read_for_their_reach() -> None:
    versions = frozenset(f"1.{number}" for number in range(MAX_LISTED + 1))
    assert reach_of(Affected("PyPI", "x", (), versions), VersionKeys()) == Reach()
    assert reach_of(Affected("PyPI", "x", (), frozenset({"1.0", "1.2"})), VersionKeys()) != Reach()
