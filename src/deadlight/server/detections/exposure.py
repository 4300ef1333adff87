"""Where detections are live, what the ledger makes exposure windows of (docs/adr/0049-live-detections.md).

A location is live from the first time that it happened until somebody resolves the detection, an exception covers it or
the containers in which it happened are gone; of a CronJob until a later run ended without it. When it happens again,
that is another one. What nobody can place, a container without workload or image, has none. Whoever changes anything
here tells the ledger by `DetectionChanged`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.workload import WorkloadKind
from deadlight.server.events.outbox import NewEvent, record_events

MAX_CONTAINERS = 100
"""Containers of a location that are remembered: those in which it happened first, and the one where it did last."""

# Only what has a place and nothing covers. Most of what happens is in a container that is known already.
_OPEN = text(
    f"""
    INSERT INTO detection_location AS place (detection_id, workload_id, image_tag_id, container_ids, first_at)
    SELECT detection.id, detection.workload_id, detection.image_tag_id, fired.container_ids[1:{MAX_CONTAINERS}],
           fired.first_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fired(id bigint, container_ids text[], first_at timestamptz)
    JOIN detection USING (id)
    WHERE detection.status <> 'resolved' AND detection.exception_id IS NULL
      AND detection.workload_id IS NOT NULL AND detection.image_tag_id IS NOT NULL
    ORDER BY detection.id
    ON CONFLICT (detection_id) WHERE gone_at IS NULL DO UPDATE
        SET container_ids = place.container_ids[1:{MAX_CONTAINERS - 1}] || EXCLUDED.container_ids[1:1]
        WHERE NOT place.container_ids @> EXCLUDED.container_ids
    RETURNING detection_id, xmax = 0 AS opened
    """  # noqa: S608 - constants
)

# It was live all the time, in the containers in which it happened last, whatever somebody thought meanwhile.
_OPEN_AGAIN = text(
    """
    INSERT INTO detection_location (detection_id, workload_id, image_tag_id, container_ids, first_at)
    SELECT place.detection_id, place.workload_id, place.image_tag_id, place.container_ids, detection.last_at
    FROM detection_location AS place JOIN detection ON detection.id = place.detection_id
    WHERE place.detection_id = :id AND detection.exception_id IS NULL ORDER BY place.id DESC LIMIT 1
    """
)

_CLOSE_RESOLVED = text(
    """
    UPDATE detection_location SET gone_at = now(), gone_because = :because WHERE detection_id = :id AND gone_at IS NULL
    """
)

_CLOSE_COVERED = text(
    """
    UPDATE detection_location AS place SET gone_at = now(), gone_because = 'exception: ' || exception.reason
    FROM detection JOIN detection_exception AS exception ON exception.id = detection.exception_id
    WHERE detection.id = place.detection_id AND place.gone_at IS NULL AND detection.id = ANY(:ids)
    """
)

# What runs by the clock runs again: between two runs it is as exposed as in them.
_COMES_BACK = f"workload.kind = '{WorkloadKind.CRON_JOB.value}'"

_RAN_WITHOUT = """
    EXISTS (SELECT FROM pod JOIN container ON container.pod_id = pod.id
            WHERE pod.workload_id = workload.id AND container.started_at > detection.last_at
              AND (container.removed_at IS NOT NULL OR container.state = 'terminated')
              AND container.container_id <> ALL(place.container_ids))
"""

# A container that was started anew has another id: then nobody says when the one before ended. Who does the same at the
# same time, or has the detection happen again just now, comes first: the next look is soon.
_CLOSE_GONE = text(
    f"""
    WITH gone AS MATERIALIZED (
        SELECT place.id, detection.id AS detection_id,
               CASE WHEN {_COMES_BACK} THEN workload.removed_at
                    ELSE (SELECT max(removed_at) FROM container WHERE container_id = ANY(place.container_ids)
                                                        AND container.cluster_id = detection.cluster_id) END AS at,
               CASE WHEN NOT {_COMES_BACK} THEN 'container gone'
                    WHEN workload.removed_at IS NOT NULL THEN 'workload removed'
                    ELSE 'a later run ended without it' END AS because
        FROM detection_location AS place JOIN detection ON detection.id = place.detection_id
        JOIN workload ON workload.id = place.workload_id
        WHERE place.gone_at IS NULL AND NOT EXISTS (
            SELECT FROM container WHERE container_id = ANY(place.container_ids)
                                    AND container.cluster_id = detection.cluster_id
                                    AND container.removed_at IS NULL AND container.state <> 'terminated')
          AND (NOT {_COMES_BACK} OR workload.removed_at IS NOT NULL OR {_RAN_WITHOUT})
        ORDER BY detection.id FOR NO KEY UPDATE OF detection SKIP LOCKED
    )
    UPDATE detection_location AS place SET gone_at = coalesce(gone.at, now()), gone_because = gone.because
    FROM gone WHERE gone.id = place.id
    RETURNING gone.detection_id
    """  # noqa: S608 - constants
)

OPEN_BY_SEVERITY = """
    SELECT ARRAY[count(*) FILTER (WHERE severity = 'Critical'), count(*) FILTER (WHERE severity = 'High'),
                 count(*) FILTER (WHERE severity = 'Medium'), count(*) FILTER (WHERE severity = 'Low'),
                 count(*) FILTER (WHERE severity = 'Unknown')]::integer[]
    FROM detection
    WHERE detection.workload_id = placement.workload_id AND detection.image_tag_id = placement.image_tag_id
      AND detection.status <> 'resolved' AND detection.exception_id IS NULL
"""
"""SQL: how many detections of a row `placement` are open, by severity, the worst first."""

_CHANGED = text(
    f"""
    SELECT id, workload_id FROM detection
    WHERE workload_id IS NOT NULL AND id = ANY(:ids) AND (id = ANY(:moved) OR EXISTS (
        SELECT FROM placement WHERE placement.workload_id = detection.workload_id
                                AND placement.image_tag_id = detection.image_tag_id
                                AND placement.detections <> ({OPEN_BY_SEVERITY})))
    ORDER BY id
    """  # noqa: S608 - constants
)


async def open_locations(connection: AsyncConnection, fired: Sequence[Mapping[str, Any]]) -> set[int]:
    """Open the locations of detections that happened; returns the detections that were not live before.

    `fired` are their ids with `container_ids` and `first_at`, in which and since when they happened this time.
    """
    rows = await connection.execute(_OPEN, {"rows": msgspec.json.encode(fired).decode()})
    return {row.detection_id for row in rows if row.opened}


async def reopen_location(connection: AsyncConnection, detection_id: int) -> None:
    """A person says that a detection is not resolved: it is live again, where its containers still are."""
    await connection.execute(_OPEN_AGAIN, {"id": detection_id})


async def close_resolved(connection: AsyncConnection, detection_id: int, because: str) -> None:
    """A person says that a detection is dealt with."""
    await connection.execute(_CLOSE_RESOLVED, {"id": detection_id, "because": because})


async def close_covered(connection: AsyncConnection, detection_ids: Sequence[int]) -> None:
    """Close the locations of those detections that an exception covers now."""
    await connection.execute(_CLOSE_COVERED, {"ids": list(detection_ids)})


async def close_gone(connection: AsyncConnection) -> None:
    """Close locations of which no container is there any more."""
    gone = list((await connection.execute(_CLOSE_GONE)).scalars())
    await tell_changed(connection, gone, gone)


async def tell_changed(connection: AsyncConnection, detection_ids: Sequence[int], moved: Collection[int]) -> None:
    """Record `DetectionChanged` for those that `moved`, and those that lists do not count as they are."""
    if detection_ids:
        rows = await connection.execute(_CHANGED, {"ids": list(detection_ids), "moved": list(moved)})
        await record_events(connection, [changed(row) for row in rows])


def changed(row: Row[Any]) -> NewEvent:
    """The event that tells of a detection (`id`, `workload_id`); its row lock is held."""
    return NewEvent(EventType.DETECTION_CHANGED, f"detection:{row.id}", {"workload_id": row.workload_id})
