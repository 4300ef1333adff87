"""Relays that run while a test does, and a handler whose effect is a row."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.support.service import eventually

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event, NewEvent, record_events
from deadlight.server.events.relay import Handler, Relay

NEVER = timedelta(hours=1)
"""A sweep that does not come while a test runs."""

SOON = timedelta(milliseconds=20)


async def note(connection: AsyncConnection, event: Event) -> None:
    """Write a row; `{"seconds": x}` in the event makes it take that long in the database."""
    await connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": event.data.get("seconds", 0)})
    await connection.execute(
        text("INSERT INTO effect (event_id, key) VALUES (:id, :key)"), {"id": event.id, "key": event.key}
    )


@asynccontextmanager
async def running_relay(engine: AsyncEngine, *handlers: Handler, sweep: timedelta = SOON) -> AsyncIterator[Relay]:
    """A relay that hands `ImageObserved` to the handlers (to `note` when there are none) until the block ends."""
    async with relaying(Relay(engine, {EventType.IMAGE_OBSERVED: handlers or (note,)}, sweep=sweep)) as relay:
        yield relay


@asynccontextmanager
async def relaying(relay: Relay) -> AsyncIterator[Relay]:
    """Run a relay until the block ends."""
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def record(engine: AsyncEngine, *keys: str, **data: Any) -> None:
    """Record an event for each key in one transaction."""
    async with engine.begin() as connection:
        await record_events(connection, [NewEvent(EventType.IMAGE_OBSERVED, key, data) for key in keys])


async def rows(engine: AsyncEngine, query: str, **parameters: Any) -> Sequence[Row[Any]]:
    """What the database holds, and afterwards what it was told to do."""
    async with engine.begin() as connection:
        return (await connection.execute(text(query), parameters)).all()


async def keys_noted(engine: AsyncEngine) -> list[str]:
    """The keys of events that had their effect, in that order."""
    return [row.key for row in await rows(engine, "SELECT key FROM effect ORDER BY number")]


async def count_of(engine: AsyncEngine, status: str) -> int:
    """How many events have a status."""
    (row,) = await rows(engine, "SELECT count(*) FROM event WHERE status = :status", status=status)
    return int(row[0])


async def until_handled(engine: AsyncEngine) -> None:
    """Wait until nothing is pending."""

    async def nothing_pending() -> bool:
        return await count_of(engine, "pending") == 0

    await eventually(nothing_pending)
