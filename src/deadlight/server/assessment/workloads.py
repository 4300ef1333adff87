"""Workloads with their risks and what sensors saw run in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.paging import decode_key, encode_key

_MATCHING = """
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE (workload.removed_at IS NULL OR workload.removed_at > now() - CAST(:period AS interval))
      AND (CAST(:clusters AS text[]) IS NULL OR cluster.name = ANY(:clusters) OR cluster.id::text = ANY(:clusters))
      AND (CAST(:namespaces AS text[]) IS NULL OR workload.namespace = ANY(:namespaces))
      AND (CAST(:wanted AS jsonb) IS NULL OR EXISTS (
            SELECT FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS item(name text, namespace text, cluster text)
            WHERE item.name IN ('', workload.name) AND item.namespace IN ('', workload.namespace)
              AND item.cluster IN ('', cluster.name)))
      AND (CAST(:risks AS text[]) IS NULL OR EXISTS (
            SELECT FROM unnest(workload.image_tag_ids) AS running(image_tag_id)
            LEFT JOIN verdict ON verdict.image_tag_id = running.image_tag_id
            LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = running.image_tag_id
            LEFT JOIN image_risk AS risk ON risk.image_id = image_tag_image.image_id
            WHERE 'malicious' = ANY(:risks) AND risk.malicious > 0
               OR 'integrity_violation' = ANY(:risks) AND verdict.violation_type IS NOT NULL
               OR 'critical_applicable_cves' = ANY(:risks) AND risk.critical_applicable > 0
               OR 'untrusted_registry' = ANY(:risks) AND verdict.status = 'Untrusted Registry'))
"""

_COUNT = text(f"SELECT count(*) {_MATCHING}")
_PAGE = text(
    f"""
    SELECT workload.*, cluster.name AS cluster,
           (SELECT coalesce(array_agg(DISTINCT pod.node_name ORDER BY pod.node_name), '{{}}') FROM pod
            WHERE pod.workload_id = workload.id AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes
    {_MATCHING}
      AND (CAST(:after_name AS text) IS NULL OR (workload.name, workload.id) > (:after_name, :after_id))
    ORDER BY workload.name, workload.id LIMIT :limit
    """  # noqa: S608 - constants
)

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
    connection: AsyncConnection, wanted: ImageFilter, workloads: str | None, limit: int, next_key: str
) -> WorkloadPage:
    """A page of workloads by name; `workloads` is JSON of the names asked for. Raises BadRequestError."""
    after = decode_key(next_key, "workloads", (str, int)) if next_key else [None, None]
    parameters = wanted.parameters() | {
        "wanted": workloads,
        "after_name": after[0],
        "after_id": after[1],
        "limit": limit + 1,
    }
    total = (await connection.execute(_COUNT, parameters)).scalar_one()
    rows = (await connection.execute(_PAGE, parameters)).all()
    page = rows[:limit]
    key = encode_key("workloads", [page[-1].name, page[-1].id]) if len(rows) > limit else ""
    return WorkloadPage(page, total, key)


async def list_processes(connection: AsyncConnection, workload_ids: Sequence[int]) -> Mapping[int, list[Row[Any]]]:
    """What sensors saw executed, by workload."""
    processes: dict[int, list[Row[Any]]] = {workload_id: [] for workload_id in workload_ids}
    for row in await connection.execute(_PROCESSES, {"workload_ids": list(workload_ids)}):
        processes[row.workload_id].append(row)
    return processes
