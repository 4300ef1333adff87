"""What registries answered, kept: one row for each tag (or pinned digest) that something runs."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry import SourceRecord
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.integrity.verdict import Answer, Missing, Present, Unavailable
from deadlight.server.tables.integrity import source_record, tag_history

FIRST_RETRY = timedelta(seconds=5)
"""Pause after the first failure to ask; doubles up to the interval of re-checks."""

FIRST_ANSWER_WITHIN = timedelta(minutes=5)
"""The schedule takes care of a source that nothing was heard of by then: the job of its first check may be held."""

LONGEST_RETRY = timedelta(hours=1)
"""A registry that asks to be left alone for longer is asked again after this all the same."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A name in a registry: `reference` is a tag, or the digest a specification pins."""

    registry: str
    repository: str
    reference: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with the record behind it and, where it could not be had, when to ask again."""

    answer: Answer
    record: SourceRecord | None = None
    retry_after: timedelta | None = None


async def ensure_source(connection: AsyncConnection, key: SourceKey) -> int:
    """The id of a source's row, made where it is new."""
    values = {"registry": key.registry, "repository": key.repository, "reference": key.reference}
    query = select(source_record.c.id).filter_by(**values)
    # First, because an insert would wait for whoever is just writing to the row.
    found: int | None = (await connection.execute(query)).scalar_one_or_none()
    if found is not None:
        return found
    new = insert(source_record).values(**values, next_check_at=func.now() + FIRST_ANSWER_WITHIN)
    await connection.execute(new.on_conflict_do_nothing())
    made: int = (await connection.execute(query)).scalar_one()
    return made


async def lock_source(connection: AsyncConnection, source_id: int) -> Row[Any]:
    """The source's row, held until the transaction ends, so that answers follow one another."""
    query = select(source_record).where(source_record.c.id == source_id).with_for_update()
    return (await connection.execute(query)).one()


async def store_reply(connection: AsyncConnection, source_id: int, reply: Reply, interval: timedelta) -> None:
    """Keep what the registry said, or that it could not be asked, and when to ask next."""
    source = await lock_source(connection, source_id)
    if isinstance(reply.answer, Unavailable):
        backoff = min(FIRST_RETRY * float(2 ** min(source.failures, 16)), interval)
        pause = min(reply.retry_after or backoff, max(LONGEST_RETRY, interval))
        values: dict[str, Any] = {
            "failures": source.failures + 1,
            "problem": reply.answer.reason,
            "problem_since": source.problem_since or func.now(),
        }
    else:
        pause = interval
        values = {"failures": 0, "problem": "", "problem_since": None, "answered_at": func.now()}
        values |= _found_values(source, reply)
    values["next_check_at"] = func.now() + pause * random.uniform(0.9, 1.1)  # noqa: S311 - jitter, not a secret
    await connection.execute(update(source_record).where(source_record.c.id == source.id).values(**values))
    if isinstance(reply.answer, Present):
        await _remember_digest(connection, source.id, reply.answer.digest)


def _found_values(source: Row[Any], reply: Reply) -> dict[str, Any]:
    if isinstance(reply.answer, Missing) or reply.record is None:
        return {"state": "missing"}
    changed = source.record is None or source.record["digest"] != reply.record.digest
    values = {"state": "present", "record": without_zero_bytes(reply.record.to_dict())}
    return values | ({"changed_at": func.now()} if changed else {})


async def _remember_digest(connection: AsyncConnection, source_id: int, digest: str) -> None:
    statement = insert(tag_history).values(source_record_id=source_id, digest=digest)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_record_id", "digest"], set_={"last_seen_at": func.now()}
        )
    )


@dataclass(frozen=True, slots=True)
class TagHistory:
    """What a tag has been, as far as it was asked."""

    first_seen_at: tuple[datetime, ...]
    """When each digest it has had was first seen under it."""
    last_seen_at: datetime | None
    """When it was last seen to be there at all."""


async def load_tag_history(connection: AsyncConnection, source_id: int) -> TagHistory:
    """The history of a source."""
    rows = (await connection.execute(select(tag_history).where(tag_history.c.source_record_id == source_id))).all()
    return TagHistory(tuple(row.first_seen_at for row in rows), max((row.last_seen_at for row in rows), default=None))


_DUE = text(
    """
    UPDATE source_record SET next_check_at = now() + :interval
    WHERE id IN (
        SELECT source.id FROM source_record AS source
        WHERE source.next_check_at <= now() AND EXISTS (
            SELECT FROM image_tag JOIN container ON container.image_tag_id = image_tag.id
            WHERE image_tag.registry = source.registry AND image_tag.repository = source.repository
              AND coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag) = source.reference
              AND container.state = 'running' AND container.removed_at IS NULL)
        ORDER BY source.next_check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


async def claim_due(connection: AsyncConnection, interval: timedelta, limit: int) -> list[int]:
    """Sources of running images whose next check is due; they are due again after `interval` unless answered."""
    rows = await connection.execute(_DUE, {"interval": interval, "limit": limit})
    return list(rows.scalars())
