"""Bytes of lists and watches -> values. Pure; the only errors are this room's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import msgspec

from deadlight.controller.errors import ApiError, MalformedAnswerError
from deadlight.controller.sources.kubernetes.objects import KubernetesObject

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""The annotation of the bookmark that ends a streaming list."""

_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Seen:
    """An object exists and looks like this."""

    object: KubernetesObject


@dataclass(frozen=True, slots=True)
class Gone:
    """An object is no more."""

    uid: str
    version: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An object exists, but a field we use is not what the API promises."""

    uid: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Everything up to `version` has been sent; `initial_end` marks the end of a streaming list."""

    version: str
    initial_end: bool


WatchEvent: TypeAlias = Seen | Gone | Undecodable | Bookmark


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `token` asks for the next one."""

    version: str
    token: str
    items: list[Seen | Undecodable]


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _BareMetadata(msgspec.Struct, rename="camel"):
    resource_version: str
    uid: str = ""
    annotations: dict[str, str] | None = None


class _Bare(msgspec.Struct):
    metadata: _BareMetadata


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: int = 0


class _Status(msgspec.Struct):
    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str
    token: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


T = TypeVar("T")
Json: TypeAlias = bytes | memoryview | msgspec.Raw
_USUAL_LAYOUT = re.compile(rb'\{"type":"([A-Z]+)","object":(?=\{)')
_EVENT = msgspec.json.Decoder(_Event)
_BARE = msgspec.json.Decoder(_Bare)


def parse_event(line: bytes, kind: msgspec.json.Decoder[KubernetesObject]) -> WatchEvent:
    """One line of a watch.

    The type is read first: what a bookmark or an error carries is not an object of the kind.

    Raises:
        ApiError: the line is an ERROR event.
        MalformedAnswerError: it is no event at all.
    """
    event_type, text = _split_event(line)
    match event_type:
        case "ADDED" | "MODIFIED":
            return parse_object(text, kind)
        case "DELETED":
            bare = _decoded(_BARE, text).metadata
            return Gone(bare.uid, bare.resource_version)
        case "BOOKMARK":
            bare = _decoded(_BARE, text).metadata
            return Bookmark(bare.resource_version, (bare.annotations or {}).get(INITIAL_EVENTS_END) == "true")
        case "ERROR":
            raise parse_status(0, bytes(text))
        case unknown:
            raise MalformedAnswerError(f"a watch event of unknown type {unknown[:40]!r}")


def _split_event(line: bytes) -> tuple[str, Json]:
    """The type and the object's text; without reading the object where the line is laid out as API servers do."""
    usual = _USUAL_LAYOUT.match(line)
    if usual and line.endswith(b"}"):
        return usual[1].decode(), memoryview(line)[usual.end() : -1]
    event = _decoded(_EVENT, line)
    return event.type, event.object


def parse_object(text: Json, kind: msgspec.json.Decoder[KubernetesObject]) -> Seen | Undecodable:
    """One object of a list or an event.

    Raises:
        MalformedAnswerError: it does not even have a uid and a version.
    """
    try:
        return Seen(kind.decode(text))
    except _UNDECODABLE as error:
        bare = _decoded(_BARE, text).metadata
        return Undecodable(bare.uid, bare.resource_version, str(error))


def parse_page(body: bytes, kind: msgspec.json.Decoder[KubernetesObject]) -> Page:
    """One page of a list.

    Raises:
        MalformedAnswerError: it is no list.
    """
    page = _decoded(msgspec.json.Decoder(_List), body)
    return Page(page.metadata.resource_version, page.metadata.token, list(_objects(page, kind)))


def _objects(page: _List, kind: msgspec.json.Decoder[KubernetesObject]) -> Iterator[Seen | Undecodable]:
    for item in page.items or ():
        yield parse_object(item, kind)


def parse_status(status: int, body: bytes, *, retry_after: float = 0.0) -> ApiError:
    """The error that a Status object describes; `status` is the HTTP status, 0 inside a watch."""
    try:
        answer = msgspec.json.decode(body, type=_Status)
    except _UNDECODABLE:
        text = body[:200].decode("utf-8", "replace").strip()
        return ApiError(status, "", text or "no explanation", retry_after=retry_after)
    wait = max(retry_after, float(answer.details.retry_after_seconds if answer.details else 0))
    return ApiError(status or answer.code, answer.reason, answer.message[:500], retry_after=wait)


def _decoded(decoder: msgspec.json.Decoder[T], text: Json) -> T:
    try:
        return decoder.decode(text)
    except _UNDECODABLE as error:
        raise MalformedAnswerError(f"the API server sent something unexpected: {error}") from error
