"""Watches: from a version on, every change of a kind as one line of JSON."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from deadlight.demo.kubernetes.listing import selected_by
from deadlight.demo.kubernetes.manifests import Stored, bookmark
from deadlight.demo.kubernetes.resources import Resource
from deadlight.demo.kubernetes.selectors import Matches
from deadlight.demo.kubernetes.statuses import bad_request, expired_watch, no_streaming_lists
from deadlight.demo.kubernetes.store import Cluster, Recorded

LONGEST_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What a client asks to watch; `version` None starts with everything there is."""

    resource: Resource
    namespace: str
    version: int | None
    streams_list: bool
    bookmarks: bool
    seconds: float
    labels: Matches
    fields: Matches

    def wants(self, item: Stored | None) -> bool:
        """Whether an object is in what is watched."""
        return (
            item is not None
            and self.namespace in {"", item.namespace}
            and self.labels(item.labels)
            and self.fields(item.fields)
        )


def parse_watch(cluster: Cluster, resource: Resource, namespace: str, query: Mapping[str, str]) -> WatchRequest:
    """Read a watch's parameters; raises StatusError (400, 422)."""
    version, seconds = query.get("resourceVersion", ""), query.get("timeoutSeconds", "")
    streams_list = query.get("sendInitialEvents") == "true"
    if streams_list and not (cluster.streams_lists and query.get("resourceVersionMatch") == "NotOlderThan"):
        raise no_streaming_lists()
    for text in (version, seconds):
        if text and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise bad_request(f"Invalid value: {text!r}")
    labels, fields = selected_by(query)
    return WatchRequest(
        resource=resource,
        namespace=namespace,
        version=None if streams_list or version in {"", "0"} else int(version),
        streams_list=streams_list,
        bookmarks=query.get("allowWatchBookmarks") == "true",
        seconds=float(seconds or LONGEST_SECONDS),
        labels=labels,
        fields=fields,
    )


async def watch(cluster: Cluster, request: WatchRequest) -> AsyncIterator[bytes]:
    """The lines of a watch, until its time is over, it is ended, or it is too far behind."""
    shelf, loop = cluster.shelf(request.resource), asyncio.get_running_loop()
    epoch, deadline = shelf.epoch, loop.time() + request.seconds
    position = cluster.version if request.version is None else request.version
    if request.version is None:
        for line in _everything(cluster, request, position):
            yield line
    while shelf.epoch == epoch and loop.time() < deadline:
        pulse = shelf.pulse
        if position < shelf.oldest:
            yield _line(b"ERROR", msgspec.json.encode(expired_watch(position, shelf.oldest).body))
            return
        for change in shelf.since(position):
            position = change.version
            for line in _changed(request, change):
                yield line
        idle = not await _within(min(cluster.bookmark_seconds, deadline - loop.time()), pulse)
        if idle and request.bookmarks and position <= cluster.version and loop.time() < deadline:
            position = cluster.version
            yield _bookmark(request.resource, position)
    if shelf.epoch != epoch and shelf.ending is not None:
        yield _line(b"ERROR", msgspec.json.encode(shelf.ending.body))


def _everything(cluster: Cluster, request: WatchRequest, version: int) -> Iterator[bytes]:
    for item in sorted(cluster.shelf(request.resource).objects.values(), key=attrgetter("key")):
        if request.wants(item):
            yield _line(b"ADDED", item.body)
    if request.streams_list and request.bookmarks:
        yield _bookmark(request.resource, version, initial_end=True)


def _changed(request: WatchRequest, change: Recorded) -> Iterator[bytes]:
    """What a change looks like through the selectors: an object may enter or leave them without being new or gone."""
    was, is_now = request.wants(change.before), request.wants(change.after) and not change.deleted
    if is_now:
        yield _line(b"MODIFIED" if was else b"ADDED", change.after.body)
    elif was:
        yield _line(b"DELETED", change.after.body)


def _bookmark(resource: Resource, version: int, *, initial_end: bool = False) -> bytes:
    return _line(b"BOOKMARK", msgspec.json.encode(bookmark(resource, version, initial_end=initial_end)))


def _line(kind: bytes, body: bytes) -> bytes:
    return b'{"type":"' + kind + b'","object":' + body + b"}\n"


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()  # between the end of the time and this line others had their turn
