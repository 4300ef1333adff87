"""Re-checks by the hundred: whose turn it is, and what is stored where nothing has changed. A statement for all.

A round takes no more of a registry than it is set to take: what is claimed moves the time until which nothing more is,
so that all replicas together keep to it. Each registry has its own, and none waits for another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.integrity.sources import LONGEST_RETRY, Reply, pause_after_failure
from deadlight.server.integrity.store import as_parameter
from deadlight.server.integrity.verdict import Unavailable

CLAIM_SECONDS = 5.0
"""How much of a registry's checks is claimed at once: enough for bulk to pay, little enough to lose with a process."""

# Sources that nothing has deployed are put aside (no next check) until a workload brings them back.
_CLAIM = text(
    """
    WITH ready AS MATERIALIZED (
        SELECT id, host, checks_per_second FROM registry
        WHERE trusted AND coalesce(checks_claimed_until, '-infinity') <= now()
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), due AS MATERIALIZED (
        SELECT ready.id AS registry_id, source.id, is_deployed
        FROM ready, LATERAL (
            SELECT * FROM source_record
            WHERE source_record.registry = ready.host AND next_check_at <= now()
            ORDER BY next_check_at LIMIT ceil(ready.checks_per_second * :seconds) FOR UPDATE SKIP LOCKED
        ) AS source, LATERAL (
            SELECT EXISTS (
                SELECT FROM image_tag JOIN workload ON workload.image_tag_ids @> ARRAY[image_tag.id]
                                                   AND workload.removed_at IS NULL
                WHERE image_tag.registry = source.registry AND image_tag.repository = source.repository
                  AND coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag) = source.reference) AS is_deployed
        ) AS deployment
    ), claimed AS (
        UPDATE source_record SET next_check_at = CASE WHEN is_deployed THEN now() + :interval END
        FROM due WHERE due.id = source_record.id
    ), paced AS (
        UPDATE registry SET checks_claimed_until = now() + make_interval(secs => claims.number / checks_per_second)
        FROM (SELECT registry_id, count(*) AS number FROM due WHERE is_deployed GROUP BY registry_id) AS claims
        WHERE registry.id = claims.registry_id
    )
    SELECT ready.host, array_agg(due.id ORDER BY due.id) AS source_ids
    FROM due JOIN ready ON ready.id = due.registry_id WHERE is_deployed GROUP BY ready.host
    """
)

# What others are writing just now is left to them: it is not confirmed. Nor is a source any of whose image tags has
# something to settle; those that nothing has any more keep their verdicts whatever they are.
_LOCKED = """
    WITH answered AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(
            id bigint, answered_at timestamptz, reason text, pause double precision)
    ), locked AS MATERIALIZED (
        SELECT source.id, source.registry, source.repository, source.reference
        FROM source_record AS source JOIN answered ON answered.id = source.id
        WHERE source.answered_at IS NOT DISTINCT FROM answered.answered_at
        ORDER BY source.id FOR UPDATE OF source SKIP LOCKED
    ), named AS MATERIALIZED (
        SELECT locked.id, image_tag.id AS image_tag_id, verdict.status,
               EXISTS (SELECT FROM workload WHERE image_tag_ids @> ARRAY[image_tag.id]
                                              AND removed_at IS NULL) AS is_deployed
        FROM locked JOIN image_tag
          ON image_tag.registry = locked.registry AND image_tag.repository = locked.repository
         AND coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag) = locked.reference
        LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
    )
"""

_CONFIRM = text(
    _LOCKED  # noqa: S608 - constants
    + """
    , settled AS MATERIALIZED (
        SELECT id FROM locked WHERE NOT EXISTS (
            SELECT FROM named WHERE named.id = locked.id AND status IS DISTINCT FROM 'No Issues' AND (
                is_deployed OR status IS NULL OR EXISTS (
                    SELECT FROM violation WHERE violation.image_tag_id = named.image_tag_id AND closed_at IS NULL)))
    ), confirmed AS (
        UPDATE source_record
        SET answered_at = now(), failures = 0, problem = '', problem_since = NULL,
            next_check_at = now() + CAST(:interval AS interval) * (0.9 + 0.2 * random())
        WHERE id IN (SELECT id FROM settled) AND state = 'present'
        RETURNING id, record ->> 'digest' AS digest
    ), seen AS (
        UPDATE tag_history SET last_seen_at = now() FROM confirmed
        WHERE tag_history.source_record_id = confirmed.id AND tag_history.digest = confirmed.digest
    ), judged AS (
        UPDATE verdict SET judged_at = now(), stale_reason = '', stale_since = NULL
        FROM named JOIN confirmed USING (id)
        WHERE verdict.image_tag_id = named.image_tag_id AND named.is_deployed
    )
    SELECT id FROM confirmed
    """
)

_STORE_FAILURES = text(
    _LOCKED  # noqa: S608 - constants
    + """
    , failed AS (
        UPDATE source_record
        SET failures = failures + 1, problem = reason, problem_since = coalesce(problem_since, now()),
            next_check_at = now() + make_interval(secs => pause * (0.9 + 0.2 * random()))
        FROM answered WHERE answered.id = source_record.id AND source_record.id IN (SELECT id FROM locked)
        RETURNING source_record.id, reason
    )
    UPDATE verdict SET stale_reason = failed.reason, stale_since = coalesce(stale_since, now())
    FROM named JOIN failed USING (id)
    WHERE verdict.image_tag_id = named.image_tag_id AND named.is_deployed
    """
)

_PAUSE = text(
    """
    UPDATE registry SET checks_claimed_until = greatest(checks_claimed_until, now() + :pause) WHERE host = :host
    """
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A source of a round, as it was when it was asked about."""

    id: int
    answered_at: datetime | None
    failures: int


async def claim_due(connection: AsyncConnection, interval: timedelta) -> Mapping[str, Sequence[int]]:
    """Sources whose next check is due, by their registry's host, as many as its pace allows.

    They are due again after `interval` unless answered.
    """
    rows = await connection.execute(_CLAIM, {"interval": interval, "seconds": CLAIM_SECONDS})
    return {row.host: row.source_ids for row in rows}


async def confirm_unchanged(connection: AsyncConnection, asked: Sequence[Asked], interval: timedelta) -> set[int]:
    """Store that these sources are what they were; returns those for which that is all there is to do."""
    if not asked:
        return set()
    rows = as_parameter([{"id": source.id, "answered_at": source.answered_at} for source in asked])
    return set((await connection.execute(_CONFIRM, rows | {"interval": interval})).scalars())


async def store_failures(connection: AsyncConnection, failed: Mapping[Asked, Reply], interval: timedelta) -> None:
    """Store that these sources could not be asked: their verdicts stay, marked stale."""
    rows = [
        {
            "id": source.id,
            "answered_at": source.answered_at,
            "reason": reply.answer.reason,
            "pause": pause_after_failure(source.failures, reply.retry_after, interval).total_seconds(),
        }
        for source, reply in failed.items()
        if isinstance(reply.answer, Unavailable)
    ]
    if rows:
        await connection.execute(_STORE_FAILURES, as_parameter(rows))


async def leave_alone(connection: AsyncConnection, host: str, pause: timedelta) -> None:
    """Claim nothing of a registry for a while, an hour at most: it asked for that."""
    await connection.execute(_PAUSE, {"host": host, "pause": min(pause, LONGEST_RETRY)})
