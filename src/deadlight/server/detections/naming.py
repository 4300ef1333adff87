"""Naming what was told of without its workload, once somebody knows that.

It becomes the workload's detection: what happens again is that one, and nobody is alerted a second time.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.detections.exceptions import judge_detections
from deadlight.server.detections.exposure import open_locations, tell_changed
from deadlight.server.detections.places import STRANGER, Place, detection_key
from deadlight.server.inventory.elsewhere import IS_HERE

_NAMELESS = text(
    f"""
    SELECT detection.id, detection.cluster_id, detection.rule, detection.program, detection.container_id,
           workload.id AS workload_id, container.image_tag_id
    FROM detection
    JOIN container ON container.container_id = detection.container_id AND container.cluster_id = detection.cluster_id
    JOIN pod ON pod.id = container.pod_id JOIN workload ON workload.id = pod.workload_id
    WHERE starts_with(detection.subject, :stranger) AND detection.container_id <> '' AND detection.workload = ''
      AND detection.status <> 'resolved' AND container.image_tag_id IS NOT NULL
      AND (CAST(:subjects AS text[]) IS NULL OR detection.subject = ANY(:subjects))
      AND {IS_HERE.format(told="detection")}
    ORDER BY detection.cluster_id, detection.key FOR UPDATE OF detection
    """  # noqa: S608 - constants
)

# Where the workload has one already, both were told of: this one stays itself, with the names.
_NAME = text(
    """
    UPDATE detection SET workload_id = workload.id, image_tag_id = image_tag.id,
           namespace = workload.namespace, workload = workload.name, pod = pod.name, container = container.name,
           workload_kind = coalesce(nullif(workload.kind_name, ''), workload.kind),
           image = image_tag.registry || '/' || image_tag.repository || coalesce(':' || nullif(image_tag.tag, ''), '')
                   || coalesce('@' || nullif(image_tag.pinned_digest, ''), ''),
           repository = image_tag.registry || '/' || image_tag.repository,
           subject = coalesce(CASE WHEN other.id IS NULL THEN row.subject END, detection.subject),
           key = coalesce(CASE WHEN other.id IS NULL THEN row.key END, detection.key)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id bigint, cluster_id uuid, container_id text, subject text,
                                                         key uuid)
    JOIN container ON container.container_id = row.container_id AND container.cluster_id = row.cluster_id
    JOIN pod ON pod.id = container.pod_id JOIN workload ON workload.id = pod.workload_id
    JOIN image_tag ON image_tag.id = container.image_tag_id
    LEFT JOIN detection AS other ON other.cluster_id = row.cluster_id AND other.key = row.key
                                AND other.status <> 'resolved'
    WHERE detection.id = row.id
    RETURNING detection.id, ARRAY[detection.container_id] AS container_ids, detection.first_at
    """
)


async def name_late(connection: AsyncConnection, container_ids: Sequence[str] | None = None) -> None:
    """Name the detections of these containers, or of all.

    They are live where they happened, unless people excepted them by those names.
    """
    subjects = None if container_ids is None else [f"{STRANGER}{name}" for name in container_ids]
    rows = (await connection.execute(_NAMELESS, {"stranger": STRANGER, "subjects": subjects})).all()
    if rows:
        names = msgspec.json.encode(list(_named(rows))).decode()
        named = [dict(row._mapping) for row in await connection.execute(_NAME, {"rows": names})]  # noqa: SLF001 - public
        await judge_detections(connection, ids := [row["id"] for row in named])
        opened = await open_locations(connection, named)
        await tell_changed(connection, ids, opened)


def _named(rows: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """What each becomes; of several that become the same only the first does."""
    taken: set[tuple[UUID, UUID]] = set()
    for row in rows:
        subject = Place(row.cluster_id, row.container_id, row.workload_id, row.image_tag_id).subject
        key = detection_key(row.rule, subject, row.program)
        known = {"id": row.id, "cluster_id": row.cluster_id, "container_id": row.container_id}
        if (row.cluster_id, key) not in taken:
            known |= {"subject": subject, "key": key}
        taken.add((row.cluster_id, key))
        yield known
