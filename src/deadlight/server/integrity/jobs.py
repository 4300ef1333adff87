"""Checks: ask the registry about a source, then judge what runs under it."""

from typing import Any, ClassVar

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.db.engine import autocommit
from deadlight.server.integrity.asking import ask
from deadlight.server.integrity.notices import ASK_AGAIN_AFTER, Notice, is_borne_out, keep_notice
from deadlight.server.integrity.rounds import leave_alone
from deadlight.server.integrity.service import judge_source
from deadlight.server.integrity.sources import Reply, lock_source, postpone, store_reply
from deadlight.server.integrity.verdict import Unavailable, Untrusted
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.service import Registry, find_registry, note_answer
from deadlight.server.services import Services
from deadlight.server.tables.integrity import source_record


class CheckSource(Job, frozen=True):
    """Ask the registry what a tag is now and judge what runs under it."""

    name: ClassVar[str] = "check_source"
    priority: ClassVar[int] = 1
    source_id: int
    notice: Notice | None = None
    """What a webhook said of it, where that is why it is asked."""
    asked: int = 0
    """How often before, because of this notice."""


async def check_source(services: Services, job: CheckSource) -> None:
    """Ask, then judge. Idempotent: asking again changes nothing unless the answer did."""
    settled = False
    while not settled:  # each time that comes to nothing is one in which another check came through
        async with autocommit(services.engine) as connection:
            source = (await connection.execute(select(source_record).where(source_record.c.id == job.source_id))).one()
            registry = await find_registry(connection, source.registry)
        reply = await ask(services, registry, source)
        settled = await settle(services, source, registry, reply, job.notice)
    if job.notice is not None and not is_borne_out(job.notice, source, reply.answer):
        await _ask_again(services, job)


async def _ask_again(services: Services, job: CheckSource) -> None:
    if job.asked < len(ASK_AGAIN_AFTER):
        async with services.engine.begin() as connection:
            again = CheckSource(job.source_id, job.notice, job.asked + 1)
            await enqueue(connection, [again], after=ASK_AGAIN_AFTER[job.asked])


async def settle(
    services: Services, source: Row[Any], registry: Registry | None, reply: Reply, notice: Notice | None = None
) -> bool:
    """Store a reply and judge by it; False where it may be out of date already.

    That is so when, since `source` was loaded, another answer has been stored, which may be younger, or the registry
    has been changed.
    """
    async with services.engine.begin() as connection:
        now = await lock_source(connection, source.id)
        if now.answered_at != source.answered_at or await find_registry(connection, source.registry) != registry:
            return False
        if isinstance(reply.answer, Untrusted) or registry is None:
            await postpone(connection, source.id, services.settings.integrity_interval)
        else:
            await store_reply(connection, source.id, reply, services.settings.integrity_interval)
            await _note(connection, registry, reply)
        if notice is not None:
            await keep_notice(connection, source.id, notice)
        await judge_source(connection, source.id, reply.answer, registry)
    return True


async def _note(connection: AsyncConnection, registry: Registry, reply: Reply) -> None:
    await note_answer(connection, registry.host, reply.answer.reason if isinstance(reply.answer, Unavailable) else "")
    if reply.retry_after:
        await leave_alone(connection, registry.host, reply.retry_after)
