"""Handing recorded events to their handlers: in order per key, at least once, from any number of replicas.

An event is locked, handled and marked in one transaction, so its handlers touch nothing but the database: what they
write and the mark that says so commit together, and a relay that is killed leaves the event as it was. Whatever talks
to the world is a job that a handler enqueues. One event per transaction also keeps the row locks of handlers few and
short, so that they cannot block one another in a circle.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.tables.events import event as event_table

logger = logging.getLogger(__name__)

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]

CHANGES_CHANNEL = "deadlight_changes"
"""Notified with the type of an event when it has been handled: what people look at may have changed."""

BATCH = 100
CONCURRENCY = 8
MAX_ATTEMPTS = 10
"""Attempts before an event is set aside as dead, counted and shown, so that it does not block its key for good."""

FIRST_RETRY = timedelta(milliseconds=200)
LAST_RETRY = timedelta(minutes=1)

# A key's first pending event is due; those behind it wait, also while a relay elsewhere holds the first.
_DUE = text(
    """
    SELECT id FROM event AS candidate
    WHERE status = 'pending' AND not_before <= clock_timestamp()
      AND NOT EXISTS (SELECT 1 FROM event AS earlier
                      WHERE earlier.status = 'pending' AND earlier.key = candidate.key AND earlier.id < candidate.id)
    ORDER BY id LIMIT :batch
    """
)


class _HandlerError(Exception):
    """A handler failed on this event."""

    def __init__(self, attempts: int) -> None:
        super().__init__()
        self.attempts = attempts


class Relay:
    """Handles pending events until cancelled. `wake()` makes it look now; it also looks every `sweep`."""

    def __init__(
        self, engine: AsyncEngine, subscriptions: Mapping[EventType, Sequence[Handler]], *, sweep: timedelta
    ) -> None:
        self._engine = engine
        self._subscriptions = subscriptions
        self._sweep = sweep.total_seconds()
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self.counters: dict[str, int] = defaultdict(int)

    def wake(self, _payload: str = "") -> None:
        """Look for pending events without waiting for the sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Handle events until cancelled; a database that is away only delays them."""
        while True:
            try:
                handled = await self.handle_pending()
            except Exception:
                self.counters["failed_rounds"] += 1
                logger.exception("handling events failed, trying again")
                handled = 0
            if not handled:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._sweep):
                await self._woken.wait()
        except TimeoutError:
            self.counters["sweeps"] += 1
        self._woken.clear()

    async def handle_pending(self) -> int:
        """Handle what is due, several keys at a time; returns how many events were handled or postponed here."""
        async with self._engine.connect() as connection:
            due = (await connection.execute(_DUE, {"batch": BATCH})).scalars().all()
        return sum(await asyncio.gather(*(self._handle(event_id) for event_id in due)))

    async def _handle(self, event_id: int) -> int:
        async with self._slots:
            try:
                async with self._engine.begin() as connection:
                    return await self._handle_locked(connection, event_id)
            except _HandlerError as failure:
                logger.exception("event handler failed", extra={"event_id": event_id})
                await self._postpone(event_id, failure)
                return 1

    async def _handle_locked(self, connection: AsyncConnection, event_id: int) -> int:
        pending = (event_table.c.id == event_id) & (event_table.c.status == "pending")
        row = (await connection.execute(select(event_table).where(pending).with_for_update(skip_locked=True))).first()
        if row is None:
            return 0  # another replica has it
        event = Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)
        try:
            for handler in self._subscriptions.get(event.type, ()):
                await handler(connection, event)
        except Exception as error:
            raise _HandlerError(row.attempts + 1) from error
        await connection.execute(
            update(event_table)
            .where(event_table.c.id == event_id)
            .values(status="handled", handled_at=text("clock_timestamp()"))
        )
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', :type)"), {"type": event.type.value})
        self.counters["handled"] += 1
        return 1

    async def _postpone(self, event_id: int, failure: _HandlerError) -> None:
        self.counters["failures"] += 1
        dead = failure.attempts >= MAX_ATTEMPTS
        if dead:
            self.counters["dead"] += 1
        cause = failure.__cause__
        async with self._engine.begin() as connection:
            await connection.execute(
                update(event_table)
                .where(event_table.c.id == event_id)
                .values(
                    attempts=failure.attempts,
                    status="dead" if dead else "pending",
                    not_before=text("clock_timestamp() + :pause").bindparams(pause=retry_pause(failure.attempts)),
                    error=f"{type(cause).__name__}: {cause}"[:2000],
                )
            )


def retry_pause(attempts: int) -> timedelta:
    """How long to leave an event alone after its `attempts`-th failure: doubling, at most a minute."""
    return min(FIRST_RETRY * float(2 ** (attempts - 1)), LAST_RETRY)
