"""Between which versions an advisory can affect a package at all, coarse enough for a database to decide."""

from collections.abc import Iterator
from dataclasses import dataclass

from deadlight.advisories.advisory import Affected, BoundaryKind, Range
from deadlight.advisories.version_keys import FROM_THE_FIRST, KeyTable, VersionKeys
from deadlight.ecosystems import VersionKey, position_of

ORDER_STATE = 1
"""Raise it whenever a version order changes: stored reaches of another state are not believed."""


MAX_LISTED = 20
"""Versions an entry may list to have a reach. What lists more are libraries of languages, which have few advisories."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Positions between which every affected version is; None where there is no bound on that side."""

    lowest: bytes | None = None
    highest: bytes | None = None


def reach_of(entry: Affected, keys: VersionKeys) -> Reach:
    """The reach of all ranges and versions of an entry together.

    Boundless wherever a version has no place in an order, since it is then compared as a text, and where many versions
    are listed, which takes long to read.
    """
    table = keys.of(entry.ecosystem)
    if table is None or len(entry.versions) > MAX_LISTED:
        return Reach()
    try:
        bounds = [*_listed(entry, table), *(_bounds(item, table) for item in entry.ranges)]
    except _NoPlaceError:
        return Reach()
    if not bounds:
        return Reach()
    lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
    return Reach(
        None if None in lows else min(position_of(low) for low in lows if low is not None),
        None if None in highs else max(position_of(high) for high in highs if high is not None),
    )


class _NoPlaceError(Exception):
    """A version of the entry is no version of its ecosystem."""


Bounds = tuple[VersionKey | None, VersionKey | None]


def _listed(entry: Affected, table: KeyTable) -> Iterator[Bounds]:
    for version in entry.versions:
        key = _key(version, table)
        yield key, key


def _bounds(item: Range, table: KeyTable) -> Bounds:
    """The lowest and the highest version of a range. One that begins nowhere affects nothing, and is not left out."""
    placed = [(_key(boundary.version, table), boundary) for boundary in item.boundaries]
    for limit in item.limits:
        _key(limit, table)
    if not placed:
        return None, None
    introduced = [pair for pair in placed if pair[1].kind is BoundaryKind.INTRODUCED]
    from_the_first = not introduced or any(boundary.version == FROM_THE_FIRST for _, boundary in introduced)
    highest = max(key for key, _ in placed)
    is_open = any(key == highest and boundary.kind is BoundaryKind.INTRODUCED for key, boundary in placed)
    return None if from_the_first else min(key for key, _ in introduced), None if is_open else highest


def _key(version: str, table: KeyTable) -> VersionKey:
    key = table[version]
    if key is None:
        raise _NoPlaceError
    return key
