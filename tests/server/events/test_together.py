"""Events of a key that has fallen behind share a transaction, and each still counts for itself."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.server.events.relays import SOON, count_of, note, record, relaying, rows, running_relay, until_handled
from tests.support.service import eventually

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event, NewEvent, record_events
from deadlight.server.events.relay import TOGETHER, Following, Relay


class Refusing:
    """A handler that notes events and, while it is told to, fails on those whose number it refuses."""

    def __init__(self, number: int) -> None:
        self.number: int | None = number

    async def __call__(self, connection: AsyncConnection, event: Event) -> None:
        await note(connection, event)
        if event.data["number"] == self.number:
            raise ValueError("not this one")


async def record_numbered(engine: AsyncEngine, count: int) -> list[int]:
    """Events of one key, numbered from 0; their ids."""
    for number in range(count):
        await record(engine, "a", number=number)
    return [row.id for row in await rows(engine, "SELECT id FROM event ORDER BY id")]


async def transactions(engine: AsyncEngine) -> list[list[int]]:
    """The ids of events that had their effect, in order, by the transaction they had it in."""
    noted = await rows(engine, "SELECT event_id, CAST(xmin AS text) AS transaction FROM effect ORDER BY number")
    return [[row.event_id for row in group] for _, group in groupby(noted, key=lambda row: row.transaction)]


async def test_a_key_that_has_fallen_behind_is_handled_in_order_a_bounded_number_at_a_time(
    engine: AsyncEngine,
) -> None:
    ids = await record_numbered(engine, TOGETHER + 3)
    async with running_relay(engine):
        await until_handled(engine)
    assert await transactions(engine) == [ids[:TOGETHER], ids[TOGETHER:]]


async def test_events_ahead_of_one_that_fails_take_effect_and_those_behind_it_wait(engine: AsyncEngine) -> None:
    ids = await record_numbered(engine, 4)
    refusing = Refusing(2)
    async with running_relay(engine, refusing):

        async def failed_once() -> bool:
            (row,) = await rows(engine, "SELECT attempts FROM event WHERE id = :id", id=ids[2])
            return bool(row.attempts)

        await eventually(failed_once)
        assert await transactions(engine) == [ids[:2]]
        refusing.number = None
        await rows(engine, "UPDATE event SET not_before = now() WHERE status = 'pending' RETURNING id")
        await until_handled(engine)
    assert [event_id for group in await transactions(engine) for event_id in group] == ids


async def test_a_failure_behind_others_is_counted_once(engine: AsyncEngine) -> None:
    ids = await record_numbered(engine, 3)
    async with running_relay(engine, Refusing(2)) as relay:

        async def postponed() -> bool:
            return bool(await rows(engine, "SELECT FROM event WHERE id = :id AND attempts > 0", id=ids[2]))

        await eventually(postponed)
    (row,) = await rows(engine, "SELECT attempts, error FROM event WHERE id = :id", id=ids[2])
    assert row.attempts <= relay.counters["failures"]  # it may have been stopped while it counted another
    assert "not this one" in row.error


async def test_an_event_that_is_not_due_yet_ends_the_run(engine: AsyncEngine) -> None:
    ids = await record_numbered(engine, 3)
    await rows(engine, "UPDATE event SET not_before = now() + interval '1 hour' WHERE id = :id RETURNING id", id=ids[1])
    async with running_relay(engine):

        async def first_handled() -> bool:
            return await count_of(engine, "handled") == 1

        await eventually(first_handled)
    assert await transactions(engine) == [[ids[0]]]


async def test_what_looks_at_the_present_is_done_once_for_events_in_a_row(engine: AsyncEngine) -> None:
    seen: list[tuple[str, list[int]]] = []

    async def follow(_connection: AsyncConnection, event: Event) -> None:
        seen.append(("follow", event.data["numbers"]))

    async def tell(_connection: AsyncConnection, event: Event) -> None:
        seen.append(("tell", [event.data["number"]]))

    def merge(events: Sequence[Event]) -> Event:
        return replace(events[-1], data={"numbers": [event.data["number"] for event in events]})

    observed, changed = EventType.IMAGE_OBSERVED, EventType.WORKLOAD_CHANGED
    kinds = (changed, changed, observed, changed)
    async with engine.begin() as connection:
        events = [NewEvent(kind, "a", {"number": number}) for number, kind in enumerate(kinds)]
        await record_events(connection, events)
    handlers = (Following(follow, merge), tell)
    async with relaying(Relay(engine, {observed: (tell,), changed: handlers}, sweep=SOON)):
        await until_handled(engine)
    told = [("tell", [number]) for number in range(4)]
    assert seen == [("follow", [0, 1]), *told[:3], ("follow", [3]), told[3]]


async def test_one_that_looks_at_the_present_and_fails_stops_only_what_comes_from_there_on(engine: AsyncEngine) -> None:
    ids = await record_numbered(engine, 3)

    def merge(events: Sequence[Event]) -> Event:
        return next((event for event in events if event.data["number"] == 1), events[-1])

    relay = Relay(engine, {EventType.IMAGE_OBSERVED: (Following(Refusing(1), merge),)}, sweep=SOON)
    async with relaying(relay):

        async def failed_once() -> bool:
            (row,) = await rows(engine, "SELECT attempts FROM event WHERE id = :id", id=ids[1])
            return bool(row.attempts)

        await eventually(failed_once)
        (first, *others) = await rows(engine, "SELECT status, attempts FROM event ORDER BY id")
        assert (first.status, [row.status for row in others]) == ("handled", ["pending", "pending"])
