"""Asking registries: the one part of integrity that talks to the world."""

from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select

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
from deadlight.server.integrity.sources import Reply, claim_due, store_reply
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
    async with services.engine.connect() as connection:
        source = (await connection.execute(select(source_record).where(source_record.c.id == job.source_id))).one()
        registry = await find_registry(connection, source.registry)
    if registry is None or not registry.trusted:
        async with services.engine.begin() as connection:
            await judge_untrusted(connection, job.source_id)
        return
    reply = await _ask(services, registry, source)
    async with services.engine.begin() as connection:
        await store_reply(connection, job.source_id, reply, services.settings.integrity_interval)
        await judge_source(connection, job.source_id, reply.answer, registry)
        reason = reply.answer.reason if isinstance(reply.answer, Unavailable) else ""
        await note_answer(connection, source.registry, reason)


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
