"""From an answer of a registry to verdicts, violations and events, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference
from deadlight.model.integrity import IntegrityStatus, MutabilitySource, ViolationType
from deadlight.server.events.outbox import record_events
from deadlight.server.integrity.evidence import Circumstances, build_evidence
from deadlight.server.integrity.locations import LOCK_WORKLOADS, follow_locations
from deadlight.server.integrity.mutability import PINNED, Mutability, TagPatterns, decide_mutability, moved_before
from deadlight.server.integrity.sources import TagHistory, load_tag_history, lock_source
from deadlight.server.integrity.verdict import UNTRUSTED, Answer, Verdict, judge
from deadlight.server.registries.service import Registry
from deadlight.server.tables.integrity import verdict as verdict_table
from deadlight.server.tables.integrity import violation

# Those that are deployed, never judged, or have something open; a tag that nothing has any more keeps its verdict.
_IMAGE_TAGS = text(
    """
    SELECT image_tag.*,
           (SELECT min(container.started_at) FROM container
            WHERE container.image_tag_id = image_tag.id
              AND (container.removed_at IS NULL OR NOT is_deployed)) AS deployed_at,
           is_deployed, EXISTS (SELECT FROM container WHERE container.image_tag_id = image_tag.id) AS has_run
    FROM image_tag,
         LATERAL (SELECT EXISTS (SELECT FROM workload WHERE image_tag_ids @> ARRAY[image_tag.id]
                                 AND workload.removed_at IS NULL) AS is_deployed) AS deployment
    WHERE registry = :registry AND repository = :repository
      AND coalesce(nullif(pinned_digest, ''), tag) = :reference
      AND (is_deployed
           OR NOT EXISTS (SELECT FROM verdict WHERE verdict.image_tag_id = image_tag.id)
           OR EXISTS (SELECT FROM violation WHERE violation.image_tag_id = image_tag.id AND closed_at IS NULL))
    ORDER BY id
    """
)


async def judge_source(connection: AsyncConnection, source_id: int, answer: Answer, registry: Registry) -> None:
    """Judge every image tag that names this source of a trusted registry, and settle what follows."""
    source = await lock_source(connection, source_id)
    history = await load_tag_history(connection, source_id)
    judged: list[_Judged] = []
    for image_tag in await _list_image_tags(connection, source):
        previous = await find_verdict(connection, image_tag.id)
        verdict = judge(image_tag.digest, answer, _mutability(image_tag, history, registry), previous=previous)
        if verdict is not None:
            circumstances = _circumstances(image_tag, source, registry.type, history, is_new=previous is None)
            judged.append(_Judged(previous, verdict, circumstances))
    await _settle_all(connection, judged)


def _mutability(image_tag: Row[Any], history: TagHistory, registry: Registry) -> Mutability:
    if image_tag.pinned_digest:
        return PINNED
    return decide_mutability(
        image_tag.tag,
        moved_before_deployment=moved_before(image_tag.first_seen_at, history.first_seen_at),
        patterns=TagPatterns(registry.mutable_tags, registry.immutable_tags),
    )


async def judge_untrusted(connection: AsyncConnection, source_id: int) -> None:
    """The same for a source in a registry that nobody trusts: it is not asked at all."""
    source = await lock_source(connection, source_id)
    history = await load_tag_history(connection, source_id)
    judged: list[_Judged] = []
    for image_tag in await _list_image_tags(connection, source):
        previous = await find_verdict(connection, image_tag.id)
        circumstances = _circumstances(image_tag, source, "", history, is_new=previous is None)
        judged.append(_Judged(previous, UNTRUSTED, circumstances))
    await _settle_all(connection, judged)


class _Judged(NamedTuple):
    """What is said of an image tag, and what was said before."""

    previous: Verdict | None
    verdict: Verdict
    circumstances: Circumstances


async def _settle_all(connection: AsyncConnection, judged: Sequence[_Judged]) -> None:
    """Store verdicts, then open and close the places, their workloads locked in one order for all."""
    to_follow = [item for item in judged if await _settle(connection, *item)]
    ids = {
        "image_tag_ids": [item.circumstances.image_tag_id for item in to_follow],
        "new_ids": [item.circumstances.image_tag_id for item in to_follow if item.previous is None],
    }
    if to_follow:
        workload_ids = (await connection.execute(LOCK_WORKLOADS, ids)).scalars().all()
        await record_events(connection, await follow_locations(connection, workload_ids, **ids))


async def _list_image_tags(connection: AsyncConnection, source: Row[Any]) -> Sequence[Row[Any]]:
    key = {"registry": source.registry, "repository": source.repository, "reference": source.reference}
    return (await connection.execute(_IMAGE_TAGS, key)).all()


def _circumstances(
    image_tag: Row[Any], source: Row[Any], registry_type: str, history: TagHistory, *, is_new: bool
) -> Circumstances:
    reference = ImageReference(image_tag.registry, image_tag.repository, image_tag.tag, image_tag.pinned_digest)
    return Circumstances(
        image_tag_id=image_tag.id,
        reference=str(reference),
        running_digest=image_tag.digest,
        platform=image_tag.platform,
        registry_type=registry_type,
        deployed_at=image_tag.deployed_at,
        tag_seen_changed_at=source.changed_at,
        last_seen_present_at=history.last_seen_at,
        is_exposed=image_tag.is_deployed or (is_new and image_tag.has_run),
    )


async def find_verdict(connection: AsyncConnection, image_tag_id: int) -> Verdict | None:
    """The verdict that stands for an image tag."""
    row = (await connection.execute(select(verdict_table).where(verdict_table.c.image_tag_id == image_tag_id))).first()
    if row is None:
        return None
    source = row.mutability_source and MutabilitySource(row.mutability_source)
    return Verdict(
        IntegrityStatus(row.status),
        row.violation_type and ViolationType(row.violation_type),
        row.expected_digest,
        row.reason,
        Mutability(row.mutable, source, "") if source else None,
        row.stale_reason,
    )


async def _settle(
    connection: AsyncConnection, previous: Verdict | None, verdict: Verdict, circumstances: Circumstances
) -> bool:
    """Store a verdict and its violation; returns whether its places are to be followed.

    So they are when it says something else than before, and as long as it is a violation: a workload that came just
    now may not have seen it.
    """
    image_tag_id = circumstances.image_tag_id
    await _store_verdict(connection, image_tag_id, verdict)
    if verdict.stale_reason:
        return False
    if verdict.violation is None:
        await _close(connection, image_tag_id, f"now {verdict.status.value}")
        return previous is None or previous.status is not verdict.status
    if circumstances.is_exposed:
        await _open_or_confirm(connection, verdict, circumstances)
    else:
        await _close(connection, image_tag_id, "no longer deployed")
    return True


async def _store_verdict(connection: AsyncConnection, image_tag_id: int, verdict: Verdict) -> None:
    if verdict.stale_reason:
        since = func.coalesce(verdict_table.c.stale_since, func.now())
        await connection.execute(
            update(verdict_table)
            .where(verdict_table.c.image_tag_id == image_tag_id)
            .values(stale_reason=verdict.stale_reason, stale_since=since)
        )
        return
    values = {
        "status": verdict.status.value,
        "violation_type": verdict.violation.value if verdict.violation else None,
        "reason": verdict.reason,
        "expected_digest": verdict.expected_digest,
        "mutable": verdict.mutability.mutable if verdict.mutability else None,
        "mutability_source": verdict.mutability.source.value if verdict.mutability else None,
        "judged_at": func.now(),
        "stale_reason": "",
        "stale_since": None,
    }
    statement = insert(verdict_table).values(image_tag_id=image_tag_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["image_tag_id"], set_=values))


async def _open_or_confirm(connection: AsyncConnection, verdict: Verdict, circumstances: Circumstances) -> None:
    """Keep the violation that stands, with its evidence and its first detection; open one where none of its type is."""
    assert verdict.violation is not None
    image_tag_id = circumstances.image_tag_id
    confirmed = (
        update(violation)
        .where(
            violation.c.image_tag_id == image_tag_id,
            violation.c.closed_at.is_(None),
            violation.c.type == verdict.violation.value,
        )
        .values(last_confirmed_at=func.now())
    )
    if (await connection.execute(confirmed)).rowcount:
        return
    await _close(connection, image_tag_id, f"became {verdict.violation.value}")
    await connection.execute(
        insert(violation).values(
            image_tag_id=image_tag_id,
            type=verdict.violation.value,
            severity=verdict.violation.severity.value,
            evidence=build_evidence(verdict, circumstances),
        )
    )


async def _close(connection: AsyncConnection, image_tag_id: int, reason: str) -> None:
    await connection.execute(
        update(violation)
        .where(violation.c.image_tag_id == image_tag_id, violation.c.closed_at.is_(None))
        .values(closed_at=func.now(), close_reason=reason)
    )
