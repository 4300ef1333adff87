"""An event is there exactly when the change that made it true is."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.events.relays import record, rows
from tests.support.patience import PATIENCE_SECONDS

from deadlight.model.event import EventType
from deadlight.server.events.outbox import EVENTS_CHANNEL, NewEvent, record_events


async def test_events_recorded_in_a_transaction_that_rolls_back_never_were(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await record_events(connection, [NewEvent(EventType.IMAGE_OBSERVED, "image_tag:1")])
        await connection.rollback()
    assert await rows(engine, "SELECT * FROM event") == []


async def test_events_of_a_transaction_are_numbered_in_the_order_they_were_recorded(engine: AsyncEngine) -> None:
    keys = [f"image_tag:{number}" for number in range(2_000)]  # more than a driver sends in one go
    await record(engine, *keys)
    assert [row.key for row in await rows(engine, "SELECT key FROM event ORDER BY id")] == keys


async def test_an_event_starts_pending_due_and_with_its_data(engine: AsyncEngine) -> None:
    await record(engine, "workload:7", nested={"text": "ä\u2028", "list": [1, None, True]})
    (row,) = await rows(engine, "SELECT *, not_before <= clock_timestamp() AS due FROM event")
    assert (row.type, row.key, row.status, row.attempts, row.due) == ("ImageObserved", "workload:7", "pending", 0, True)
    assert row.data == {"nested": {"text": "ä\u2028", "list": [1, None, True]}}


async def test_recording_nothing_touches_nothing(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await record_events(connection, [])
        assert not connection.in_transaction()


async def test_relays_are_notified_once_however_many_events_a_transaction_records(engine: AsyncEngine) -> None:
    async with engine.connect() as listening:
        await listening.execution_options(isolation_level="AUTOCOMMIT")
        await listening.execute(text(f"LISTEN {EVENTS_CHANNEL}"))
        async with engine.begin() as connection:
            for number in range(3):
                await record_events(connection, [NewEvent(EventType.IMAGE_OBSERVED, f"image_tag:{number}")])
        driver = (await listening.get_raw_connection()).driver_connection
        assert driver is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            heard = [notification async for notification in driver.notifies(timeout=5, stop_after=1)]
        assert [notification.payload for notification in heard] == [""]
        assert [notification async for notification in driver.notifies(timeout=0)] == []
