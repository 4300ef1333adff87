"""OSV records: bytes -> Advisory (https://ossf.github.io/osv-schema/, version 1.7).

What the schema forbids is refused rather than guessed at.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from deadlight.advisories.advisory import Advisory, Affected, Boundary, BoundaryKind, Bucket, Range
from deadlight.advisories.errors import InvalidAdvisoryError, NotSecurityError
from deadlight.advisories.go_imports import GO_ECOSYSTEM, read_imports
from deadlight.advisories.record import AffectedFields, EventFields, PackageFields, Record, decode_record
from deadlight.advisories.severity import Rating, erratum_rating, rate
from deadlight.advisories.version_keys import FROM_THE_FIRST
from deadlight.ecosystems import find_ecosystem, is_modular, named_streams

READER_VERSION = 3
"""Raise it whenever the same record would be read to another advisory: what an earlier reader made of a record that has
not changed since is then replaced. It is part of each advisory's `content_hash`."""

MAX_BOUNDARIES = 1_000
"""Events for one package, of which 27,779 real records have 118 at most. Looking for a fix may take their square."""

NOT_SECURITY_SOURCES = frozenset({"ALBA", "ALEA"})
"""AlmaLinux's bug-fix and enhancement errata."""

ERRATA_SOURCES = frozenset(
    {"ALSA", "DLA", "DSA", "DTSA", "ELA", "LSN", "MGASA", "OESA", "PHSA", "RHBA", "RHEA", "RHSA", "RLSA", "RXSA", "USN"}
    | {"SUSE", "openSUSE"}
)
"""Update notices of distributions. Schema 1.7 gave them `upstream` for the vulnerabilities they fix; AlmaLinux still
writes `related`, as others did before."""

_NOTICES = ("unmaintained", "notice")
"""RustSec's informational kinds that are no vulnerability; "unsound" is one."""


def parse_advisory(document: bytes, origin: str) -> Advisory:
    """Read one OSV record; `origin` says in errors where it came from.

    Raises:
        InvalidAdvisoryError: when the document is not OSV or exceeds a bound.
        NotSecurityError: when it is a notice of something other than a vulnerability.
    """
    record = decode_record(document, origin)
    source = record.id.partition("-")[0]
    if source in NOT_SECURITY_SOURCES or _is_notice(record):
        raise NotSecurityError(f"{origin}: {record.id} announces no vulnerability")
    rating = _rating(record, source)
    aliases, upstream, related = _other_names(record, source)
    try:
        return Advisory(
            id=record.id,
            source=source,
            modified_at=_moment(record.modified),
            published_at=_moment(record.published),
            withdrawn_at=_moment(record.withdrawn),
            summary=_text(record.summary),
            details=_text(record.details),
            aliases=aliases,
            upstream=upstream,
            related=related,
            severity=rating.severity,
            cvss_vector=rating.cvss_vector,
            cvss_score=rating.cvss_score,
            references=_links(record),
            affected=_affected(record),
            content_hash=f"{READER_VERSION}:{sha256(document).hexdigest()}",
        )
    except _InvalidFieldError as error:
        raise InvalidAdvisoryError(f"{origin}: not OSV: {error} in {record.id}") from None


class _InvalidFieldError(ValueError):
    """A field has the right type and still breaks the schema; becomes an InvalidAdvisoryError with the origin."""


def _is_notice(record: Record) -> bool:
    """Whether all packages of a record carry RustSec's mark of a mere notice."""
    specifics = [entry.database_specific for entry in record.affected or ()]
    return bool(specifics) and all(specific and specific.informational in _NOTICES for specific in specifics)


def _other_names(record: Record, source: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Aliases, upstream and related identifiers, each once, none of them the record's own."""
    aliases, upstream, related = (
        tuple(dict.fromkeys(name for name in names or () if name.isprintable() and name not in {"", record.id}))
        for names in (record.aliases, record.upstream, record.related)
    )
    if source in ERRATA_SOURCES:
        upstream = tuple(dict.fromkeys((*upstream, *(name for name in related if name.startswith("CVE-")))))
        related = tuple(name for name in related if not name.startswith("CVE-"))
    return aliases, upstream, related


def _rating(record: Record, source: str) -> Rating:
    entries = record.affected or ()
    vectors = [item.score for item in record.severity or ()]
    for entry in entries:
        vectors += [item.score for item in entry.severity or ()]
    specifics = [record.database_specific]
    for entry in entries:
        specifics += [entry.ecosystem_specific, entry.database_specific]
    words = [word for specific in specifics if specific for word in (specific.severity, specific.urgency)]
    # Ubuntu's priority stands among the vectors, as a word.
    words += vectors
    if source in ERRATA_SOURCES:
        words.append(erratum_rating(record.summary or ""))
    return rate(vectors, words)


def _affected(record: Record) -> tuple[Affected, ...]:
    """One entry a bucket: a version is affected if any of a record's entries for the package says so."""
    items: dict[Bucket, list[AffectedFields]] = {}
    for item in record.affected or ():
        if item.package is not None:
            items.setdefault(_bucket(item.package), []).append(item)
    # An update notice repeats one range for each of its packages.
    ranges: dict[tuple[EventFields, ...], Range] = {}
    entries = (_merged(bucket, same_bucket, ranges) for bucket, same_bucket in items.items())
    return tuple(_with_streams(entry, record.summary or "") for entry in entries)


def _bucket(package: PackageFields) -> Bucket:
    ecosystem, _, release = package.ecosystem.partition(":")
    # "Maven:https://..." says where to download, which an installed package does not tell.
    full_name = ecosystem if release.startswith(("http://", "https://")) else package.ecosystem
    row = find_ecosystem(full_name)
    if row is None:
        return full_name, package.name
    if row.normalise_release and release:
        full_name = f"{ecosystem}:{row.normalise_release(release)}"
    return full_name, row.normalise_name(package.name)


def _with_streams(entry: Affected, title: str) -> Affected:
    """OSV has no field for streams of modules; update notices of those that have them name them in their titles."""
    if not any(is_modular(version) for version in entry.fixed_versions):
        return entry
    return replace(entry, module_streams=named_streams(title))


def _merged(bucket: Bucket, items: list[AffectedFields], ranges: dict[tuple[EventFields, ...], Range]) -> Affected:
    # Commits of GIT ranges have no order without the repository.
    # Notices repeat a range for each repository or module that a bucket stands for.
    timelines = list(
        dict.fromkeys(entry.events for item in items for entry in item.ranges or () if entry.type != "GIT")
    )
    if sum(map(len, timelines)) > MAX_BOUNDARIES:
        raise _InvalidFieldError(f"more than {MAX_BOUNDARIES} events for {bucket[1][:80]!r}")
    for events in timelines:
        if events not in ranges:
            ranges[events] = _range(events)
    return Affected(
        *bucket,
        ranges=tuple(ranges[events] for events in timelines),
        versions=frozenset(version for item in items for version in item.versions or ()),
        imports=read_imports(items) if bucket[0] == GO_ECOSYSTEM else (),
    )


def _range(events: Iterable[EventFields]) -> Range:
    boundaries = []
    limits = []
    for event in events:
        kind, version = _single(event)
        if kind == "limit":
            limits.append(version)
        elif kind:
            from_the_first = kind == "introduced" and version == "0"
            boundaries.append(Boundary(BoundaryKind(kind), FROM_THE_FIRST if from_the_first else version))
    return Range(tuple(boundaries), () if "*" in limits else tuple(limits))


def _single(event: EventFields) -> tuple[str, str]:
    """The one thing an event says; nothing for a kind of event that is younger than this reader."""
    said = [(kind, version) for kind in EventFields.__struct_fields__ if (version := getattr(event, kind)) is not None]
    if len(said) > 1:
        raise _InvalidFieldError(f"an event with {' and '.join(kind for kind, _ in said)}")
    return said[0] if said else ("", "")


def _links(record: Record) -> tuple[str, ...]:
    """Web addresses only: people click on them."""
    urls = (reference.url for reference in record.references or ())
    return tuple(dict.fromkeys(url for url in urls if url.startswith(("https://", "http://")) and url.isprintable()))


def _moment(text: str | None) -> datetime | None:
    """A time in UTC; the year 1 is how Go writes that it has none."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.year == 1:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _InvalidFieldError(f"{text[:40]!r} is no time") from None


def _text(text: str | None) -> str:
    """Free text without NUL, which PostgreSQL cannot store."""
    return (text or "").replace("\0", "")
