"""Workloads with their risks and what sensors saw run in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.image_tags import BADGES, CONDITIONS, IMAGES
from deadlight.server.assessment.paging import Number, Ordering, Text

_IMAGES = f"""
    LEFT JOIN LATERAL (
        SELECT max({BADGES}) AS badges, sum(risk.critical) AS critical, min(image_tag.registry) AS registry,
               sum(risk.critical + risk.high + risk.medium + risk.low + risk.unknown) AS vulnerabilities
        FROM {IMAGES} WHERE image_tag.id = ANY(workload.image_tag_ids)) AS images ON true
"""  # noqa: S608 - constants

_CONDITIONS = f"""
    WHERE (workload.removed_at IS NULL OR workload.removed_at > now() - CAST(:period AS interval))
      AND (CAST(:clusters AS text[]) IS NULL OR cluster.name = ANY(:clusters) OR cluster.id::text = ANY(:clusters))
      AND (CAST(:namespaces AS text[]) IS NULL OR workload.namespace = ANY(:namespaces))
      AND (CAST(:wanted AS jsonb) IS NULL OR EXISTS (
            SELECT FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS item(name text, namespace text, cluster text)
            WHERE item.name IN ('', workload.name) AND item.namespace IN ('', workload.namespace)
              AND item.cluster IN ('', cluster.name)))
      AND (NOT :by_image OR EXISTS (
            SELECT FROM {IMAGES} WHERE image_tag.id = ANY(workload.image_tag_ids) AND {CONDITIONS}))
"""  # noqa: S608 - constants

_FROM = "FROM workload JOIN cluster ON cluster.id = workload.cluster_id"
_COUNT = text(f"SELECT count(*) {_FROM} {_CONDITIONS}")
_COLUMNS = """
    workload.*, cluster.name AS cluster,
    (SELECT coalesce(array_agg(DISTINCT pod.node_name ORDER BY pod.node_name), '{}') FROM pod
     WHERE pod.workload_id = workload.id AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes
"""


class WorkloadOrder(StrEnum):
    """What a list is ordered by, in the documented spellings."""

    NAME = "name"
    CLUSTER = "cluster"
    RUNTIME_STATUS = "runtime_status"
    VULNERABILITIES_COUNT = "vulnerabilties_count"
    REGISTRY = "registry"
    RISKS = "risks"


_NAME = ("workload.name", "workload.id")
_STATUS = "CASE WHEN workload.removed_at IS NULL THEN workload.status ELSE 'stopped' END"
_COUNTED = "CAST(coalesce(images.{}, 0) AS bigint)"
_ORDERINGS = {
    WorkloadOrder.NAME: Ordering("name", _NAME, (Text, Number)),
    WorkloadOrder.CLUSTER: Ordering("cluster", ("cluster.name", *_NAME), (Text, Text, Number)),
    WorkloadOrder.RUNTIME_STATUS: Ordering("runtime_status", (_STATUS, *_NAME), (Text, Text, Number)),
    WorkloadOrder.REGISTRY: Ordering("registry", ("coalesce(images.registry, '')", *_NAME), (Text, Text, Number)),
    WorkloadOrder.VULNERABILITIES_COUNT: Ordering(
        "vulnerabilities", (_COUNTED.format("vulnerabilities"), "workload.id"), (Number, Number), descending=True
    ),
    WorkloadOrder.RISKS: Ordering(
        "risks",
        (_COUNTED.format("badges"), _COUNTED.format("critical"), "workload.id"),
        (Number, Number, Number),
        descending=True,
    ),
}
_PAGES = {
    (order, after): text(_ORDERINGS[order].page(_COLUMNS, f"{_FROM} {_IMAGES} {_CONDITIONS}", after=after))
    for order in WorkloadOrder
    for after in (False, True)
}

# One row per program and arguments; the newest sighting says whether it still runs.
_PROCESSES = text(
    """
    SELECT pod.workload_id, observation.process, observation.path, observation.arguments,
           max(observation.last_at) AS last_at, bool_or(observation.changed) AS changed,
           bool_or(container.state = 'running' AND container.removed_at IS NULL) AS running,
           min(image_tag.digest) AS image_digest
    FROM observation
    JOIN container ON container.container_id = observation.container_id
                  AND container.cluster_id = observation.cluster_id
    JOIN pod ON pod.id = container.pod_id
    LEFT JOIN image_tag ON image_tag.id = container.image_tag_id
    WHERE pod.workload_id = ANY(:workload_ids) AND observation.grade = 'executed'
    GROUP BY pod.workload_id, observation.process, observation.path, observation.arguments
    ORDER BY pod.workload_id, observation.path
    LIMIT 2000
    """
)


@dataclass(frozen=True, slots=True)
class WorkloadPage:
    """Rows in order, how many there are in all, and the key of the next page (empty at the end)."""

    rows: Sequence[Row[Any]]
    total: int
    next_key: str


async def list_workloads(
    connection: AsyncConnection,
    wanted: ImageFilter,
    *,
    workloads: str | None,
    order: WorkloadOrder,
    limit: int,
    next_key: str,
) -> WorkloadPage:
    """A page of workloads; `workloads` is JSON of the names asked for. Those with an image that meets the filter.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    ordering = _ORDERINGS[order]
    parameters = wanted.parameters() | {"wanted": workloads, "by_image": wanted.is_about_images, "limit": limit + 1}
    if next_key:
        parameters |= ordering.bounds(next_key)
    total = (await connection.execute(_COUNT, parameters)).scalar_one()
    rows = (await connection.execute(_PAGES[order, bool(next_key)], parameters)).all()
    more = len(rows) > limit
    return WorkloadPage(rows[:limit], total, ordering.key(rows[limit - 1]) if more else "")


async def list_processes(connection: AsyncConnection, workload_ids: Sequence[int]) -> Mapping[int, list[Row[Any]]]:
    """What sensors saw executed, by workload."""
    processes: dict[int, list[Row[Any]]] = {workload_id: [] for workload_id in workload_ids}
    for row in await connection.execute(_PROCESSES, {"workload_ids": list(workload_ids)}):
        processes[row.workload_id].append(row)
    return processes
