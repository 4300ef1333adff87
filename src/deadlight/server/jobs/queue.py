"""Enqueueing jobs and running them, over the pgqueuer library.

A job is a small message; `enqueue` writes it in the caller's transaction, so that work follows from a change exactly
when the change commits. It runs at least once: a process that is killed leaves its jobs to whoever next sees their
heartbeat stop, so every job is idempotent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from pgqueuer import QueueManager
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.server.db.notifications import Listener
from deadlight.server.jobs.driver import PoolDriver, TransactionDriver

logger = logging.getLogger(__name__)

JOBS_CHANNEL = "ch_pgqueuer"
"""The library's own channel."""

HEARTBEAT_TIMEOUT = timedelta(seconds=6)
"""A job whose process has been silent for so long is picked up by another."""

MAX_ATTEMPTS = 8
"""Unexpected failures before a job is set aside for people to look at."""

STOP_GRACE = timedelta(seconds=5)
"""How long jobs may still take when their process stops; what is not done by then goes back to the queue."""

_COUNT_FAILURE = text(
    """
    UPDATE pgqueuer
    SET headers = jsonb_build_object('failures', coalesce(CAST(headers ->> 'failures' AS integer), 0) + 1)
    WHERE id = :id RETURNING CAST(headers ->> 'failures' AS integer)
    """
)


class Job(msgspec.Struct, frozen=True):
    """Base of all jobs. A subclass names itself in the imperative."""

    name: ClassVar[str] = ""
    priority: ClassVar[int] = 0
    """Jobs of a higher priority begin first, however many of a lower one wait."""
    once: ClassVar[bool] = False
    """Whether one that waits or runs stands for every other with the same content.

    One that is enqueued while another runs is dropped, although that may have looked already: only for what is asked
    for every so often, for as long as rows say that it is due, and never for what follows from a change.
    """


J = TypeVar("J", bound=Job)
S = TypeVar("S")


class RetryLaterError(Exception):
    """Raised by a job that should run again after `delay`, for as long as it takes."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


class Entry(Generic[S]):
    """A row of the job table: which function runs which job."""

    def __init__(self, job: type[J], run: Callable[[S, J], Awaitable[None]], *, at_once: int | None = None) -> None:
        """`at_once` is for jobs that take long: one process runs so many of them (at least 2) and leaves the others.

        Such jobs are looked for once a second. All others are begun as soon as they are there.
        """
        self.job = job
        self.run: Callable[[S, Any], Awaitable[None]] = run
        self.at_once = at_once


async def enqueue(connection: AsyncConnection, jobs: Sequence[Job], *, after: timedelta | None = None) -> None:
    """Enqueue in the caller's transaction; `after` delays the first run."""
    if not jobs:
        return
    payloads: list[bytes | None] = [msgspec.json.encode(job) for job in jobs]
    await Queries(TransactionDriver(connection)).enqueue(
        [job.name for job in jobs],
        payloads,
        [job.priority for job in jobs],
        [after] * len(jobs),
        dedupe_key=[f"{job.name} {msgspec.json.encode(job).decode()}" if job.once else None for job in jobs],
        on_conflict="skip",
    )


class JobRunner(Generic[S]):
    """Runs queued jobs until cancelled. `services` is handed to every job."""

    def __init__(
        self,
        engine: AsyncEngine,
        listener: Listener | None,
        services: S,
        entries: Sequence[Entry[S]],
        *,
        stop_grace: timedelta = STOP_GRACE,
    ) -> None:
        self._engine = engine
        self._services = services
        self._stop_grace = stop_grace.total_seconds()
        quick = [entry for entry in entries if entry.at_once is None]
        self._lanes = [_Lane(self._manager(listener, quick), batch_size=20, at_once=None)]
        for entry in entries:
            if entry.at_once is not None:
                self._lanes.append(_Lane(self._manager(None, [entry]), batch_size=1, at_once=entry.at_once))

    def _manager(self, listener: Listener | None, entries: Sequence[Entry[S]]) -> QueueManager:
        manager = QueueManager(Queries(PoolDriver(self._engine, listener)))
        for entry in entries:
            self._register(manager, entry)
        return manager

    def _register(self, manager: QueueManager, entry: Entry[S]) -> None:
        async def run(queued: QueuedJob) -> None:
            await self._run(entry, queued)

        manager.entrypoint(entry.job.name, on_failure="hold", accepts_context=False)(run)

    async def run(self) -> None:
        """Run jobs until cancelled; a database that is away only delays them."""
        async with asyncio.TaskGroup() as lanes:
            for lane in self._lanes:
                lanes.create_task(lane.run(self._stop_grace))

    async def _run(self, entry: Entry[S], queued: QueuedJob) -> None:
        job = msgspec.json.decode(queued.payload or b"{}", type=entry.job)
        try:
            await entry.run(self._services, job)
        except RetryLaterError as later:
            raise RetryRequested(later.delay, str(later)) from later
        except asyncio.CancelledError:
            raise RetryRequested(timedelta(0), "its process stopped") from None
        except Exception as error:
            failures = await self._count_failure(queued)
            if failures >= MAX_ATTEMPTS:
                raise
            pause = timedelta(seconds=2 ** min(failures - 1, 6))
            logger.exception("job failed, trying again", extra={"job": entry.job.name, "pause": pause})
            raise RetryRequested(pause, f"{type(error).__name__}: {error}") from error

    async def _count_failure(self, queued: QueuedJob) -> int:
        """How often the job has failed by now; the library's own count includes the times it asked to run later."""
        try:
            async with self._engine.begin() as connection:
                return int((await connection.execute(_COUNT_FAILURE, {"id": queued.id})).scalar_one())
        except SQLAlchemyError:
            logger.warning("a job's failure could not be counted", exc_info=True)
            return 1


class _Lane:
    """Jobs that are looked for together."""

    def __init__(self, manager: QueueManager, *, batch_size: int, at_once: int | None) -> None:
        self._manager = manager
        self._batch_size = batch_size
        self._at_once = at_once

    async def run(self, stop_grace: float) -> None:
        """Run jobs until cancelled, then give those that still run `stop_grace` seconds before they are given back."""
        running = asyncio.create_task(
            self._manager.run(
                dequeue_timeout=timedelta(seconds=1),
                batch_size=self._batch_size,
                max_concurrent_tasks=self._at_once,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
            )
        )
        try:
            await asyncio.shield(running)
        finally:
            self._manager.shutdown.set()
            await asyncio.wait({running}, timeout=stop_grace)
            running.cancel()
            await asyncio.wait({running})
