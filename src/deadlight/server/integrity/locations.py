"""Where a violation or an untrusted image runs: a row per workload, opened and closed as workloads come and go.

A location is what an alert is about: an image that is wrong in three workloads concerns three owners. What ran and went
before its first verdict has been exposed too: it gets a location that is gone already, and both its alerts.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.server.events.outbox import NewEvent

# Workloads that have the image now, and those that ever had one that is new. The lock keeps the events of a workload in
# order (see NewEvent), and every transaction that locks several workloads takes them by id.
LOCK_WORKLOADS = text(
    """
    SELECT id FROM workload
    WHERE removed_at IS NULL AND image_tag_ids && CAST(:image_tag_ids AS bigint[])
       OR id IN (SELECT pod.workload_id FROM container JOIN pod ON pod.id = container.pod_id
                 WHERE container.image_tag_id = ANY(:new_ids))
    ORDER BY id FOR NO KEY UPDATE
    """
)

LOCK_WORKLOAD = text("SELECT id, image_tag_ids, removed_at FROM workload WHERE id = :workload_id FOR NO KEY UPDATE")

# One statement, because every change of a workload passes here and mostly there is nothing to do. Its parts see the
# rows as they were and never meet: what is closed is what would not be opened.
_FOLLOW = text(
    """
    WITH closed AS (
        UPDATE violation_location SET gone_at = now()
        FROM violation CROSS JOIN workload
        WHERE violation_location.violation_id = violation.id AND violation_location.workload_id = workload.id
          AND violation_location.gone_at IS NULL AND workload.id = ANY(:workload_ids)
          AND (violation.closed_at IS NOT NULL OR workload.removed_at IS NOT NULL
               OR NOT workload.image_tag_ids @> ARRAY[violation.image_tag_id])
        RETURNING violation_location.workload_id, violation.id AS violation_id, violation.image_tag_id
    ), opened AS (
        INSERT INTO violation_location (violation_id, workload_id, gone_at, nodes)
        SELECT violation.id, workload.id, CASE WHEN has_it THEN NULL ELSE now() END, coalesce((
            SELECT array_agg(DISTINCT pod.node_name ORDER BY pod.node_name)
            FROM pod JOIN container ON container.pod_id = pod.id
            WHERE pod.workload_id = workload.id AND container.image_tag_id = violation.image_tag_id
              AND pod.node_name <> ''
              AND (pod.removed_at IS NULL AND container.removed_at IS NULL OR NOT has_it)), '{}')
        FROM violation CROSS JOIN workload, LATERAL (
            SELECT workload.removed_at IS NULL
                   AND workload.image_tag_ids @> ARRAY[violation.image_tag_id] AS has_it) AS presence
        WHERE violation.closed_at IS NULL AND workload.id = ANY(:workload_ids)
          AND violation.image_tag_id = ANY(:image_tag_ids)
          AND (has_it OR violation.image_tag_id = ANY(:new_ids) AND EXISTS (
              SELECT FROM pod JOIN container ON container.pod_id = pod.id
              WHERE pod.workload_id = workload.id AND container.image_tag_id = violation.image_tag_id))
        ON CONFLICT DO NOTHING
        RETURNING workload_id, violation_id, gone_at IS NOT NULL AS is_gone,
                  (SELECT image_tag_id FROM violation WHERE violation.id = violation_location.violation_id)
    ), trusted AS (
        UPDATE untrusted_location SET gone_at = now()
        FROM verdict CROSS JOIN workload
        WHERE untrusted_location.image_tag_id = verdict.image_tag_id AND untrusted_location.workload_id = workload.id
          AND untrusted_location.gone_at IS NULL AND workload.id = ANY(:workload_ids)
          AND (verdict.status <> 'Untrusted Registry' OR workload.removed_at IS NOT NULL
               OR NOT workload.image_tag_ids @> ARRAY[verdict.image_tag_id])
        RETURNING untrusted_location.workload_id, untrusted_location.image_tag_id
    ), untrusted AS (
        INSERT INTO untrusted_location (image_tag_id, workload_id, gone_at)
        SELECT verdict.image_tag_id, workload.id, CASE WHEN has_it THEN NULL ELSE now() END
        FROM verdict CROSS JOIN workload, LATERAL (
            SELECT workload.removed_at IS NULL
                   AND workload.image_tag_ids @> ARRAY[verdict.image_tag_id] AS has_it) AS presence
        WHERE verdict.status = 'Untrusted Registry' AND workload.id = ANY(:workload_ids)
          AND verdict.image_tag_id = ANY(:image_tag_ids)
          AND (has_it OR verdict.image_tag_id = ANY(:new_ids) AND EXISTS (
              SELECT FROM pod JOIN container ON container.pod_id = pod.id
              WHERE pod.workload_id = workload.id AND container.image_tag_id = verdict.image_tag_id))
        ON CONFLICT DO NOTHING
        RETURNING workload_id, image_tag_id
    ), happened (number, type, workload_id, image_tag_id, violation_id) AS (
        SELECT 1, 'IntegrityViolationClosed', workload_id, image_tag_id, violation_id FROM closed
        UNION ALL
        SELECT 2, 'IntegrityViolationDetected', workload_id, image_tag_id, violation_id FROM opened
        UNION ALL
        SELECT 3, 'IntegrityViolationClosed', workload_id, image_tag_id, violation_id FROM opened WHERE is_gone
        UNION ALL
        SELECT 4, 'UntrustedRegistryClosed', workload_id, image_tag_id, NULL FROM trusted
        UNION ALL
        SELECT 5, 'UntrustedRegistryDetected', workload_id, image_tag_id, NULL FROM untrusted
    )
    SELECT * FROM happened ORDER BY number, workload_id, image_tag_id
    """
)

_CLOSE_EMPTY_VIOLATIONS = text(
    """
    UPDATE violation SET closed_at = now(), close_reason = 'no longer deployed'
    WHERE image_tag_id = ANY(:image_tag_ids) AND closed_at IS NULL
      AND NOT EXISTS (SELECT FROM violation_location AS place
                      WHERE place.violation_id = violation.id AND place.gone_at IS NULL)
    """
)


async def follow_locations(
    connection: AsyncConnection,
    workload_ids: Sequence[int],
    image_tag_ids: Sequence[int],
    new_ids: Sequence[int] = (),
) -> list[NewEvent]:
    """Bring the locations of these workloads in line with what they have now, and return what that means.

    The caller holds the workloads' row locks. `image_tag_ids` are those for which locations may open, `new_ids` those
    among them that had no verdict before. A violation that is nowhere any more closes.
    """
    parameters = {"workload_ids": workload_ids, "image_tag_ids": image_tag_ids, "new_ids": new_ids}
    lists = {name: list(ids) for name, ids in parameters.items()}
    happened = (await connection.execute(_FOLLOW, lists)).all()
    closed = {row.image_tag_id for row in happened if row.type == EventType.INTEGRITY_VIOLATION_CLOSED}
    await close_empty_violations(connection, closed)
    return [_event(row) for row in happened]


async def close_empty_violations(connection: AsyncConnection, image_tag_ids: Iterable[int]) -> None:
    """Close the violations of these image tags that are nowhere."""
    wanted = sorted(image_tag_ids)
    if wanted:
        await connection.execute(_CLOSE_EMPTY_VIOLATIONS, {"image_tag_ids": wanted})


def _event(row: Row[Any]) -> NewEvent:
    data = {"workload_id": row.workload_id, "image_tag_id": row.image_tag_id}
    if row.violation_id is not None:
        data["violation_id"] = row.violation_id
    return NewEvent(EventType(row.type), f"workload:{row.workload_id}", data)
