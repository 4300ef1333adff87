"""Handing recorded events to their handlers: in order per key, urgent keys first, at least once, from any replica.

An event is locked, handled and marked in one transaction, so its handlers touch nothing but the database: what they
write and the mark that says so commit together, and a relay that is killed leaves the event as it was. Whatever talks
to the world is a job that a handler enqueues. A transaction has events of one key only, which concern the same rows:
that keeps the row locks of handlers few, so that they cannot block one another in a circle, and lets a key that has
fallen behind catch up.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import Row, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.model.event import URGENT, EventType
from deadlight.server.db.engine import autocommit
from deadlight.server.events.outbox import Event
from deadlight.server.tables.events import event as event_table

logger = logging.getLogger(__name__)

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Following:
    """A handler that looks at what is true now: of events of a type that come in a row it needs only what they make."""

    handle: Handler
    merge: Callable[[Sequence[Event]], Event] = lambda events: events[-1]


Subscriptions = Mapping[EventType, Sequence[Handler | Following]]
"""The handlers of every event, in the order they run."""

CHANGES_CHANNEL = "deadlight_changes"
"""Notified with the type of an event when it has been handled: what people look at may have changed."""

BATCH = 16
"""Due events a relay holds ready, so that it asks for more seldom when there are many."""

TOGETHER = 20
"""Events of a key that may share a transaction."""

CONCURRENCY = 8
MAX_ATTEMPTS = 10
"""Attempts before an event is set aside as dead, counted and shown, so that it does not block its key for good."""

FIRST_RETRY = timedelta(milliseconds=200)
LAST_RETRY = timedelta(minutes=1)

# A key's first pending event, once it is due; those behind it wait, also while a relay elsewhere holds the first. Keys
# with something urgent come first, with all that waits before it. Grouping is one pass however many are pending. A join
# with "an earlier one of that key" is not: statistics never know how many are pending just now, and the planner then
# compares all with all (20,000 took longer than the timeout).
_DUE = text(
    """
    SELECT id
    FROM (SELECT min(id) AS id, (array_agg(not_before ORDER BY id))[1] AS not_before,
                 bool_or(type = ANY(:urgent)) AS is_urgent
          FROM event WHERE status = 'pending' GROUP BY key) AS first
    WHERE not_before <= clock_timestamp() AND id <> ALL(:started)
    ORDER BY is_urgent DESC, id LIMIT :batch
    """
)

# With those that wait behind it. Since it was found, another relay may have handled, postponed or taken it.
_TAKE = text(
    """
    SELECT *, not_before <= clock_timestamp() AS is_due FROM event
    WHERE key = (SELECT key FROM event WHERE id = :id) AND id >= :id AND status = 'pending'
    ORDER BY id LIMIT :limit
    FOR UPDATE SKIP LOCKED
    """
)


_FINISH = text(
    """
    UPDATE event SET status = 'handled', handled_at = clock_timestamp() WHERE id = ANY(:ids)
    RETURNING pg_notify(:channel, type)
    """
)


class _HandlerError(Exception):
    """A handler failed on this event, the `attempts`-th time; the first `handled` of its transaction do without it."""

    def __init__(self, attempts: int, handled: int) -> None:
        super().__init__()
        self.attempts = attempts
        self.handled = handled


class Relay:
    """Handles pending events until cancelled. `wake()` makes it look now; it also looks every `sweep`."""

    def __init__(self, engine: AsyncEngine, subscriptions: Subscriptions, *, sweep: timedelta) -> None:
        self._engine = engine
        self._subscriptions = subscriptions
        self._sweep = sweep.total_seconds()
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._started: set[int] = set()
        """Events found due here and not done with."""
        self._room = asyncio.Event()
        """Set once fewer are started than can be handled at a time."""
        self.counters: dict[str, int] = defaultdict(int)

    def wake(self, _payload: str = "") -> None:
        """Look for pending events without waiting for the sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Handle events until cancelled; a database that is away only delays them."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wait_for_room()
                for event_id in await self._find_due():
                    self._started.add(event_id)
                    tasks.create_task(self._handle(event_id))
                await self._wait()

    async def _wait_for_room(self) -> None:
        while len(self._started) >= CONCURRENCY:
            self._room.clear()
            await self._room.wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._sweep):
                await self._woken.wait()
        except TimeoutError:
            self.counters["sweeps"] += 1
        self._woken.clear()

    async def _find_due(self) -> Sequence[int]:
        parameters = {"started": list(self._started), "urgent": list(URGENT), "batch": BATCH}
        try:
            async with autocommit(self._engine) as connection:
                return (await connection.execute(_DUE, parameters)).scalars().all()
        except Exception:
            self.counters["failed_rounds"] += 1
            logger.exception("looking for events failed, trying again")
            return ()

    async def _handle(self, event_id: int) -> None:
        handled = False
        try:
            async with self._slots:
                handled = await self._handle_or_postpone(event_id)
        except Exception:
            self.counters["failed_rounds"] += 1
            logger.exception("handling an event failed, trying again", extra={"event_id": event_id})
        finally:
            self._started.discard(event_id)
            self._room.set()
            if handled:
                self.wake()  # for what waited behind it

    async def _handle_or_postpone(self, event_id: int, limit: int = TOGETHER) -> bool:
        try:
            async with self._engine.begin() as connection:
                return await self._take(connection, event_id, limit)
        except _HandlerError as failure:
            if failure.handled:  # their work was undone with the failure: it is done without what failed, which is next
                return await self._handle_or_postpone(event_id, failure.handled)
            logger.exception("event handler failed", extra={"event_id": event_id})
            await self._postpone(event_id, failure)
            return failure.attempts >= MAX_ATTEMPTS

    async def _take(self, connection: AsyncConnection, event_id: int, limit: int) -> bool:
        rows = (await connection.execute(_TAKE, {"id": event_id, "limit": limit})).all()
        if not rows or rows[0].id != event_id:
            return False
        due = list(takewhile(lambda row: row.is_due, rows))
        for _, run in groupby(enumerate(due), key=lambda numbered: numbered[1].type):
            await self._run_handlers(connection, list(run))
        await connection.execute(_FINISH, {"ids": [row.id for row in due], "channel": CHANGES_CHANNEL})
        self.counters["handled"] += len(due)
        return bool(due)

    async def _run_handlers(self, connection: AsyncConnection, run: Sequence[tuple[int, Row[Any]]]) -> None:
        """Run the handlers of events of one type that come in a row, each told its place in the transaction."""
        first, attempts = run[0][0], run[0][1].attempts
        try:
            events = [_event(row) for _, row in run]
            handlers = self._subscriptions.get(events[0].type, ())
        except ValueError as error:
            raise _HandlerError(attempts + 1, first) from error
        for handler in handlers:
            if isinstance(handler, Following):
                # Whose fault it is shows when the first one is alone.
                without = first or min(len(run) - 1, 1)
                await _attempt(handler.handle(connection, handler.merge(events)), attempts, without)
            else:
                for event, (number, row) in zip(events, run, strict=True):
                    await _attempt(handler(connection, event), row.attempts, number)

    async def _postpone(self, event_id: int, failure: _HandlerError) -> None:
        self.counters["failures"] += 1
        dead = failure.attempts >= MAX_ATTEMPTS
        if dead:
            self.counters["dead"] += 1
        cause = failure.__cause__
        async with self._engine.begin() as connection:
            await connection.execute(
                update(event_table)
                # Unless another relay has tried since: the event was free for a moment.
                .where(
                    event_table.c.id == event_id,
                    event_table.c.status == "pending",
                    event_table.c.attempts == failure.attempts - 1,
                )
                .values(
                    attempts=failure.attempts,
                    status="dead" if dead else "pending",
                    not_before=text("clock_timestamp() + :pause").bindparams(pause=retry_pause(failure.attempts)),
                    error=f"{type(cause).__name__}: {cause}"[:2000],
                )
            )


def _event(row: Row[Any]) -> Event:
    return Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)


async def _attempt(handling: Awaitable[None], attempts: int, handled: int) -> None:
    try:
        await handling
    except Exception as error:
        raise _HandlerError(attempts + 1, handled) from error


def retry_pause(attempts: int) -> timedelta:
    """How long to leave an event alone after its `attempts`-th failure: doubling, at most a minute."""
    return min(FIRST_RETRY * float(2 ** min(attempts - 1, 20)), LAST_RETRY)
