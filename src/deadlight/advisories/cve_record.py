"""CVE records: bytes -> how severe a CVE is said to be (https://cveproject.github.io/cve-schema/, versions 5.0 to 5.2).

Used where no advisory rates a vulnerability. A record has the container of the authority that assigned the CVE and
those of others that add to it; CISA's ("Vulnrichment") rates many that their authorities do not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from deadlight.advisories.aliases import CVE_PATTERN
from deadlight.advisories.errors import InvalidAdvisoryError
from deadlight.advisories.record import MAX_DOCUMENT_BYTES
from deadlight.advisories.severity import Rating, rate
from deadlight.model.vulnerability import Severity

DATA_TYPE = "CVE_RECORD"
UNRATED = Rating()
MAX_CONTAINERS = 100
MAX_METRICS = 1_000
MAX_SOURCE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class CveRating:
    """How severe a CVE is by its own record; `source` is the container's short name, empty where none rates it."""

    cve: str
    rating: Rating = UNRATED
    source: str = ""
    updated_at: datetime | None = None


class _Cvss(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    vector_string: Any = None
    base_severity: Any = None


class _Content(msgspec.Struct, frozen=True, gc=False):
    value: Any = None
    text: Any = None


class _Other(msgspec.Struct, frozen=True, gc=False):
    content: _Content | None = None


class _Metric(msgspec.Struct, frozen=True, gc=False):
    """One way of saying how severe; the first that a metric has counts no more than the others."""

    v4_0: _Cvss | None = msgspec.field(default=None, name="cvssV4_0")
    v3_1: _Cvss | None = msgspec.field(default=None, name="cvssV3_1")
    v3_0: _Cvss | None = msgspec.field(default=None, name="cvssV3_0")
    v2_0: _Cvss | None = msgspec.field(default=None, name="cvssV2_0")
    other: _Other | None = None


class _Provider(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    short_name: str = ""


class _Container(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    provider_metadata: _Provider = _Provider()
    metrics: Annotated[tuple[_Metric, ...], msgspec.Meta(max_length=MAX_METRICS)] = ()


class _Containers(msgspec.Struct, frozen=True, gc=False):
    cna: _Container = _Container()
    adp: Annotated[tuple[_Container, ...], msgspec.Meta(max_length=MAX_CONTAINERS)] = ()


class _Metadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    cve_id: Annotated[str, msgspec.Meta(pattern=rf"\A{CVE_PATTERN}\Z")]
    state: str
    date_updated: str | None = None


class _Record(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    data_type: str
    cve_metadata: _Metadata
    containers: _Containers = _Containers()


class _Kind(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    data_type: Any = None


_DECODER = msgspec.json.Decoder(_Record)
_KIND_DECODER = msgspec.json.Decoder(_Kind)


def is_cve_record(document: bytes) -> bool:
    """Whether a document says of itself that it is a CVE record."""
    if b"CVE_RECORD" not in document[:MAX_DOCUMENT_BYTES]:
        return False
    try:
        return bool(_KIND_DECODER.decode(document).data_type == DATA_TYPE)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def parse_cve_record(document: bytes, origin: str) -> CveRating:
    """Read how severe a CVE is said to be; `origin` says in errors where it came from.

    A CVSS vector of the authority that assigned the CVE counts first, then one of another container, the worst of them,
    then a word of the authority. A rejected CVE is not severe.

    Raises:
        InvalidAdvisoryError: when the document is no CVE record or exceeds a bound.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InvalidAdvisoryError(f"{origin}: {len(document)} bytes, more than the {MAX_DOCUMENT_BYTES} of any record")
    try:
        record = _DECODER.decode(document)
    except RecursionError:
        raise InvalidAdvisoryError(f"{origin}: not a CVE record: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidAdvisoryError(f"{origin}: not a CVE record: {error}") from None
    if record.data_type != DATA_TYPE:
        raise InvalidAdvisoryError(f"{origin}: not a CVE record: dataType is {record.data_type[:40]!r}")
    metadata = record.cve_metadata
    rating, source = (Rating(), "") if metadata.state == "REJECTED" else _rating(record.containers)
    return CveRating(metadata.cve_id, rating, _short(source), _moment(metadata.date_updated))


def _rating(containers: _Containers) -> tuple[Rating, str]:
    own = containers.cna
    by_vector = (_of_vectors(own), *sorted(map(_of_vectors, containers.adp), key=_weight, reverse=True))
    for rating, source in (*by_vector, (rate((), _words(own.metrics)), own.provider_metadata.short_name)):
        if rating.severity is not Severity.UNKNOWN:
            return rating, source
    return Rating(), ""


def _of_vectors(container: _Container) -> tuple[Rating, str]:
    return rate(_vectors(container.metrics), ()), container.provider_metadata.short_name


def _weight(rated: tuple[Rating, str]) -> float:
    return rated[0].cvss_score or 0.0


def _vectors(metrics: Iterable[_Metric]) -> list[object]:
    return [entry.vector_string for metric in metrics for entry in _cvss(metric)]


def _words(metrics: Iterable[_Metric]) -> list[object]:
    words: list[object] = []
    for metric in metrics:
        words += [entry.base_severity for entry in _cvss(metric)]
        if metric.other and metric.other.content:
            words += [metric.other.content.value, metric.other.content.text]
    return words


def _cvss(metric: _Metric) -> list[_Cvss]:
    return [entry for entry in (metric.v4_0, metric.v3_1, metric.v3_0, metric.v2_0) if entry is not None]


def _short(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:MAX_SOURCE_LENGTH]


def _moment(text: str | None) -> datetime | None:
    """A time in UTC; None for what is no time, which says nothing about a rating."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
