"""Asking one source for a manifest, or only for what a tag points at."""

from dataclasses import dataclass
from http import HTTPStatus

from deadlight.model.image import is_digest
from deadlight.registry.answers import Answer, is_html, printable, refusal
from deadlight.registry.documents import (
    ACCEPTED,
    INDEX_TYPES,
    MANIFEST_TYPES,
    InvalidDocumentError,
    Manifest,
    digest_of,
    parse_manifest,
)
from deadlight.registry.errors import DigestMismatchError, MalformedAnswerError
from deadlight.registry.limits import MAX_MANIFEST_BYTES
from deadlight.registry.names import manifest_path, scope_of
from deadlight.registry.source import Request, Source

_MAX_ETAG_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class ManifestHead:
    """What a tag or digest points at, without its content."""

    digest: str
    media_type: str
    etag: str
    size: int | None
    """Bytes, where the registry says so."""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The registry still has what it once sent with this entity tag."""

    etag: str


async def look_up_manifest(
    source: Source, repository: str, reference: str, *, etag: str = ""
) -> ManifestHead | Manifest | NotModified:
    """Ask by HEAD, which Docker Hub does not count as a pull, and by GET where that leaves anything open.

    A 404 to a HEAD has no body to say who speaks, some registries refuse HEAD and some send no digest with it. Only the
    GET is conditional, and never one for a digest or after a 404: distribution answers 304 to a digest's own ETag
    before it looks whether it still has it.

    Raises:
        RegistryError: as `fetch_manifest`.
    """
    path = manifest_path(repository, reference)
    answer = await source.fetch(Request(path, scope_of(repository), method="HEAD", headers={"Accept": ACCEPTED}))
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INTERNAL_SERVER_ERROR}:
        raise refusal(answer)
    head = _read_head(answer, reference)
    if head is not None:
        return head
    usable = etag if answer.status != HTTPStatus.NOT_FOUND and not is_digest(reference) else ""
    return await fetch_manifest(source, repository, reference, etag=usable)


async def fetch_manifest(source: Source, repository: str, reference: str, *, etag: str = "") -> Manifest | NotModified:
    """GET the manifest of a tag or digest, unless it is still the one of `etag`.

    Raises:
        NotFoundError: the registry says that it does not exist.
        DigestMismatchError: asked by digest, the content is another.
        UnavailableError: anything else.
    """
    path, scope = manifest_path(repository, reference), scope_of(repository)
    headers = {"Accept": ACCEPTED} | ({"If-None-Match": etag} if etag else {})
    answer = await source.fetch(Request(path, scope, headers=headers, size_limit=MAX_MANIFEST_BYTES))
    match answer.status:
        case HTTPStatus.OK:
            return _read_manifest(answer, reference)
        case HTTPStatus.NOT_MODIFIED if etag:
            return NotModified(etag)
        case HTTPStatus.NOT_FOUND:
            raise await source.explain_absence(answer, f"manifest {repository}:{reference}", scope)
        case _:
            raise refusal(answer)


def _read_head(answer: Answer, reference: str) -> ManifestHead | None:
    digest = answer.headers.get("Docker-Content-Digest", "")
    complete = answer.status == HTTPStatus.OK and answer.content_type in INDEX_TYPES | MANIFEST_TYPES
    if not complete or not is_digest(digest) or (is_digest(reference) and digest != reference):
        return None
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() and len(length) < 16 else None
    return ManifestHead(digest, answer.content_type, _etag(answer), size)


def _read_manifest(answer: Answer, reference: str) -> Manifest:
    if is_html(answer):
        claimed = printable(answer.content_type)
        raise MalformedAnswerError(answer.registry, f"it answers with a web page instead of a manifest ({claimed})")
    digest = _verified_digest(answer, reference)
    try:
        return parse_manifest(answer.body, answer.content_type, digest=digest, etag=_etag(answer))
    except InvalidDocumentError as error:
        raise MalformedAnswerError(answer.registry, f"it sends {error}") from error


def _verified_digest(answer: Answer, reference: str) -> str:
    """The digest of the content, by the algorithm of the digest asked for or stated."""
    stated = answer.headers.get("Docker-Content-Digest", "")
    expected = reference if is_digest(reference) else stated
    actual = digest_of(answer.body, expected.partition(":")[0])
    if is_digest(reference) and actual != reference:
        raise DigestMismatchError(f"{answer.registry} sends {actual} when asked for the manifest {reference}")
    if is_digest(expected) and actual != expected:
        raise MalformedAnswerError(answer.registry, f"its digest header says {expected}, its content is {actual}")
    return actual


def _etag(answer: Answer) -> str:
    etag = answer.headers.get("ETag", "")
    return etag if len(etag) <= _MAX_ETAG_CHARACTERS else ""
