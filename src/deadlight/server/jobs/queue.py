"""Enqueueing jobs and running them, over the pgqueuer library.

A job is a small message; `enqueue` writes it in the caller's transaction, so that work follows from a change exactly
when the change commits. It runs at least once: a process that is killed leaves its jobs to whoever next sees their
heartbeat stop, so every job is idempotent.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from pgqueuer import QueueManager
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
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


class Job(msgspec.Struct, frozen=True):
    """Base of all jobs. A subclass names itself in the imperative."""

    name: ClassVar[str] = ""


J = TypeVar("J", bound=Job)
S = TypeVar("S")


class RetryLaterError(Exception):
    """Raised by a job that should run again after `delay`, for as long as it takes."""

    def __init__(self, delay: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.delay = delay


class Entry(Generic[S]):
    """A row of the job table: which function runs which job."""

    def __init__(self, job: type[J], run: Callable[[S, J], Awaitable[None]]) -> None:
        self.job = job
        self.run: Callable[[S, Any], Awaitable[None]] = run


async def enqueue(connection: AsyncConnection, jobs: Sequence[Job], *, after: timedelta | None = None) -> None:
    """Enqueue in the caller's transaction; `after` delays the first run."""
    if not jobs:
        return
    await Queries(TransactionDriver(connection)).enqueue(
        [job.name for job in jobs],
        [msgspec.json.encode(job) for job in jobs],
        [0] * len(jobs),
        [after] * len(jobs),
    )


class JobRunner(Generic[S]):
    """Runs queued jobs until cancelled. `services` is handed to every job."""

    def __init__(
        self, engine: AsyncEngine, listener: Listener | None, services: S, entries: Sequence[Entry[S]]
    ) -> None:
        self._services = services
        self._manager = QueueManager(Queries(PoolDriver(engine, listener)))
        for entry in entries:
            self._register(entry)

    def _register(self, entry: Entry[S]) -> None:
        async def run(queued: QueuedJob) -> None:
            await self._run(entry, queued)

        self._manager.entrypoint(entry.job.name, on_failure="hold", accepts_context=False)(run)

    async def _run(self, entry: Entry[S], queued: QueuedJob) -> None:
        job = msgspec.json.decode(queued.payload or b"{}", type=entry.job)
        try:
            await entry.run(self._services, job)
        except RetryLaterError as later:
            raise RetryRequested(later.delay, str(later)) from later
        except Exception as error:
            if queued.attempts + 1 >= MAX_ATTEMPTS:
                raise
            pause = timedelta(seconds=2 ** min(queued.attempts, 6))
            logger.exception("job failed, trying again", extra={"job": entry.job.name, "pause": pause})
            raise RetryRequested(pause, f"{type(error).__name__}: {error}") from error

    async def run(self) -> None:
        """Run jobs until cancelled."""
        await self._manager.run(
            dequeue_timeout=timedelta(seconds=1),
            batch_size=20,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
        )


def entries_by_name(entries: Sequence[Entry[S]]) -> Mapping[str, Entry[S]]:
    """The job table by name; raises ValueError where two jobs share one."""
    table = {entry.job.name: entry for entry in entries}
    if len(table) != len(entries) or "" in table:
        raise ValueError("every job needs a name of its own")
    return table
