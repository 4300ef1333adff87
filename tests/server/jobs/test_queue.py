"""Jobs follow from a change exactly when it commits, and run until they succeed or somebody has to look at them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, ClassVar

import psycopg
import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.service import eventually

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server.db.notifications import Listener
from deadlight.server.jobs.queue import (
    HEARTBEAT_TIMEOUT,
    JOBS_CHANNEL,
    MAX_ATTEMPTS,
    Entry,
    Job,
    JobRunner,
    RetryLaterError,
    enqueue,
)


class Greet(Job, frozen=True):
    """The job of these tests."""

    name: ClassVar[str] = "greet"
    whom: str


class Alarm(Job, frozen=True):
    """A job that others let pass."""

    name: ClassVar[str] = "alarm"
    priority: ClassVar[int] = 1


class Log:
    """What ran, in order. Handed to the jobs as their services."""

    def __init__(self) -> None:
        self.ran: list[str] = []


async def greet(log: Log, job: Greet) -> None:
    log.ran.append(job.whom)


async def sound_alarm(log: Log, _: Alarm) -> None:
    log.ran.append("alarm")


class Hold:
    """Runs `greet` jobs that do not end before they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.released = asyncio.Event()

    async def __call__(self, log: Log, job: Greet) -> None:
        self.begun.append(job.whom)
        await self.released.wait()
        log.ran.append(job.whom)


Greeting = Callable[[Log, Greet], Awaitable[None]]


@asynccontextmanager
async def running(
    engine: AsyncEngine, log: Log, run: Greeting = greet, *, listener: Listener | None = None, **how: Any
) -> AsyncIterator[None]:
    """A job runner until the block ends."""
    entries = [Entry(Greet, run, **how), Entry(Alarm, sound_alarm)]
    runner = JobRunner(engine, listener, log, entries, stop_grace=timedelta(milliseconds=50))
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    listener = Listener(database_url, (JOBS_CHANNEL,))
    task = asyncio.create_task(listener.run())
    yield listener
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def put(engine: AsyncEngine, *whom: str, after: timedelta | None = None) -> None:
    async with engine.begin() as connection:
        await enqueue(connection, [Greet(name) for name in whom], after=after)


async def rows(engine: AsyncEngine, query: str, **parameters: Any) -> Sequence[Row[Any]]:
    async with engine.begin() as connection:
        return (await connection.execute(text(query), parameters)).all()


async def until_done(engine: AsyncEngine, *, hurry: bool = False) -> None:
    """Wait until every job has ended or is held; with `hurry` the pauses before another attempt pass at once."""

    async def done() -> bool:
        if hurry:
            await rows(engine, "UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued' RETURNING id")
            async with engine.begin() as connection:
                await enqueue(connection, [Alarm()])  # an insertion wakes the runner
        waiting = "SELECT FROM pgqueuer WHERE entrypoint = 'greet' AND status IN ('queued', 'picked') LIMIT 1"
        return not await rows(engine, waiting)

    await eventually(done)


# --- enqueueing ------------------------------------------------------------------------------------------


async def test_a_job_of_a_transaction_that_rolls_back_never_was(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await enqueue(connection, [Greet("nobody")])
        await connection.rollback()
    assert await rows(engine, "SELECT * FROM pgqueuer") == []


async def test_a_job_runs_once_with_what_it_was_given(engine: AsyncEngine, listener: Listener) -> None:
    log = Log()
    async with running(engine, log, listener=listener):
        await put(engine, "Zoë", "Ada")
        await until_done(engine)
    assert log.ran == ["Zoë", "Ada"]


async def test_enqueueing_nothing_touches_nothing(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await enqueue(connection, [])
        assert not connection.in_transaction()


async def test_a_delayed_job_waits(engine: AsyncEngine, listener: Listener) -> None:
    log = Log()
    async with running(engine, log, listener=listener):
        await put(engine, "later", after=timedelta(hours=1))
        await put(engine, "now")

        async def now_ran() -> bool:
            return log.ran == ["now"]

        await eventually(now_ran)
        await until_done(engine, hurry=True)
    assert [whom for whom in log.ran if whom != "alarm"] == ["now", "later"]


async def test_a_job_that_cannot_wait_overtakes_those_that_can(engine: AsyncEngine) -> None:
    await put(engine, *(str(number) for number in range(100)))
    async with engine.begin() as connection:
        await enqueue(connection, [Alarm()])
    log = Log()
    async with running(engine, log):
        await until_done(engine)
    assert log.ran[0] == "alarm"
    assert len(log.ran) == 101


# --- running again ---------------------------------------------------------------------------------------


async def test_a_job_that_asks_for_it_runs_again_for_as_long_as_it_takes(
    engine: AsyncEngine, listener: Listener
) -> None:
    async def wait_often(log: Log, job: Greet) -> None:
        log.ran.append(job.whom)
        if len(log.ran) < 2 * MAX_ATTEMPTS:
            raise RetryLaterError(timedelta(0), "not yet")

    log = Log()
    async with running(engine, log, wait_often, listener=listener):
        await put(engine, "Ada")
        await until_done(engine)
    assert log.ran == ["Ada"] * 2 * MAX_ATTEMPTS
    assert await rows(engine, "SELECT * FROM pgqueuer") == []


async def test_waiting_does_not_count_as_failing(engine: AsyncEngine, listener: Listener) -> None:
    attempts = 0

    async def wait_often_then_stumble(log: Log, job: Greet) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= MAX_ATTEMPTS:
            raise RetryLaterError(timedelta(0), "not yet")
        if attempts == MAX_ATTEMPTS + 1:
            raise ValueError("a stumble")
        log.ran.append(job.whom)

    log = Log()
    async with running(engine, log, wait_often_then_stumble, listener=listener):
        await put(engine, "Ada")
        await until_done(engine, hurry=True)
    assert "Ada" in log.ran


async def test_a_job_that_always_fails_is_held_for_people_to_look_at(engine: AsyncEngine, listener: Listener) -> None:
    attempts = 0

    async def fail(log: Log, job: Greet) -> None:
        nonlocal attempts
        attempts += 1
        raise ValueError(f"cannot greet {job.whom}")

    async with running(engine, Log(), fail, listener=listener):
        await put(engine, "Ada")
        await until_done(engine, hurry=True)
    assert attempts == MAX_ATTEMPTS
    (job,) = await rows(engine, "SELECT * FROM pgqueuer WHERE entrypoint = 'greet'")
    assert job.status == "failed"
    (log,) = await rows(engine, "SELECT * FROM pgqueuer_log WHERE entrypoint = 'greet' AND status = 'failed'")
    assert "cannot greet Ada" in str(log.traceback)


async def test_the_pauses_between_failures_grow(engine: AsyncEngine, listener: Listener) -> None:
    async def fail(log: Log, job: Greet) -> None:
        raise ValueError

    pauses = []
    async with running(engine, Log(), fail, listener=listener):
        await put(engine, "Ada")
        for attempts in (1, 2, 3):

            async def failed(wanted: int = attempts) -> bool:
                return bool(await rows(engine, "SELECT FROM pgqueuer WHERE attempts = :wanted", wanted=wanted))

            await eventually(failed)
            (job,) = await rows(
                engine, "SELECT execute_after - updated AS pause FROM pgqueuer WHERE entrypoint = 'greet'"
            )
            pauses.append(job.pause)
            await rows(engine, "UPDATE pgqueuer SET execute_after = now() WHERE status = 'queued' RETURNING id")
            async with engine.begin() as connection:
                await enqueue(connection, [Alarm()])
    assert pauses == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]


async def test_a_job_that_cannot_be_read_is_held_and_stops_nobody(engine: AsyncEngine, listener: Listener) -> None:
    await rows(
        engine,
        "INSERT INTO pgqueuer (priority, status, entrypoint, payload) VALUES (9, 'queued', 'greet', :it) RETURNING id",
        it=b'{"whom": 7}',
    )
    log = Log()
    async with running(engine, log, listener=listener):
        await put(engine, "Ada")
        await until_done(engine)
    assert log.ran == ["Ada"]
    assert [job.status for job in await rows(engine, "SELECT status FROM pgqueuer")] == ["failed"]


async def test_a_job_of_a_newer_release_stays_in_the_queue(engine: AsyncEngine, listener: Listener) -> None:
    await rows(engine, "INSERT INTO pgqueuer (priority, status, entrypoint) VALUES (9, 'queued', 'dance') RETURNING id")
    async with running(engine, Log(), listener=listener):
        await put(engine, "Ada")
        await until_done(engine)
    assert [job.entrypoint for job in await rows(engine, "SELECT * FROM pgqueuer")] == ["dance"]


def test_two_jobs_of_one_name_are_refused(engine: AsyncEngine) -> None:
    with pytest.raises(RuntimeError, match="greet"):
        JobRunner(engine, None, Log(), [Entry(Greet, greet), Entry(Greet, greet)])


# --- several processes -----------------------------------------------------------------------------------


async def test_two_runners_share_the_work_and_repeat_none(engine: AsyncEngine, listener: Listener) -> None:
    one, two = Log(), Log()
    async with running(engine, one, listener=listener), running(engine, two, listener=listener):
        for batch in range(10):
            await put(engine, *(f"{batch}.{number}" for number in range(20)))
        await until_done(engine)
    assert set(Counter(one.ran + two.ran).values()) == {1}
    assert len(one.ran) + len(two.ran) == 200


async def test_a_runner_leaves_long_jobs_to_others_once_it_has_as_many_as_it_may(engine: AsyncEngine) -> None:
    one, two = Hold(), Hold()
    log = Log()
    await put(engine, "a", "b", "c")
    async with running(engine, log, one, at_once=2):

        async def full() -> bool:
            return len(one.begun) == 2

        await eventually(full)
        async with running(engine, log, two, at_once=2):

            async def taken() -> bool:
                return two.begun == ["c"]

            await eventually(taken)
            assert one.begun == ["a", "b"]
            one.released.set()
            two.released.set()
            await until_done(engine)
    assert sorted(log.ran) == ["a", "b", "c"]


async def test_long_jobs_do_not_keep_quick_ones_waiting(engine: AsyncEngine, listener: Listener) -> None:
    hold, log = Hold(), Log()
    async with running(engine, log, hold, listener=listener, at_once=2):
        await put(engine, "a", "b", "c")

        async def full() -> bool:
            return len(hold.begun) == 2

        await eventually(full)
        async with engine.begin() as connection:
            await enqueue(connection, [Alarm()])

        async def alarmed() -> bool:
            return log.ran == ["alarm"]

        await eventually(alarmed)
        hold.released.set()


async def test_the_job_of_a_process_that_died_is_picked_up_once_its_heartbeat_is_old(
    engine: AsyncEngine, listener: Listener
) -> None:
    died = """
        UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), heartbeat = now() - :silent
        WHERE id = (SELECT max(id) FROM pgqueuer) RETURNING id
        """
    await put(engine, "orphan")
    await rows(engine, died, silent=HEARTBEAT_TIMEOUT + timedelta(seconds=1))
    await put(engine, "somebody else's")
    await rows(engine, died, silent=HEARTBEAT_TIMEOUT / 2)
    log = Log()
    async with running(engine, log, listener=listener):

        async def picked_up() -> bool:
            return "orphan" in log.ran

        await eventually(picked_up)
    assert log.ran == ["orphan"]


async def test_without_notifications_jobs_are_polled_for(engine: AsyncEngine) -> None:
    log = Log()
    async with running(engine, log, listener=None):
        await put(engine, "first")
        await until_done(engine)
        await put(engine, "second")
        await until_done(engine)
    assert log.ran == ["first", "second"]


# --- ends ------------------------------------------------------------------------------------------------


async def test_a_runner_that_stops_gives_its_unfinished_jobs_back(engine: AsyncEngine) -> None:
    hold, log = Hold(), Log()
    async with running(engine, log, hold):
        await put(engine, "Ada")

        async def begun() -> bool:
            return hold.begun == ["Ada"]

        await eventually(begun)
    (job,) = await rows(engine, "SELECT * FROM pgqueuer")
    assert (job.status, job.queue_manager_id) == ("queued", None)
    async with running(engine, log):
        await until_done(engine)
    assert log.ran == ["Ada"]


async def test_a_runner_that_stops_lets_jobs_that_are_nearly_done_finish(engine: AsyncEngine) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def nearly_done(log: Log, job: Greet) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):  # would say that it was not let finish
            await asyncio.sleep(0.01)
            log.ran.append(job.whom)
            ended.set()

    log = Log()
    async with running(engine, log, nearly_done):
        await put(engine, "Ada")
        await begun.wait()
    assert log.ran == ["Ada"]
    assert await rows(engine, "SELECT * FROM pgqueuer") == []


async def test_a_database_that_was_away_costs_no_job(engine: AsyncEngine, postgres: EmbeddedPostgres) -> None:
    log, begun, away = Log(), asyncio.Event(), asyncio.Event()

    async def need_the_database(log: Log, job: Greet) -> None:
        begun.set()
        await away.wait()
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
        log.ran.append(job.whom)

    database = engine.url.database
    async with running(engine, log, need_the_database):
        await put(engine, "Ada")
        await begun.wait()
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as server:
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
            ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            server.execute(ending, [database])
            away.set()
            begun.clear()
            await asyncio.sleep(1.5)  # the runner looks for jobs once a second, and finds nothing to ask
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
        await put(engine, "Zoë")
        await until_done(engine, hurry=True)
    assert sorted(set(log.ran) - {"alarm"}) == ["Ada", "Zoë"]
    assert await rows(engine, "SELECT * FROM pgqueuer WHERE status = 'failed'") == []
