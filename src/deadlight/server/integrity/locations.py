"""Where a violation or an untrusted image runs: a row per workload, opened and closed as workloads come and go.

A location is what an alert is about: an image that is wrong in three workloads concerns three owners. What ran and went
before its first verdict has been exposed too: it gets a location that is gone already, and both its alerts.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, TextClause, text
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
    ORDER BY id FOR UPDATE
    """
)

LOCK_WORKLOAD = text("SELECT id, image_tag_ids, removed_at FROM workload WHERE id = :workload_id FOR UPDATE")

_OPEN_VIOLATION_LOCATIONS = text(
    """
    INSERT INTO violation_location (violation_id, workload_id, gone_at, nodes)
    SELECT violation.id, workload.id, CASE WHEN has_it THEN NULL ELSE now() END, coalesce((
        SELECT array_agg(DISTINCT pod.node_name ORDER BY pod.node_name)
        FROM pod JOIN container ON container.pod_id = pod.id
        WHERE pod.workload_id = workload.id AND container.image_tag_id = violation.image_tag_id AND pod.node_name <> ''
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
              (SELECT image_tag_id FROM violation WHERE violation.id = violation_location.violation_id) AS image_tag_id
    """
)

_CLOSE_VIOLATION_LOCATIONS = text(
    """
    UPDATE violation_location SET gone_at = now()
    FROM violation JOIN workload ON true
    WHERE violation_location.violation_id = violation.id AND violation_location.workload_id = workload.id
      AND violation_location.gone_at IS NULL AND workload.id = ANY(:workload_ids)
      AND (violation.closed_at IS NOT NULL OR workload.removed_at IS NOT NULL
           OR NOT workload.image_tag_ids @> ARRAY[violation.image_tag_id])
    RETURNING violation_location.workload_id, violation.id AS violation_id, violation.image_tag_id
    """
)

_OPEN_UNTRUSTED_LOCATIONS = text(
    """
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
    """
)

_CLOSE_UNTRUSTED_LOCATIONS = text(
    """
    UPDATE untrusted_location SET gone_at = now()
    FROM verdict JOIN workload ON true
    WHERE untrusted_location.image_tag_id = verdict.image_tag_id AND untrusted_location.workload_id = workload.id
      AND untrusted_location.gone_at IS NULL AND workload.id = ANY(:workload_ids)
      AND (verdict.status <> 'Untrusted Registry' OR workload.removed_at IS NOT NULL
           OR NOT workload.image_tag_ids @> ARRAY[verdict.image_tag_id])
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
    workloads = {"workload_ids": list(workload_ids)}
    may_open = workloads | {"image_tag_ids": list(image_tag_ids), "new_ids": list(new_ids)}
    closed = await _rows(connection, _CLOSE_VIOLATION_LOCATIONS, workloads)
    opened = await _rows(connection, _OPEN_VIOLATION_LOCATIONS, may_open)
    await connection.execute(_CLOSE_UNTRUSTED_LOCATIONS, workloads)
    untrusted = await _rows(connection, _OPEN_UNTRUSTED_LOCATIONS, may_open)
    settled = sorted({*image_tag_ids, *(row.image_tag_id for row in closed)})
    await connection.execute(_CLOSE_EMPTY_VIOLATIONS, {"image_tag_ids": settled})
    gone = [row for row in opened if row.is_gone]
    return [
        *(_event(EventType.INTEGRITY_VIOLATION_CLOSED, row, violation_id=row.violation_id) for row in closed),
        *(_event(EventType.INTEGRITY_VIOLATION_DETECTED, row, violation_id=row.violation_id) for row in opened),
        *(_event(EventType.INTEGRITY_VIOLATION_CLOSED, row, violation_id=row.violation_id) for row in gone),
        *(_event(EventType.UNTRUSTED_REGISTRY_DETECTED, row) for row in untrusted),
    ]


async def _rows(connection: AsyncConnection, statement: TextClause, parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    return (await connection.execute(statement, parameters)).all()


def _event(kind: EventType, row: Row[Any], **more: int) -> NewEvent:
    data = {"workload_id": row.workload_id, "image_tag_id": row.image_tag_id, **more}
    return NewEvent(kind, f"workload:{row.workload_id}", data)
