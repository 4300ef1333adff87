"""The shape of OSV documents, as far as it is used, and its bounds."""

from typing import Annotated, Any

import msgspec

from deadlight.advisories.errors import InvalidAdvisoryError

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Forty times the largest of 27,779 real records."""

_Identifier = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9]*-[!-~]+\Z", max_length=128)]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f]+\Z", max_length=1024)]
_Version = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f]+\Z", max_length=256)]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=10_000)]
_Others = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=256)], ...], msgspec.Meta(max_length=10_000)]


class EventFields(msgspec.Struct, frozen=True, gc=False):
    """A change at a version; a valid one has exactly one field."""

    introduced: _Version | None = None
    fixed: _Version | None = None
    last_affected: _Version | None = None
    limit: _Version | None = None


class RangeFields(msgspec.Struct, frozen=True, gc=False):
    """A timeline of events, in the order of `type`."""

    type: str
    events: tuple[EventFields, ...]


class PackageFields(msgspec.Struct, frozen=True, gc=False):
    """What an entry is about."""

    ecosystem: _Name
    name: _Name


class SeverityFields(msgspec.Struct, frozen=True, gc=False):
    """A CVSS vector, or Ubuntu's word; its type is told by its text."""

    score: Any = None


class SpecificFields(msgspec.Struct, frozen=True, gc=False):
    """The words in which databases rate, wherever they put them."""

    severity: Any = None
    urgency: Any = None
    informational: Any = None
    imports: Any = None
    """Go's: what in the module is affected."""


class ImportFields(msgspec.Struct, frozen=True, gc=False):
    """A package of a Go module, and what in it is affected."""

    path: _Name
    symbols: _Names | None = None
    goos: _Names | None = None
    goarch: _Names | None = None


class AffectedFields(msgspec.Struct, frozen=True, gc=False):
    """One package, and which of its versions are affected."""

    package: PackageFields | None = None
    ranges: tuple[RangeFields, ...] | None = None
    versions: Annotated[tuple[_Version, ...], msgspec.Meta(max_length=100_000)] | None = None
    severity: tuple[SeverityFields, ...] | None = None
    ecosystem_specific: SpecificFields | None = None
    database_specific: SpecificFields | None = None


class ReferenceFields(msgspec.Struct, frozen=True, gc=False):
    """Where to read more."""

    url: str = ""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One OSV document."""

    id: _Identifier
    affected: Annotated[tuple[AffectedFields, ...], msgspec.Meta(max_length=10_000)] | None = None
    modified: str | None = None
    published: str | None = None
    withdrawn: str | None = None
    summary: str | None = None
    details: str | None = None
    aliases: _Others | None = None
    upstream: _Others | None = None
    related: _Others | None = None
    severity: tuple[SeverityFields, ...] | None = None
    references: tuple[ReferenceFields, ...] | None = None
    database_specific: SpecificFields | None = None


_DECODER = msgspec.json.Decoder(Record)


def decode_record(document: bytes, origin: str) -> Record:
    """Decode one document; `origin` says in errors where it came from.

    Raises:
        InvalidAdvisoryError: when it has another shape or exceeds a bound.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InvalidAdvisoryError(f"{origin}: {len(document)} bytes, more than the {MAX_DOCUMENT_BYTES} of any record")
    try:
        return _DECODER.decode(document)
    except RecursionError:
        raise InvalidAdvisoryError(f"{origin}: not OSV: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidAdvisoryError(f"{origin}: not OSV: {error}") from None
