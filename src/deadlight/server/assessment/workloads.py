"""Workloads with their risks and what sensors saw run in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.db.paging import Number, Ordering, Text

# Worst first: malicious, violation, critical and applicable, untrusted; then by what is known to be wrong.
_BADGES = """
    (CASE WHEN risk.malicious > 0 THEN 8 ELSE 0 END
     + CASE WHEN verdict.violation_type IS NOT NULL THEN 4 ELSE 0 END
     + CASE WHEN risk.critical_applicable > 0 THEN 2 ELSE 0 END
     + CASE WHEN verdict.status = 'Untrusted Registry' THEN 1 ELSE 0 END)
"""

_IMAGE = """
    image_tag
    LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image_risk AS risk ON risk.image_id = image_tag_image.image_id
"""

# What an image itself has to meet: the parameters are `_parameters`.
_OF_IMAGE = """
    (CAST(:search AS text) IS NULL
     OR image_tag.registry || '/' || image_tag.repository || ':' || image_tag.tag ILIKE :search
     OR image_tag.digest ILIKE :search)
    AND (CAST(:risks AS text[]) IS NULL
         OR 'malicious' = ANY(:risks) AND risk.malicious > 0
         OR 'integrity_violation' = ANY(:risks) AND verdict.violation_type IS NOT NULL
         OR 'critical_applicable_cves' = ANY(:risks) AND risk.critical_applicable > 0
         OR 'untrusted_registry' = ANY(:risks) AND verdict.status = 'Untrusted Registry')
    AND (CAST(:severities AS text[]) IS NULL
         OR 'Critical' = ANY(:severities) AND risk.critical > 0 OR 'High' = ANY(:severities) AND risk.high > 0
         OR 'Medium' = ANY(:severities) AND risk.medium > 0 OR 'Low' = ANY(:severities) AND risk.low > 0
         OR 'Unknown' = ANY(:severities) AND risk.unknown > 0)
    AND (CAST(:cves AS text[]) IS NULL OR EXISTS (
          SELECT FROM image_package
          JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                                  AND vulnerability_match.closed_at IS NULL
          JOIN advisory_vulnerability USING (advisory_id)
          JOIN vulnerability_alias ON vulnerability_alias.vulnerability_id = advisory_vulnerability.vulnerability_id
          WHERE image_package.image_id = image_tag_image.image_id AND image_package.owner_package_id IS NULL
            AND vulnerability_alias.name = ANY(:cves)))
    AND (CAST(:applicabilities AS text[]) IS NULL OR EXISTS (
          SELECT FROM applicability WHERE applicability.image_id = image_tag_image.image_id
            AND applicability.status = ANY(:applicabilities)))
    AND (CAST(:component_names AS text[]) IS NULL OR EXISTS (
          SELECT FROM image_package JOIN package ON package.id = image_package.package_id
          JOIN unnest(CAST(:component_names AS text[]), CAST(:component_versions AS text[])) AS wanted(name, version)
            ON package.name = wanted.name AND wanted.version IN ('', package.version)
          WHERE image_package.image_id = image_tag_image.image_id))
"""

_IMAGES = f"""
    LEFT JOIN LATERAL (
        SELECT max({_BADGES}) AS badges, sum(risk.critical) AS critical, min(image_tag.registry) AS registry,
               sum(risk.critical + risk.high + risk.medium + risk.low + risk.unknown) AS vulnerabilities
        FROM {_IMAGE} WHERE image_tag.id = ANY(workload.image_tag_ids)) AS images ON true
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
            SELECT FROM {_IMAGE} WHERE image_tag.id = ANY(workload.image_tag_ids) AND {_OF_IMAGE}))
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
    parameters = _parameters(wanted) | {"wanted": workloads, "by_image": wanted.is_about_images, "limit": limit + 1}
    if next_key:
        parameters |= ordering.bounds(next_key)
    total = (await connection.execute(_COUNT, parameters)).scalar_one()
    rows = (await connection.execute(_PAGES[order, bool(next_key)], parameters)).all()
    more = len(rows) > limit
    return WorkloadPage(rows[:limit], total, ordering.key(rows[limit - 1]) if more else "")


def _parameters(wanted: ImageFilter) -> dict[str, Any]:
    """Values for the conditions above; None switches one off."""
    return {
        "search": f"%{_escape_like(wanted.search)}%" if wanted.search else None,
        "clusters": list(wanted.clusters) or None,
        "namespaces": list(wanted.namespaces) or None,
        "period": wanted.period.length,
        "cves": list(wanted.cves) or None,
        "risks": [risk.value for risk in wanted.risks] or None,
        "severities": [severity.value for severity in wanted.severities] or None,
        "applicabilities": [item.value for item in wanted.applicabilities] or None,
        "component_names": [item.name for item in wanted.components] or None,
        "component_versions": [item.version for item in wanted.components] or None,
    }


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def list_processes(connection: AsyncConnection, workload_ids: Sequence[int]) -> Mapping[int, list[Row[Any]]]:
    """What sensors saw executed, by workload."""
    processes: dict[int, list[Row[Any]]] = {workload_id: [] for workload_id in workload_ids}
    for row in await connection.execute(_PROCESSES, {"workload_ids": list(workload_ids)}):
        processes[row.workload_id].append(row)
    return processes
