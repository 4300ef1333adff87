"""Asking registries: the one part of integrity that talks to the world."""

from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import is_digest
from deadlight.registry import (
    InvalidRecordError,
    NotFoundError,
    RegistryClient,
    RegistryError,
    SourceRecord,
    UnavailableError,
)
from deadlight.server.integrity.service import judge_source, judge_untrusted
from deadlight.server.integrity.sources import Reply, claim_due, lock_source, store_reply
from deadlight.server.integrity.verdict import Missing, Present, Unavailable
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.registries.service import Registry, client_for, find_registry, note_answer
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.integrity import source_record

CHECKS_PER_ROUND = 500


class CheckSource(Job, frozen=True):
    """Ask the registry what a tag is now and judge what runs under it."""

    name: ClassVar[str] = "check_source"
    source_id: int


async def check_source(services: Services, job: CheckSource) -> None:
    """Ask, then judge. Idempotent: asking again changes nothing unless the answer did."""
    while not await _check(services, job.source_id):
        pass  # each round that came to nothing is one in which another check came through


async def _check(services: Services, source_id: int) -> bool:
    """Ask once and judge by the answer; False where it may be out of date already.

    That is so when, since it was asked for, another answer has been stored, which may be younger, or the registry has
    been changed.
    """
    async with services.engine.connect() as connection:
        source = (await connection.execute(select(source_record).where(source_record.c.id == source_id))).one()
        registry = await find_registry(connection, source.registry)
    trusted = registry if registry is not None and registry.trusted else None
    reply = await _ask(services, trusted, source) if trusted else None
    async with services.engine.begin() as connection:
        now = await lock_source(connection, source_id)
        if now.answered_at != source.answered_at or await find_registry(connection, source.registry) != registry:
            return False
        if trusted is None or reply is None:
            await judge_untrusted(connection, source_id)
        else:
            await _conclude(connection, source_id, reply, trusted, services.settings.integrity_interval)
    return True


async def _conclude(
    connection: AsyncConnection, source_id: int, reply: Reply, registry: Registry, interval: timedelta
) -> None:
    await store_reply(connection, source_id, reply, interval)
    await judge_source(connection, source_id, reply.answer, registry)
    problem = reply.answer.reason if isinstance(reply.answer, Unavailable) else ""
    await note_answer(connection, registry.host, problem)


async def _ask(services: Services, registry: Registry, source: Row[Any]) -> Reply:
    try:
        record = await _fetch(client_for(services, registry), source)
    except NotFoundError:
        return Reply(Missing())
    except UnavailableError as error:
        pause = error.retry_after_seconds
        return Reply(Unavailable(error.reason), retry_after=timedelta(seconds=pause) if pause else None)
    except (RegistryError, UndecipherableError) as error:
        return Reply(Unavailable(str(error)))
    return Reply(Present(record.digest, record.digests), record)


async def _fetch(client: RegistryClient, source: Row[Any]) -> SourceRecord:
    previous = _previous(source)
    if is_digest(source.reference):
        return await client.fetch_pinned_record(source.repository, source.reference, previous=previous)
    return await client.fetch_source_record(source.repository, source.reference, previous=previous)


def _previous(source: Row[Any]) -> SourceRecord | None:
    """The last answer that said present, unless it has been missing since or another version wrote it."""
    if source.record is None or source.state != "present":
        return None
    try:
        return SourceRecord.from_dict(source.record)
    except InvalidRecordError:
        return None


async def check_due_sources(services: Services) -> None:
    """Enqueue a check for every source whose time has come; the schedule runs this."""
    async with services.engine.begin() as connection:
        due = await claim_due(connection, services.settings.integrity_interval, CHECKS_PER_ROUND)
        await enqueue(connection, [CheckSource(source_id) for source_id in due])
