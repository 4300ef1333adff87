"""Follows one kind of object through every way a list or watch can end.

| what happens | what follows |
|---|---|
| first contact; 410 (as HTTP status or as ERROR event) | list everything: what was known and is not listed is gone |
| a streaming list is refused (400, 422) or ends early | page through lists of 500 instead, from then on |
| the body ends cleanly (a server under pressure does so) | resume from the last version at once |
| silence for longer than bookmarks are apart | resume; twice in a row: list, the version may lie in the future |
| 401, 403, 404, 429, 5xx, no connection, garbage | wait, with jitter and at least `Retry-After`, then go on |
| the last list is more than an hour old | list at the next end of a stream: repairs what went unnoticed |
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import TypeAlias, assert_never

import msgspec

from deadlight.client.backoff import PATIENT, Backoff
from deadlight.controller.errors import ApiError, ControllerError, SilentError
from deadlight.controller.health import Health
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.events import (
    Bookmark,
    Gone,
    Seen,
    Undecodable,
    WatchEvent,
    parse_event,
    parse_page,
)
from deadlight.controller.sources.kubernetes.objects import KubernetesObject
from deadlight.controller.sources.kubernetes.resources import Resource

PAGE_SIZE = 500
STEADY_SECONDS = 60.0
"""A turn that lasted this long starts counting failures anew."""

_RANDOM = SystemRandom()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a reflector does things. Servers end a watch after between one and two `watch_seconds`."""

    backoff: Backoff = PATIENT
    watch_seconds: int = 300
    relist_seconds: float = 3600.0


UNHURRIED = Pace()

Deliver: TypeAlias = Callable[[Seen | Gone], None]


class Reflector:
    """Delivers every object of one kind as it is, and the uid of every object that is no more.

    What is delivered is level, not edge: an object may be seen twice unchanged, and what happened while nobody was
    connected is told as its outcome. `settled` is set once the first list is complete, or the server has made clear
    that it will not give one (403, 404).
    """

    def __init__(
        self, api: KubernetesApi, resource: Resource, deliver: Deliver, health: Health, pace: Pace = UNHURRIED
    ) -> None:
        self.settled = asyncio.Event()
        self._api = api
        self._resource = resource
        self._deliver = deliver
        self._health = health
        self._pace = pace
        self._decoder: msgspec.json.Decoder[KubernetesObject] = msgspec.json.Decoder(resource.kind)
        self._known: set[str] = set()
        self._listing: set[str] | None = None
        self._version = ""
        self._listed_at: float | None = None
        self._can_stream_lists = True
        self._heard = False
        self._silent_streams = 0

    async def run(self) -> None:
        """Follow the kind until cancelled."""
        failures = 0
        while True:
            began = time.monotonic()
            self._heard = False
            wait = await self._turn()
            if wait is None and self._heard:
                failures = 0
                continue
            if time.monotonic() - began > STEADY_SECONDS:
                failures = 0
            await asyncio.sleep(self._pace.backoff.delay(failures, at_least=wait or 0.0))
            failures += 1

    async def _turn(self) -> float | None:
        """One list, one stream or both; None after a clean end, else how long the server wants to be left alone."""
        try:
            await (self._list() if self._is_list_due() else self._watch({"resourceVersion": self._version}))
        except SilentError as error:
            self._after_silence()
            return self._complain(error)
        except ApiError as error:
            if error.status == 410 or error.reason in {"Expired", "Gone"}:
                self._version = ""
                return 0.0
            return self._complain(error)
        except ControllerError as error:
            return self._complain(error)
        return self._after_list()

    # --- lists ---

    def _is_list_due(self) -> bool:
        if not self._version or self._listed_at is None:
            return True
        return time.monotonic() - self._listed_at > self._pace.relist_seconds

    async def _list(self) -> None:
        self._version, self._listing = "", set()
        if self._can_stream_lists:
            await self._stream_list()
        else:
            await self._page_list()

    async def _stream_list(self) -> None:
        try:
            await self._watch({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"})
        except ApiError as error:
            if error.status not in {400, 422} or self._listing is None:
                raise
            self._can_stream_lists = False
            await self._page_list()

    async def _page_list(self) -> None:
        parameters = {"limit": str(PAGE_SIZE)}
        while True:
            page = parse_page(await self._api.get(self._resource.path, parameters), self._decoder)
            self._hear()
            for item in page.items:
                self._take(item)
            if not page.token:
                return self._end_list(page.version)
            parameters["continue"] = page.token

    def _end_list(self, version: str) -> None:
        listed = self._listing or set()
        for uid in self._known - listed:
            self._deliver(Gone(uid, version))
        self._health.counts.relists += self._listed_at is not None
        self._known, self._listing, self._version = listed, None, version
        self._listed_at = time.monotonic()
        self.settled.set()

    def _after_list(self) -> float | None:
        """A stream that ended before its list did is no clean end."""
        if self._listing is None:
            return None
        self._can_stream_lists = False
        return 0.0

    # --- streams ---

    async def _watch(self, parameters: dict[str, str]) -> None:
        seconds = self._pace.watch_seconds + _RANDOM.randrange(self._pace.watch_seconds)
        fixed = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        self._health.counts.streams += 1
        async with self._api.stream(self._resource.path, fixed | parameters) as lines:
            async for line in lines:
                event = parse_event(line, self._decoder)
                self._hear()
                self._take(event)

    def _take(self, event: WatchEvent) -> None:
        match event:
            case Seen(object=seen):
                self._note(seen.metadata.uid, seen.metadata.resource_version)
                self._deliver(event)
            case Undecodable(uid=uid, version=version):
                self._note(uid, version)
                self._health.counts.undecodable += 1
                logger.warning("%s %s left out: %s", self._resource, uid, event.reason)
            case Gone(uid=uid, version=version):
                self._note(uid, version)
                for uids in (self._known, self._listing or set()):
                    uids.discard(uid)
                self._deliver(event)
            case Bookmark(version=version, initial_end=initial_end):
                if self._listing is None:
                    self._version = version
                elif initial_end:
                    self._end_list(version)
            case _:
                assert_never(event)

    def _note(self, uid: str, version: str) -> None:
        """Versions inside a list are in no order: only its end gives one to resume from."""
        self._known.add(uid)
        self._health.counts.events += 1
        if self._listing is None:
            self._version = version
        else:
            self._listing.add(uid)

    # --- trouble ---

    def _hear(self) -> None:
        if not self._heard:
            self._heard = True
            self._silent_streams = 0
            if self._health.cleared(str(self._resource)):
                logger.info("%s can be read again", self._resource)

    def _after_silence(self) -> None:
        """Bookmarks break a healthy silence: twice nothing means that nothing will come for this version."""
        self._after_list()
        self._silent_streams += 1
        if self._silent_streams >= 2:
            self._version = ""

    def _complain(self, error: ControllerError) -> float:
        problem = describe(error, self._resource)
        if self._health.trouble(str(self._resource), problem):
            logger.warning("%s", problem)
        if not isinstance(error, ApiError):
            return 0.0
        if error.status in {403, 404} and not self._resource.essential:
            self.settled.set()
        return error.retry_after


def describe(error: ControllerError, resource: Resource) -> str:
    """What is wrong with reading `resource`, and what to do where that is known."""
    if isinstance(error, ApiError):
        match error.status:
            case 401:
                return f"cannot list {resource}: 401, the API server does not accept the credentials: {error.message}"
            case 403:
                return (
                    f"cannot list {resource}: 403, add get, list and watch on {resource.plural} "
                    f'(apiGroup "{resource.group}") to the controller\'s ClusterRole: {error.message}'
                )
            case 404:
                return f"cannot list {resource}: 404, this API server does not serve {resource.path}"
    return f"cannot follow {resource}: {error}"
