"""Hearing of changes, also after the connection broke."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.service import eventually

from deadlight.server.db.notifications import Listener


class Heard:
    """A callback that keeps what it was told."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, payload: str) -> None:
        self.payloads.append(payload)
        self._news.set()

    async def until(self, holds: Callable[[list[str]], bool]) -> None:
        """Wait for what makes it hold."""
        async with asyncio.timeout(20):
            while not holds(self.payloads):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[None]:
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def notify(engine: AsyncEngine, channel: str, payload: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})


async def listening_pid(engine: AsyncEngine) -> int:
    """The server's process of the listener's connection, once it listens to everything."""
    query = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%two%'")
    found: list[int] = []

    async def there() -> bool:
        async with engine.connect() as connection:
            found[:] = (await connection.execute(query)).scalars().all()
        return bool(found)

    await eventually(there)
    return found[0]


async def end_connection(engine: AsyncEngine, pid: int) -> None:
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})).scalar_one()


async def test_a_callback_hears_its_own_channel_and_no_other(database_url: str, engine: AsyncEngine) -> None:
    listener = Listener(database_url, ("one", "two"))
    one, two = Heard(), Heard()
    listener.subscribe("one", one)
    listener.subscribe("two", two)
    async with listening(listener):
        await two.until(lambda payloads: payloads == [""])  # "I am listening, look around"
        await notify(engine, "one", "first")
        await notify(engine, "two", "second")
        await two.until(lambda payloads: payloads == ["", "second"])
    assert one.payloads == ["", "first"]
    assert listener.counters["notifications"] == 2


async def test_a_notification_is_heard_at_the_commit_and_not_at_all_after_a_rollback(
    database_url: str, engine: AsyncEngine
) -> None:
    listener = Listener(database_url, ("one",))
    heard = Heard()
    listener.subscribe("one", heard)
    async with listening(listener):
        await heard.until(lambda payloads: payloads == [""])
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_notify('one', 'undone')"))
            await connection.rollback()
        await notify(engine, "one", "done")
        await heard.until(lambda payloads: len(payloads) > 1)
    assert heard.payloads == ["", "done"]


def exactly(wanted: list[str]) -> Callable[[list[str]], bool]:
    return lambda payloads: payloads == wanted


async def test_every_callback_is_called_again_after_each_of_ten_reconnections(
    database_url: str, engine: AsyncEngine
) -> None:
    listener = Listener(database_url, ("one", "two"))
    one, two = Heard(), Heard()
    listener.subscribe("one", one)
    listener.subscribe("two", two)
    async with listening(listener), asyncio.timeout(10):  # pauses that kept doubling would add up to more
        for connections in range(1, 11):
            await two.until(exactly([""] * connections))
            await end_connection(engine, await listening_pid(engine))
        await two.until(lambda payloads: payloads == [""] * 11)
        await notify(engine, "two", "still here")
        await two.until(lambda payloads: payloads[-1] == "still here")
    assert one.payloads == [""] * 11
    assert listener.counters["reconnects"] == 10


async def test_a_database_that_is_away_is_tried_again(database_url: str) -> None:
    listener = Listener(database_url.replace("/test_", "/away_"), ("one",))
    async with listening(listener):

        async def tried_twice() -> bool:
            return listener.counters["reconnects"] >= 2

        await eventually(tried_twice)


async def test_a_callback_that_left_hears_nothing_more(database_url: str, engine: AsyncEngine) -> None:
    listener = Listener(database_url, ("one",))
    stays, leaves = Heard(), Heard()
    listener.subscribe("one", leaves)
    listener.subscribe("one", stays)
    async with listening(listener):
        await stays.until(lambda payloads: payloads == [""])
        listener.unsubscribe("one", leaves)
        await notify(engine, "one", "news")
        await stays.until(lambda payloads: payloads == ["", "news"])
    assert leaves.payloads == [""]


def test_a_channel_that_was_not_announced_cannot_be_subscribed_to(database_url: str) -> None:
    with pytest.raises(KeyError, match="three"):
        Listener(database_url, ("one", "two")).subscribe("three", lambda _: None)
