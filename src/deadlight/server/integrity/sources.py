"""What registries answered, kept: one row for each tag (or pinned digest) that something runs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry import SourceRecord
from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.integrity.verdict import Answer, Missing, Present, Unavailable
from deadlight.server.registries.stored_facts import write_facts
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
    facts: ArtifactFacts | None = None
    """What the registry's own API says of it; None where it was not asked, because all of this is known."""


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
        pause = pause_after_failure(source.failures, reply.retry_after, interval)
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
        await _remember_digest(connection, source.id, reply.answer.digest, reply.facts)


async def postpone(connection: AsyncConnection, source_id: int, interval: timedelta) -> None:
    """There is nothing to ask: look again after `interval` all the same."""
    values = {"next_check_at": func.now() + interval}
    await connection.execute(update(source_record).where(source_record.c.id == source_id).values(**values))


def pause_after_failure(failures: int, asked_for: timedelta | None, interval: timedelta) -> timedelta:
    """How long to leave a source alone that could not be asked after so many failures in a row."""
    backoff = min(FIRST_RETRY * float(2 ** min(failures, 16)), interval)
    return min(asked_for or backoff, max(LONGEST_RETRY, interval))


def _found_values(source: Row[Any], reply: Reply) -> dict[str, Any]:
    facts = {"facts": write_facts(reply.facts), "facts_at": func.now()} if reply.facts else {}
    if isinstance(reply.answer, Missing) or reply.record is None:
        return {"state": "missing"} | facts
    found: dict[str, Any] = {"state": "present", "record": without_zero_bytes(reply.record.to_dict())}
    changed = source.record is None or source.record["digest"] != reply.record.digest
    moved = {"changed_at": func.now()} if changed else {}
    return found | moved | facts | {"deleted_by": "", "deleted_at": None}


async def _remember_digest(
    connection: AsyncConnection, source_id: int, digest: str, facts: ArtifactFacts | None
) -> None:
    pushed = {"pushed_by": facts.pushed_by, "pushed_at": facts.pushed_at} if facts and facts.pushed_at else {}
    pushed = without_zero_bytes(pushed)
    statement = insert(tag_history).values(source_record_id=source_id, digest=digest, **pushed)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_record_id", "digest"], set_={"last_seen_at": func.now()} | pushed
        )
    )


@dataclass(frozen=True, slots=True)
class Push:
    """Who put a digest under a tag, and when, as the registry says. Empty and None are unknown."""

    by: str = ""
    at: datetime | None = None


NOBODY = Push()


@dataclass(frozen=True, slots=True)
class TagHistory:
    """What a tag has been, as far as it was asked."""

    first_seen_at: tuple[datetime, ...]
    """When each digest it has had was first seen under it."""
    last_seen_at: Mapping[str, datetime] = field(default_factory=dict)
    """When it was last seen to be there, by digest."""
    pushes: Mapping[str, Push] = field(default_factory=dict)
    """By digest."""

    @property
    def last_present_at(self) -> datetime | None:
        """When it was last seen to be there at all."""
        return max(self.last_seen_at.values(), default=None)

    def updated_at(self, digest: str, seen_at: datetime | None) -> datetime | None:
        """When the tag came to be this digest, which was first seen at `seen_at`; None where nobody saw it move.

        At the push, where the registry says when that was and the tag was not seen with another digest since: a tag
        may also be moved to what was pushed before. A tag that had this digest at the first look has not moved.
        """
        others = [at for other, at in self.last_seen_at.items() if other != digest]
        pushed_at = self.pushes.get(digest, NOBODY).at
        if pushed_at and seen_at and max(others, default=pushed_at) <= pushed_at <= seen_at:
            return pushed_at
        return seen_at if seen_at and min(self.first_seen_at, default=seen_at) < seen_at else None


async def load_tag_history(connection: AsyncConnection, source_id: int) -> TagHistory:
    """The history of a source."""
    rows = (await connection.execute(select(tag_history).where(tag_history.c.source_record_id == source_id))).all()
    return TagHistory(
        first_seen_at=tuple(row.first_seen_at for row in rows),
        last_seen_at={row.digest: row.last_seen_at for row in rows},
        pushes={row.digest: Push(row.pushed_by, row.pushed_at) for row in rows},
    )
