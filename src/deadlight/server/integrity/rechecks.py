"""The schedule's checks, many of one registry in one go: the usual answer is "unchanged", and costs next to nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import Row, func, select

from deadlight.server.db.engine import autocommit
from deadlight.server.integrity.asking import ask
from deadlight.server.integrity.jobs import CheckSource, check_source, settle
from deadlight.server.integrity.rounds import Asked, claim_due, confirm_unchanged, leave_alone, store_failures
from deadlight.server.integrity.sources import Reply
from deadlight.server.integrity.verdict import Present, Unavailable
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.service import Registry, find_registry, note_round
from deadlight.server.services import Services
from deadlight.server.tables.integrity import source_record

AT_ONCE = 16
"""Questions of a round under way at once; those that are slow hold up no more than their own registry's."""

GIVE_UP_AFTER = 8
"""A registry that answered nothing and could not be asked so many times is not asked about the rest of a round."""


class CheckSources(Job, frozen=True):
    """Ask a registry about many of its tags: a part of a round of re-checks."""

    name: ClassVar[str] = "check_sources"
    priority: ClassVar[int] = -1
    host: str
    source_ids: list[int]


async def check_due_sources(services: Services) -> None:
    """Enqueue a check for every source whose time has come, as its registry's pace allows; the schedule runs this."""
    async with services.engine.begin() as connection:
        due = await claim_due(connection, services.settings.integrity_interval)
        await enqueue(connection, [CheckSources(host, list(ids)) for host, ids in due.items()])


async def check_sources(services: Services, job: CheckSources) -> None:
    """Ask whether each tag is still what it was, and look closer only where it is not. Idempotent."""
    async with autocommit(services.engine) as connection:
        registry = await find_registry(connection, job.host)
        # What answered last time is asked first: what is closed to us must not speak for the whole registry.
        in_turn = (source_record.c.failures, func.random())
        query = select(source_record).where(source_record.c.id.in_(job.source_ids)).order_by(*in_turn)
        sources = (await connection.execute(query)).all()
    trusted = [source for source in sources if registry is not None and registry.trusts(source.repository)]
    done: set[int] = set()
    if registry is not None and trusted:
        replies = await _ask_all(services, registry, trusted)
        done = await _store(services, registry, replies)
        for source, reply in replies.news:
            if await settle(services, source, registry, reply):
                done.add(source.id)
    for source in sources:
        if source.id not in done:
            await check_source(services, CheckSource(source.id))


@dataclass
class _Replies:
    """What came of asking about many sources."""

    same: list[Asked] = field(default_factory=list)
    failed: dict[Asked, Reply] = field(default_factory=dict)
    news: list[tuple[Row[Any], Reply]] = field(default_factory=list)
    """What is to be looked at one by one."""

    @property
    def are_none(self) -> bool:
        """Whether the registry has answered nothing, however often it was asked."""
        return not self.same and not self.news and len(self.failed) >= GIVE_UP_AFTER

    @property
    def last_failure(self) -> Reply:
        """The youngest."""
        return next(reversed(self.failed.values()))


async def _ask_all(services: Services, registry: Registry, sources: Sequence[Row[Any]]) -> _Replies:
    replies, waiting = _Replies(), iter(sources)

    async def ask_in_turn() -> None:
        for source in waiting:
            asked = Asked(source.id, source.answered_at, source.failures)
            reply = replies.last_failure if replies.are_none else await ask(services, registry, source)
            if isinstance(reply.answer, Unavailable):
                replies.failed[asked] = reply
            elif isinstance(reply.answer, Present) and reply.facts is None:
                replies.same.append(asked)
            else:
                replies.news.append((source, reply))

    await asyncio.gather(*(ask_in_turn() for _ in range(AT_ONCE)))
    return replies


async def _store(services: Services, registry: Registry, replies: _Replies) -> set[int]:
    """Store what can be stored for all at once; returns what needs no more."""
    interval = services.settings.integrity_interval
    async with services.engine.begin() as connection:
        if await find_registry(connection, registry.host) != registry:
            return set()
        confirmed = await confirm_unchanged(connection, replies.same, interval)
        await store_failures(connection, replies.failed, interval)
        pause = max((reply.retry_after for reply in replies.failed.values() if reply.retry_after), default=None)
        if pause:
            await leave_alone(connection, registry.host, pause)
        await note_round(connection, services, registry, _problem(replies))
    return confirmed | {asked.id for asked in replies.failed}


def _problem(replies: _Replies) -> str:
    """What kept the registry from answering anything; a tag here or there that it refuses is shown with that."""
    if replies.same or replies.news or not replies.failed:
        return ""
    answer = replies.last_failure.answer
    return answer.reason if isinstance(answer, Unavailable) else ""
