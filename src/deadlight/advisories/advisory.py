"""Advisories as values: what one source says about a flaw, and which package versions it says are affected."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deadlight.model.vulnerability import Severity, VulnerableImport

Bucket = tuple[str, str]
"""OSV ecosystem with its release, and normalised package name: the key under which advisories and packages meet."""

MALICIOUS_PREFIX = "MAL-"
"""Identifiers of the OpenSSF malicious-packages database."""


class BoundaryKind(StrEnum):
    """What changes at a version (OSV calls these events)."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"


@dataclass(frozen=True, slots=True)
class Boundary:
    """The version at which a package becomes or ceases to be affected.

    `INTRODUCED` and `FIXED` act from their version on, `LAST_AFFECTED` just after it.
    """

    kind: BoundaryKind
    version: str


@dataclass(frozen=True, slots=True)
class Range:
    """Affected versions under the ecosystem's order, as the record writes them.

    Kept as text and ordered only when matched, so that a new or corrected version order needs no second import.
    `limits` cut the range off: a version must be below at least one of them where there are any.
    """

    boundaries: tuple[Boundary, ...]
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Affected:
    """One package an advisory names; an advisory has at most one for each bucket.

    `ecosystem` is OSV's full name with its release, `name` is normalised. A version is affected when it lies in any of
    the `ranges` or is one of the `versions`.
    """

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: frozenset[str] = frozenset()
    module_streams: tuple[str, ...] = ()
    """Streams of modules (`nodejs:14`) that the advisory is for, where it is for modules and says which."""
    imports: tuple[VulnerableImport, ...] = ()
    """Where in a Go module the flaw is; none where the record does not say."""

    @property
    def bucket(self) -> Bucket:
        """Where packages meet this entry."""
        return self.ecosystem, self.name

    @property
    def fixed_versions(self) -> tuple[str, ...]:
        """Every version the record calls fixed, on any branch, in the record's order."""
        return tuple(
            boundary.version
            for affected_range in self.ranges
            for boundary in affected_range.boundaries
            if boundary.kind is BoundaryKind.FIXED
        )


@dataclass(frozen=True, slots=True)
class Advisory:
    """One source's record.

    `aliases` name the same flaw elsewhere; `upstream` are the vulnerabilities a downstream record, such as a
    distribution's update notice, deals with; `related` ones only resemble it. `cvss_score` is the base score of
    `cvss_vector`, None without one. `content_hash` is the version of the reader and the SHA-256 of the document in
    hexadecimal: another one where either changed. A time is None where the record gives none.
    """

    id: str
    source: str
    modified_at: datetime | None
    published_at: datetime | None
    withdrawn_at: datetime | None
    summary: str
    details: str
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    related: tuple[str, ...]
    severity: Severity
    cvss_vector: str
    cvss_score: float | None
    references: tuple[str, ...]
    affected: tuple[Affected, ...]
    content_hash: str

    @property
    def is_withdrawn(self) -> bool:
        """Whether its source has taken it back; it then affects nothing."""
        return self.withdrawn_at is not None

    @property
    def is_malicious(self) -> bool:
        """Whether the packages themselves are malicious rather than flawed."""
        return any(name.startswith(MALICIOUS_PREFIX) for name in (self.id, *self.aliases))

    @property
    def buckets(self) -> frozenset[Bucket]:
        """Where it can match; nowhere once withdrawn."""
        return frozenset() if self.is_withdrawn else frozenset(entry.bucket for entry in self.affected)
