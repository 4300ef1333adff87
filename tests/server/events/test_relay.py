"""Events reach their handlers: in order per key, exactly once in effect, whatever dies."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.server.events.relays import (
    NEVER,
    SOON,
    count_of,
    keys_noted,
    note,
    record,
    relaying,
    rows,
    running_relay,
    until_handled,
)
from tests.support.patience import PATIENCE_SECONDS
from tests.support.service import eventually

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.model.event import EventType
from deadlight.server.db.notifications import Listener
from deadlight.server.events.outbox import EVENTS_CHANNEL, Event, NewEvent, record_events
from deadlight.server.events.relay import CHANGES_CHANNEL, CONCURRENCY, MAX_ATTEMPTS, Relay, retry_pause

Transactions = list[list[tuple[str, float]]]
"""Of each event its key and how many seconds its handler takes."""

TRANSACTIONS = st.lists(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([0.0, 0.0, 0.001, 0.01])), min_size=1, max_size=5),
    min_size=1,
    max_size=12,
)


class Obstacle:
    """A handler that notes the event and then fails as long as its key is among `keys`."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)

    async def __call__(self, connection: AsyncConnection, event: Event) -> None:
        await note(connection, event)
        if event.key in self.keys:
            raise ValueError(f"{event.key} is in the way")


class Gate:
    """A handler that notes the event, and for one key waits inside its transaction until it is opened."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.backend = 0

    async def __call__(self, connection: AsyncConnection, event: Event) -> None:
        await note(connection, event)
        if event.key == self.key and not self.opened.is_set():
            self.backend = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            self.entered.set()
            await self.opened.wait()


async def make_due(engine: AsyncEngine) -> None:
    """Let the pauses after failures pass at once."""
    await rows(engine, "UPDATE event SET not_before = now() WHERE status = 'pending' RETURNING id")


# --- order and effect ------------------------------------------------------------------------------------


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TRANSACTIONS, st.integers(1, 3))
async def test_events_of_a_key_take_effect_in_order_and_once_however_many_relays_run(
    engine: AsyncEngine, transactions: Transactions, relays: int
) -> None:
    await rows(engine, "WITH a AS (DELETE FROM event), b AS (DELETE FROM effect) SELECT 1")
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(running_relay(engine)) for _ in range(relays)]
        for transaction in transactions:
            events = [NewEvent(EventType.IMAGE_OBSERVED, key, {"seconds": seconds}) for key, seconds in transaction]
            async with engine.begin() as connection:
                await record_events(connection, events)
            for relay in running:
                relay.wake()
        await until_handled(engine)
    for key in "abcd":
        recorded = await rows(engine, "SELECT id FROM event WHERE key = :key ORDER BY id", key=key)
        handled = await rows(engine, "SELECT event_id AS id FROM effect WHERE key = :key ORDER BY number", key=key)
        assert handled == recorded
    assert sum(relay.counters["handled"] for relay in running) == sum(map(len, transactions))
    assert not any(relay.counters["failures"] for relay in running)


async def test_the_handlers_of_an_event_run_in_turn_and_take_effect_together(engine: AsyncEngine) -> None:
    obstacle = Obstacle("image_tag:1")
    await record(engine, "image_tag:1")
    async with running_relay(engine, note, obstacle) as relay:

        async def failed() -> bool:
            return relay.counters["failures"] > 0

        await eventually(failed)
        assert await keys_noted(engine) == []  # also what the first handler wrote is undone
        obstacle.keys.clear()
        await make_due(engine)
        await until_handled(engine)
    assert await keys_noted(engine) == ["image_tag:1", "image_tag:1"]


async def test_an_event_that_nothing_follows_from_is_handled(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await record_events(connection, [NewEvent(EventType.REGISTRY_CHANGED, "registry:1")])
    async with running_relay(engine) as relay:
        await until_handled(engine)
        assert relay.counters["handled"] == 1


async def test_a_slow_handler_keeps_only_its_own_key_waiting(engine: AsyncEngine) -> None:
    gate = Gate("slow")
    async with running_relay(engine, gate) as relay:
        await record(engine, "slow", "slow")
        await gate.entered.wait()
        await record(engine, *(f"quick:{number}" for number in range(30)))
        relay.wake()

        async def all_quick_ones() -> bool:
            return len(await keys_noted(engine)) == 30

        await eventually(all_quick_ones)
        assert await count_of(engine, "pending") == 2
        gate.opened.set()
        await until_handled(engine)
    assert (await keys_noted(engine)).count("slow") == 2


async def test_a_backlog_does_not_stop_the_relay_from_finding_what_is_due(engine: AsyncEngine) -> None:
    # The statistics are of a quiet moment, as they always are when a backlog comes.
    async with engine.begin() as connection:
        await connection.execute(text("ANALYZE event"))
        await connection.execute(
            text("INSERT INTO event (type, key) SELECT 'ImageObserved', 'k' || n FROM generate_series(1, 20000) AS n")
        )
    async with running_relay(engine) as relay:

        async def under_way() -> bool:
            return relay.counters["handled"] >= 150

        await eventually(under_way)


async def test_what_leads_to_an_alert_overtakes_what_does_not_with_all_that_its_key_waits_for(
    engine: AsyncEngine,
) -> None:
    routine = [NewEvent(EventType.WORKLOAD_CHANGED, f"workload:{number}") for number in range(200)]
    urgent = NewEvent(EventType.INTEGRITY_VIOLATION_DETECTED, "workload:199")
    async with engine.begin() as connection:
        await record_events(connection, [*routine, urgent])
    types = (EventType.WORKLOAD_CHANGED, EventType.INTEGRITY_VIOLATION_DETECTED)
    relay = Relay(engine, dict.fromkeys(types, (note,)), sweep=SOON)
    async with relaying(relay):
        await until_handled(engine)
    noted = await keys_noted(engine)
    assert [place for place, key in enumerate(noted) if key == "workload:199"][-1] < 2 * CONCURRENCY


async def test_handled_events_are_told_to_whoever_shows_changes(engine: AsyncEngine, database_url: str) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    listener = Listener(database_url, (CHANGES_CHANNEL,))
    listener.subscribe(CHANGES_CHANNEL, told.put_nowait)
    listening = asyncio.create_task(listener.run())
    assert await told.get() == ""  # it listens
    await record(engine, "image_tag:1")
    async with running_relay(engine), asyncio.timeout(PATIENCE_SECONDS):
        assert await told.get() == "ImageObserved"
    listening.cancel()


# --- failures --------------------------------------------------------------------------------------------


async def test_a_failing_handler_postpones_its_own_key_and_no_other(engine: AsyncEngine) -> None:
    obstacle = Obstacle("a")
    await record(engine, "a", "b", "a", "b")
    async with running_relay(engine, obstacle):

        async def b_is_through() -> bool:
            return await count_of(engine, "pending") == 2

        await eventually(b_is_through)
        assert await keys_noted(engine) == ["b", "b"]
        obstacle.keys.clear()
        await make_due(engine)
        await until_handled(engine)
    noted = await rows(engine, "SELECT event_id AS id FROM effect WHERE key = 'a' ORDER BY number")
    assert noted == await rows(engine, "SELECT id FROM event WHERE key = 'a' ORDER BY id")


async def test_a_failure_is_kept_with_its_reason_and_a_growing_pause(engine: AsyncEngine) -> None:
    await record(engine, "a")
    pauses = []
    async with running_relay(engine, Obstacle("a")):
        for attempts in (1, 2, 3):

            async def failed(wanted: int = attempts) -> bool:
                return bool(await rows(engine, "SELECT FROM event WHERE attempts = :wanted", wanted=wanted))

            await eventually(failed)
            (row,) = await rows(engine, "SELECT *, not_before - clock_timestamp() AS pause FROM event")
            assert (row.status, row.error) == ("pending", "ValueError: a is in the way")
            assert row.pause <= retry_pause(attempts)
            pauses.append(row.pause)
            await make_due(engine)
    assert pauses == sorted(pauses)


async def test_an_event_that_always_fails_is_set_aside_and_its_key_goes_on(engine: AsyncEngine) -> None:
    obstacle = Obstacle("a")
    await record(engine, "a")
    async with running_relay(engine, obstacle) as relay:

        async def dead() -> bool:
            await make_due(engine)
            return await count_of(engine, "dead") == 1

        await eventually(dead)
        assert dict(relay.counters) | {"sweeps": 0} == {"failures": MAX_ATTEMPTS, "dead": 1, "sweeps": 0}
        obstacle.keys.clear()
        await record(engine, "a")
        await until_handled(engine)
    assert await keys_noted(engine) == ["a"]
    (row,) = await rows(engine, "SELECT attempts, error FROM event WHERE status = 'dead'")
    assert (row.attempts, row.error) == (MAX_ATTEMPTS, "ValueError: a is in the way")


async def test_an_event_of_a_newer_release_is_left_to_it_and_holds_nobody_up(engine: AsyncEngine) -> None:
    await rows(engine, "INSERT INTO event (type, key) VALUES ('FromTheFuture', 'a') RETURNING id")
    await record(engine, "b")
    async with running_relay(engine) as relay:

        async def known_one_is_through() -> bool:
            return await count_of(engine, "handled") == 1

        await eventually(known_one_is_through)

        async def postponed() -> bool:
            return relay.counters["failures"] >= 1

        await eventually(postponed)
    (row,) = await rows(engine, "SELECT * FROM event WHERE status = 'pending'")
    assert 1 <= row.attempts == relay.counters["failures"]
    assert row.error == "ValueError: 'FromTheFuture' is not a valid EventType"


async def test_a_failure_does_not_undo_what_another_relay_has_done_since(engine: AsyncEngine) -> None:
    gate = Gate("a")

    async def fail(connection: AsyncConnection, event: Event) -> None:
        raise ValueError("too late")

    await record(engine, "a")
    async with running_relay(engine, gate, fail, sweep=NEVER) as relay, engine.connect() as other:
        await gate.entered.wait()
        # What another relay would do, next in line for the event's row lock.
        locking = asyncio.create_task(other.execute(text("SELECT id FROM event FOR UPDATE")))

        async def waiting() -> bool:
            return bool(await rows(engine, "SELECT FROM pg_locks WHERE NOT granted"))

        await eventually(waiting)
        gate.opened.set()
        await locking
        await eventually(waiting)  # the failure is about to be written
        await other.execute(text("UPDATE event SET status = 'handled'"))
        await other.commit()

        async def counted() -> bool:
            return relay.counters["failures"] == 1

        await eventually(counted)
    assert await count_of(engine, "handled") == 1


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 0.2), (2, 0.4), (3, 0.8), (9, 51.2), (10, 60), (1000, 60)])
def test_the_pause_doubles_with_each_failure_up_to_a_minute(attempts: int, seconds: float) -> None:
    assert retry_pause(attempts) == timedelta(seconds=seconds)


# --- waking ----------------------------------------------------------------------------------------------


async def test_a_notification_wakes_the_relay_at_once(engine: AsyncEngine, database_url: str) -> None:
    listener = Listener(database_url, (EVENTS_CHANNEL,))
    async with running_relay(engine, sweep=NEVER) as relay:
        listener.subscribe(EVENTS_CHANNEL, relay.wake)
        listening = asyncio.create_task(listener.run())
        for number in range(1, 4):
            await record(engine, f"image_tag:{number}")
            await until_handled(engine)
        assert relay.counters["handled"] == 3
        assert relay.counters["sweeps"] == 0
        listening.cancel()


async def test_a_lost_wake_up_delays_an_event_until_the_sweep_and_no_longer(engine: AsyncEngine) -> None:
    async with running_relay(engine, sweep=timedelta(milliseconds=30)) as relay:

        async def swept() -> bool:
            return relay.counters["sweeps"] > 0

        await eventually(swept)
        await record(engine, "image_tag:1")  # nobody listens
        await until_handled(engine)


async def test_without_wake_up_and_sweep_nothing_is_looked_for(engine: AsyncEngine) -> None:
    async with running_relay(engine, sweep=NEVER) as relay:
        await record(engine, "before")
        relay.wake()
        await until_handled(engine)
        await record(engine, "after")
        for _ in range(20):
            await asyncio.sleep(0)
        assert await count_of(engine, "pending") == 1


# --- deaths ----------------------------------------------------------------------------------------------


async def test_a_relay_that_dies_inside_a_transaction_loses_nothing_and_repeats_nothing(engine: AsyncEngine) -> None:
    gate = Gate("a")
    await record(engine, "a", "a", "b")
    async with running_relay(engine, gate):
        await gate.entered.wait()
        await rows(engine, "SELECT pg_terminate_backend(:pid, 5000)", pid=gate.backend)
        gate.opened.set()
        await make_due(engine)
        await until_handled(engine)
    assert sorted(await keys_noted(engine)) == ["a", "a", "b"]
    noted = await rows(engine, "SELECT event_id AS id FROM effect WHERE key = 'a' ORDER BY number")
    assert noted == await rows(engine, "SELECT id FROM event WHERE key = 'a' ORDER BY id")


async def test_a_relay_that_stops_leaves_its_event_to_another(engine: AsyncEngine) -> None:
    gate = Gate("a")
    await record(engine, "a")
    async with running_relay(engine, gate):
        await gate.entered.wait()
        assert await count_of(engine, "pending") == 1
    async with running_relay(engine):
        await until_handled(engine)
    assert await keys_noted(engine) == ["a"]


async def test_a_relay_outlives_a_database_that_is_away(engine: AsyncEngine, postgres: EmbeddedPostgres) -> None:
    database = engine.url.database
    gate = Gate("a")
    await record(engine, "a")
    async with running_relay(engine, gate) as relay:
        await gate.entered.wait()
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as server:
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
            server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
            )
            gate.opened.set()

            async def noticed() -> bool:
                return relay.counters["failed_rounds"] > 1

            await eventually(noticed)
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
        await until_handled(engine)
    assert await keys_noted(engine) == ["a"]
