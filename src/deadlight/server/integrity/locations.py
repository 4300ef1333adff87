"""Where a violation or an untrusted image runs: a row per workload, opened and closed as workloads come and go.

A location is what an alert is about: an image that is wrong in three workloads concerns three owners.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.server.events.outbox import NewEvent

# Only workloads that have the image now. The lock keeps the events of a workload in order (see NewEvent), and every
# transaction that locks several workloads takes them by id.
LOCK_WORKLOADS = text(
    """
    SELECT id FROM workload
    WHERE removed_at IS NULL AND image_tag_ids && CAST(:image_tag_ids AS bigint[])
    ORDER BY id FOR UPDATE
    """
)

LOCK_WORKLOAD = text("SELECT id, image_tag_ids, removed_at FROM workload WHERE id = :workload_id FOR UPDATE")

_OPEN_VIOLATION_LOCATIONS = text(
    """
    INSERT INTO violation_location (violation_id, workload_id, nodes)
    SELECT violation.id, workload.id, coalesce((
        SELECT array_agg(DISTINCT pod.node_name ORDER BY pod.node_name)
        FROM pod JOIN container ON container.pod_id = pod.id
        WHERE pod.workload_id = workload.id AND container.image_tag_id = violation.image_tag_id
          AND pod.removed_at IS NULL AND container.removed_at IS NULL AND pod.node_name <> ''), '{}')
    FROM violation JOIN workload ON workload.image_tag_ids @> ARRAY[violation.image_tag_id]
    WHERE violation.closed_at IS NULL AND workload.removed_at IS NULL AND workload.id = ANY(:workload_ids)
      AND violation.image_tag_id = ANY(:image_tag_ids)
    ON CONFLICT DO NOTHING
    RETURNING workload_id, violation_id,
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
    INSERT INTO untrusted_location (image_tag_id, workload_id)
    SELECT verdict.image_tag_id, workload.id
    FROM verdict JOIN workload ON workload.image_tag_ids @> ARRAY[verdict.image_tag_id]
    WHERE verdict.status = 'Untrusted Registry' AND workload.removed_at IS NULL AND workload.id = ANY(:workload_ids)
      AND verdict.image_tag_id = ANY(:image_tag_ids)
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
    WHERE id = ANY(:violation_ids) AND closed_at IS NULL
      AND NOT EXISTS (SELECT FROM violation_location AS place
                      WHERE place.violation_id = violation.id AND place.gone_at IS NULL)
    """
)


async def follow_locations(
    connection: AsyncConnection, workload_ids: Sequence[int], image_tag_ids: Sequence[int]
) -> list[NewEvent]:
    """Bring the locations of these workloads in line with what they have now, and return what that means.

    The caller holds the workloads' row locks. `image_tag_ids` are those for which locations may open. A violation
    that is nowhere any more closes.
    """
    parameters = {"workload_ids": list(workload_ids), "image_tag_ids": list(image_tag_ids)}
    closed = await _rows(connection, _CLOSE_VIOLATION_LOCATIONS, parameters)
    opened = await _rows(connection, _OPEN_VIOLATION_LOCATIONS, parameters)
    await connection.execute(_CLOSE_UNTRUSTED_LOCATIONS, {"workload_ids": list(workload_ids)})
    untrusted = await _rows(connection, _OPEN_UNTRUSTED_LOCATIONS, parameters)
    if closed:
        violation_ids = sorted({row.violation_id for row in closed})
        await connection.execute(_CLOSE_EMPTY_VIOLATIONS, {"violation_ids": violation_ids})
    return [
        *(_event(EventType.INTEGRITY_VIOLATION_CLOSED, row, violation_id=row.violation_id) for row in closed),
        *(_event(EventType.INTEGRITY_VIOLATION_DETECTED, row, violation_id=row.violation_id) for row in opened),
        *(_event(EventType.UNTRUSTED_REGISTRY_DETECTED, row) for row in untrusted),
    ]


async def _rows(connection: AsyncConnection, statement: TextClause, parameters: dict[str, Any]) -> Sequence[Row[Any]]:
    return (await connection.execute(statement, parameters)).all()


def _event(kind: EventType, row: Row[Any], **more: int) -> NewEvent:
    data = {"workload_id": row.workload_id, "image_tag_id": row.image_tag_id, **more}
    return NewEvent(kind, f"workload:{row.workload_id}", data)
