"""Which advisories affect a package: the evaluation algorithm of the OSV schema, and the version that fixes it.

Every comparison looks at a range's boundaries once. Sorting them first, as the schema's pseudocode does, is not needed:
the boundary nearest below the installed version decides whether it is affected, the nearest one above ends the branch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from deadlight.advisories.advisory import Affected, BoundaryKind, Bucket, Range
from deadlight.advisories.version_keys import KeyTable, VersionKeys
from deadlight.ecosystems import VersionKey, installed_stream, is_modular
from deadlight.model.package import Package
from deadlight.model.vulnerability import VulnerableImport

BINARY_PACKAGE_ECOSYSTEMS = frozenset({"AlmaLinux", "Photon OS", "Red Hat"})
"""Distributions whose advisories name the packages that are installed, not those they are built from.

The schema says otherwise of AlmaLinux, whose records name `criu-devel` and `criu-libs` beside `criu`."""

MODULAR_ECOSYSTEMS = frozenset({"AlmaLinux", "Red Hat", "Rocky Linux"})
"""Distributions with modules: several streams of a package, each with fixes of its own, in one release."""


class MatchedBy(StrEnum):
    """What in the advisory names the installed version."""

    RANGE = "range"
    VERSION = "version"
    STATED = "stated"
    """Nothing: a scanner said so of this very package and version."""


@dataclass(frozen=True, slots=True)
class Match:
    """An advisory affects a package. `fix_version` ends the installed branch; "" where that has no fix."""

    advisory_id: str
    fix_version: str
    matched_by: MatchedBy
    imports: tuple[VulnerableImport, ...] = ()
    """Where in a Go module the advisory says that the flaw is."""


class Doubt(StrEnum):
    """Why ranges could not be compared."""

    UNORDERED_ECOSYSTEM = "unordered_ecosystem"
    INVALID_INSTALLED_VERSION = "invalid_installed_version"
    INVALID_ADVISORY_VERSION = "invalid_advisory_version"


@dataclass(frozen=True, slots=True)
class Undecided:
    """An advisory that names the package, and whose ranges could not be compared with the installed version."""

    advisory_id: str
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What is known of one package. An undecided advisory is no match; it is there to be counted and shown."""

    matches: tuple[Match, ...] = ()
    undecided: tuple[Undecided, ...] = ()


# Members of an enum are slow to look up, and these are in every comparison.
_INTRODUCED = BoundaryKind.INTRODUCED
_FIXED = BoundaryKind.FIXED
_LAST_AFFECTED = BoundaryKind.LAST_AFFECTED
_BY_RANGE = MatchedBy.RANGE
_BY_VERSION = MatchedBy.VERSION


def advised_as(package: Package) -> tuple[Bucket, str]:
    """The bucket whose advisories concern a package, and its version in their terms."""
    if package.ecosystem.partition(":")[0] in BINARY_PACKAGE_ECOSYSTEMS:
        return (package.ecosystem, package.name), package.version
    return (package.ecosystem, package.source_name), package.source_version


def match_package(package: Package, affected: Iterable[tuple[str, Affected]], keys: VersionKeys) -> MatchResult:
    """Match one package against `(advisory id, affected entry)` pairs; entries of other buckets are passed over.

    Withdrawn advisories are the caller's to leave out. Never raises for the content of a package or an advisory.
    """
    (ecosystem, name), version = advised_as(package)
    candidates = [pair for pair in affected if pair[1].name == name and pair[1].ecosystem == ecosystem]
    if ecosystem.partition(":")[0] in MODULAR_ECOSYSTEMS:
        candidates = [pair for pair in candidates if _concerns_module(package, version, pair[1])]
    table = keys.of(ecosystem)
    if table is None:
        return _match_text(version, candidates, Doubt.UNORDERED_ECOSYSTEM)
    key = table[version] if version else None
    if key is None:
        return _match_text(version, candidates, Doubt.INVALID_INSTALLED_VERSION)
    return _match_order(version, key, candidates, table)


def _concerns_module(package: Package, version: str, entry: Affected) -> bool:
    """Whether an entry can be about the stream a package is from: a fix of nodejs:14 says nothing of nodejs:12.

    Fixes show whether they were built for a module. Which stream is told by the advisory's title alone; where it names
    none of the package's module, versions are compared.
    """
    fixed = entry.fixed_versions
    if fixed and is_modular(version) not in {is_modular(fix) for fix in fixed}:
        return False
    if not entry.module_streams:
        return True
    installed = installed_stream(package.purl)
    module = installed.partition(":")[0]
    named = [stream for stream in entry.module_streams if stream.partition(":")[0] == module]
    return not named or installed in named


def _match_text(version: str, candidates: list[tuple[str, Affected]], doubt: Doubt) -> MatchResult:
    """Match a version that has no place in an order, and is therefore only a text."""
    listed = tuple(
        Match(name, "", MatchedBy.VERSION, entry.imports) for name, entry in candidates if version in entry.versions
    )
    others = ((name, entry) for name, entry in candidates if version not in entry.versions)
    return MatchResult(listed, tuple(Undecided(name, doubt) for name, entry in others if entry.ranges))


def _match_order(version: str, key: VersionKey, candidates: list[tuple[str, Affected]], table: KeyTable) -> MatchResult:
    matches = []
    undecided = []
    for advisory_id, entry in candidates:
        ranges = entry.ranges
        doubt = None
        try:
            fix = _fix_if_affected(key, ranges, table)
        except _InvalidBoundaryError:
            doubt = Doubt.INVALID_ADVISORY_VERSION
            fix = _fix_if_affected(key, _valid(ranges, table), table)
        if fix is not None:
            matches.append(Match(advisory_id, fix, _BY_RANGE, entry.imports))
        elif version in entry.versions or (not ranges and _is_listed(key, entry, table)):
            matches.append(Match(advisory_id, "", _BY_VERSION, entry.imports))
        elif doubt:
            undecided.append(Undecided(advisory_id, doubt))
    return MatchResult(tuple(matches), tuple(undecided))


def _is_listed(key: VersionKey, entry: Affected, table: KeyTable) -> bool:
    """Whether a version is listed under another spelling: without ranges to catch it, 1.0 must find 1.0.0."""
    return any(table[version] == key for version in entry.versions)


class _InvalidBoundaryError(Exception):
    """A range has a boundary that is no version of its ecosystem."""


def _fix_if_affected(key: VersionKey, ranges: tuple[Range, ...], table: KeyTable) -> str | None:
    """The lowest version above `key` that none of the ranges affects ("" for none), or None if `key` is not affected.

    A fix of one range can lie in another one, which then says what fixes that.
    """
    fix = None
    while (end := _end_of_any(key, ranges, table)) is not None:
        fix = end
        if not end:
            break
        fixed_key = table[end]
        assert fixed_key is not None
        key = fixed_key
    return fix


def _end_of_any(key: VersionKey, ranges: tuple[Range, ...], table: KeyTable) -> str | None:
    for affected_range in ranges:
        end = _end_if_inside(key, affected_range, table)
        if end is not None:
            return end
    return None


def _end_if_inside(key: VersionKey, affected_range: Range, table: KeyTable) -> str | None:
    """The version that fixes the branch of `key` ("" for none), or None if the range does not affect `key`."""
    inside = False
    below: VersionKey = ()
    above: VersionKey | None = None
    end = ""
    for boundary in affected_range.boundaries:
        at = table[boundary.version]
        if at is None:
            raise _InvalidBoundaryError
        kind = boundary.kind
        if at < key if kind is _LAST_AFFECTED else at <= key:
            # Of boundaries at the same version the one written last decides.
            if at >= below:
                below, inside = at, kind is _INTRODUCED
        elif kind is not _INTRODUCED and (above is None or at < above):
            above, end = at, boundary.version if kind is _FIXED else ""
    return end if inside and _is_below_limits(key, affected_range.limits, table) else None


def _is_below_limits(key: VersionKey, limits: tuple[str, ...], table: KeyTable) -> bool:
    if not limits:
        return True
    keys = [table[limit] for limit in limits]
    if None in keys:
        raise _InvalidBoundaryError
    return any(limit is not None and key < limit for limit in keys)


def _valid(ranges: tuple[Range, ...], table: KeyTable) -> tuple[Range, ...]:
    return tuple(
        affected_range
        for affected_range in ranges
        if all(
            table[version] is not None
            for version in (*(boundary.version for boundary in affected_range.boundaries), *affected_range.limits)
        )
    )
