"""Positions keep every order: what a database leaves out by them is nothing that the exact order would have kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pieces import texts_of

from deadlight.ecosystems import ECOSYSTEMS, Ecosystem, InvalidVersionError, VersionKey, position_of
from deadlight.ecosystems.positions import POSITION_BYTES

PIECES = ("10", "99", "256", "65536", "rc1", "alpha", "beta2", "post1", "dev0", "final", "_p1", "-r3")
VERSIONS = texts_of([*"0123456789.-~+^:_ab", *PIECES], min_size=1, max_size=12)


def key_of(ecosystem: Ecosystem, version: str) -> VersionKey | None:
    try:
        return ecosystem.version_key(version)
    except InvalidVersionError:
        return None


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS, ids=lambda ecosystem: ecosystem.name)
@given(st.lists(VERSIONS, min_size=2, max_size=12))
def test_positions_stand_in_the_order_of_their_versions(ecosystem: Ecosystem, versions: list[str]) -> None:
    keys = sorted(key for version in versions if (key := key_of(ecosystem, version)) is not None)
    positions = [position_of(key) for key in keys]
    assert positions == sorted(positions)
    assert all(len(position) <= POSITION_BYTES for position in positions)


NUMBERS = st.integers(-(2**70), 2**70) | st.integers(-3, 3) | st.sampled_from([256, 255, 65536, 10**300, 10**512])


def twins(kinds: int) -> st.SearchStrategy[tuple[VersionKey, VersionKey]]:
    """Two keys whose equal places hold equal types, as those of one ecosystem do."""
    texts = st.text(max_size=5)
    element: st.SearchStrategy[Any] = st.tuples(NUMBERS, NUMBERS) | st.tuples(texts, texts)
    if kinds:
        element |= twins(kinds - 1)
    return st.tuples(st.lists(element, max_size=4), st.integers(0, 4), st.integers(0, 4)).map(
        lambda made: (tuple(a for a, _ in made[0][: made[1]]), tuple(b for _, b in made[0][: made[2]]))
    )


@given(twins(2))
def test_any_two_comparable_keys_keep_their_order(pair: tuple[VersionKey, VersionKey]) -> None:
    lower, higher = sorted(pair)
    assert position_of(lower) <= position_of(higher)


def test_what_differs_early_is_told_apart() -> None:
    for ecosystem in ECOSYSTEMS:
        keys = [ecosystem.version_key(f"{v}.2.3") for v in ("1", "2", "10", "255", "256")]
        assert len({position_of(key) for key in keys}) == 5, ecosystem.name
