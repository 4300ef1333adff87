"""Bills of materials that are attached to an image, taken out of whatever they are wrapped in; not read themselves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from deadlight.registry.answers import printable
from deadlight.registry.attestations.attached import MAX_ATTACHED, Attachments, Kind, find_attached, stated_type
from deadlight.registry.attestations.statements import InvalidStatementError, parse_envelope
from deadlight.registry.documents import Descriptor, Manifest
from deadlight.registry.errors import DigestMismatchError, MalformedAnswerError, NotFoundError, UnreadableImageError

MAX_SBOM_BYTES = 32 * 1024 * 1024
"""One document, with what it is wrapped in; those of the largest images have about half of it."""

MAX_SBOMS_BYTES = 64 * 1024 * 1024
"""All of an image's together."""

MAX_SBOMS = 8

_PLAIN = frozenset({"application/vnd.cyclonedx+json", "application/spdx+json", "text/spdx+json"})
"""Media types of documents that are attached as they are, in a format that is read."""

_UNREAD = {
    "application/vnd.cyclonedx+xml": "CycloneDX in XML",
    "application/vnd.cyclonedx": "CycloneDX in a form it does not name",
    "text/spdx": "SPDX as tags and values",
    "application/vnd.syft+json": "Syft's own format",
}
_WRAPPED = frozenset({Kind.ENVELOPE.value, Kind.STATEMENT.value})
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_BUNDLED_TYPE = "dev.sigstore.bundle.predicateType"
"""The annotation of a manifest that says what is in its bundle."""


@dataclass(frozen=True, slots=True)
class AttachedSbom:
    """A bill of materials as somebody attached it."""

    digest: str
    """Of the blob that it is in, under which the registry has it."""
    content: bytes = field(repr=False)
    """The document itself."""


@dataclass(frozen=True, slots=True)
class FoundSboms:
    """Every bill of materials that is attached to an image, and why others could not be had."""

    documents: tuple[AttachedSbom, ...] = ()
    problems: tuple[str, ...] = ()


async def collect_sboms(registry: Attachments, repository: str, digests: Iterable[str]) -> FoundSboms:
    """The bills attached to an image that is known by these digests: its manifest's and its index's.

    They are found by OCI referrers, cosign's tags and BuildKit's entries in an index, plain or as the predicate of an
    in-toto statement. Whoever may push may attach; signatures are not checked here.

    Raises:
        UnavailableError: the registry could not be asked. What it lacks, or sends broken, is left out and named.
    """
    wanted = tuple(digests)
    manifests, problems = await find_attached(registry, repository, wanted, ("att", "sbom"))
    documents: dict[str, AttachedSbom] = {}
    room = MAX_SBOMS_BYTES
    for layer in _bills(manifests, problems):
        if len(documents) >= MAX_SBOMS or layer.size > min(room, MAX_SBOM_BYTES):
            problems.append(f"the SBOM {layer.digest} was not read: there are too many, or it is too large")
            continue
        try:
            content = await registry.fetch_blob(repository, layer.digest, size_limit=min(room, MAX_SBOM_BYTES))
            document = _unwrap(layer, content, frozenset(wanted))
        except (NotFoundError, MalformedAnswerError, DigestMismatchError, UnreadableImageError) as error:
            problems.append(f"the SBOM {layer.digest} could not be read: {error}")
        except InvalidStatementError as error:
            if layer.media_type in _WRAPPED and not stated_type(layer):
                continue  # most likely no SBOM at all
            problems.append(f"the SBOM {layer.digest} could not be read: it is {error}")
        else:
            if document:
                room -= len(content)
                documents.setdefault(layer.digest, AttachedSbom(layer.digest, document))
    return FoundSboms(tuple(documents.values()), tuple(problems))


def _bills(manifests: Iterable[Manifest], problems: list[str]) -> list[Descriptor]:
    """Layers that are, or may hold, a bill of materials."""
    found: dict[str, Descriptor] = {}
    for manifest in manifests:
        for layer in manifest.layers[:MAX_ATTACHED]:
            if layer.media_type in _UNREAD:
                problems.append(
                    f"the SBOM {layer.digest} is {_UNREAD[layer.media_type]}, which is not read: attach JSON"
                )
            elif _may_be_bill(layer, manifest):
                found.setdefault(layer.digest, layer)
    return list(found.values())


def _may_be_bill(layer: Descriptor, manifest: Manifest) -> bool:
    if layer.media_type in _PLAIN or (manifest.artifact_type in _PLAIN and layer.media_type.endswith("json")):
        return True
    if layer.media_type.startswith(_BUNDLE):
        return is_bill(manifest.annotations.get(_BUNDLED_TYPE, ""))
    said = stated_type(layer)
    return layer.media_type in _WRAPPED and (is_bill(said) if said else True)


def is_bill(predicate_type: str) -> bool:
    """Whether a statement of this type has a bill of materials for its predicate."""
    return predicate_type.startswith(("https://spdx.dev/Document", "https://cyclonedx.org/bom"))


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, rename="camel"):
    subject: list[_Subject]
    predicate_type: str
    predicate: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct, rename="camel"):
    dsse_envelope: msgspec.Raw = msgspec.Raw(b"null")


def _unwrap(layer: Descriptor, content: bytes, known: frozenset[str]) -> bytes:
    """The document in a layer; empty for a statement of something else. Raises InvalidStatementError."""
    if layer.media_type.startswith(_BUNDLE):
        content = parse_envelope(bytes(_decode(content, _Bundle).dsse_envelope)).payload
    elif layer.media_type == Kind.ENVELOPE.value:
        content = parse_envelope(content).payload
    elif layer.media_type != Kind.STATEMENT.value:
        return content
    statement = _decode(content, _Statement)
    if not is_bill(statement.predicate_type):
        return b""
    if not known & _about(statement.subject):
        raise InvalidStatementError("a statement about another image")
    return _document(bytes(statement.predicate))


def _about(subjects: Iterable[_Subject]) -> set[str]:
    return {f"{algorithm}:{value}" for subject in subjects for algorithm, value in subject.digest.items()}


def _document(predicate: bytes) -> bytes:
    """The predicate; cosign writes some as a text, and wraps others with the time in `Data`."""
    if predicate.startswith(b"{"):
        fields = _decode(predicate, dict[str, msgspec.Raw])
        predicate = bytes(fields["Data"]) if fields.keys() <= {"Data", "Timestamp"} and "Data" in fields else predicate
    return _decode(predicate, str).encode() if predicate.startswith(b'"') else predicate


T = TypeVar("T")


def _decode(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidStatementError(f"no statement: {printable(str(error))}") from error
