"""The public Runtime API, in the documented shapes, so that existing clients work unchanged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import ImageOrder, WorkloadOrder
from deadlight.model.vulnerability import Applicability
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.image_tags import list_image_tags
from deadlight.server.assessment.live_index import LiveDep
from deadlight.server.assessment.process_page import load_program_findings
from deadlight.server.assessment.processes import list_workload_processes
from deadlight.server.assessment.runtime_schemas import (
    ComponentOut,
    ImageTagOut,
    ImageTagsOut,
    MaliciousPackageOut,
    Pagination,
    ProcessOut,
    RuntimeListRequest,
    ScanInfo,
    VulnerabilityOut,
    WorkloadOut,
    WorkloadRefOut,
    WorkloadsOut,
)
from deadlight.server.assessment.workload_schemas import LiveProcess, LiveWorkload
from deadlight.server.assessment.workloads import WorkloadName, list_workloads
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError
from deadlight.server.findings.image_facts import ImageFacts, list_vulnerabilities, load_image_facts
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/runtime/api/v1", tags=["runtime"])

VULNERABILITIES_LISTED = 1000


class RuntimeWorkloadOrder(StrEnum):
    """What workloads are ordered by, in the documented spellings."""

    NAME = "name"
    CLUSTER = "cluster"
    RUNTIME_STATUS = "runtime_status"
    VULNERABILITIES_COUNT = "vulnerabilties_count"
    REGISTRY = "registry"
    RISKS = "risks"


_WORKLOAD_ORDERS = {
    RuntimeWorkloadOrder.NAME: WorkloadOrder.NAME,
    RuntimeWorkloadOrder.CLUSTER: WorkloadOrder.CLUSTER,
    RuntimeWorkloadOrder.RUNTIME_STATUS: WorkloadOrder.STATUS,
    RuntimeWorkloadOrder.VULNERABILITIES_COUNT: WorkloadOrder.VULNERABILITIES,
    RuntimeWorkloadOrder.REGISTRY: WorkloadOrder.REGISTRY,
    RuntimeWorkloadOrder.RISKS: WorkloadOrder.RISK,
}

_MISSPELT = {"vulnerabilities_count": RuntimeWorkloadOrder.VULNERABILITIES_COUNT.value}
"""The documented spelling lacks a letter; both are taken."""

Order = TypeVar("Order", bound=StrEnum)

_WORKLOADS_OF_IMAGE_TAGS = text(
    """
    SELECT running.image_tag_id, workload.name, workload.namespace, cluster.name AS cluster,
           EXISTS (SELECT FROM container JOIN pod ON pod.id = container.pod_id
                   WHERE pod.workload_id = workload.id AND container.image_tag_id = running.image_tag_id
                     AND container.state = 'running' AND container.removed_at IS NULL) AS is_running
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id,
         unnest(workload.image_tag_ids) AS running(image_tag_id)
    WHERE workload.image_tag_ids && CAST(:image_tag_ids AS bigint[]) AND workload.removed_at IS NULL
      AND running.image_tag_id = ANY(:image_tag_ids)
    ORDER BY workload.name
    """
)


@router.post("/images/tags", operation_id="listImageTags")
async def post_image_tags(body: RuntimeListRequest, _: Viewer, services: ServicesDep, live: LiveDep) -> ImageTagsOut:
    """Image tags that run now, or ran within the time period."""
    limit = body.checked_limit()
    async with autocommit(services.engine) as connection:
        order = _order(ImageOrder, body.order_by or ImageOrder.RISKS)
        page = await list_image_tags(
            connection, live, body.filters.image_filter(), order=order, limit=limit, next_key=body.next_key
        )
        facts = await load_image_facts(connection, page.ids)
        places = (await connection.execute(_WORKLOADS_OF_IMAGE_TAGS, {"image_tag_ids": page.ids})).all()
        image_tags = [
            await _image_tag(connection, facts[id_], [place for place in places if place.image_tag_id == id_])
            for id_ in page.ids
            if id_ in facts
        ]
    return ImageTagsOut(
        total_count=page.total,
        pagination=Pagination(limit=limit, next_key=page.next_key),
        image_tags=image_tags,
    )


def _order(orders: type[Order], name: str) -> Order:
    try:
        return orders(name)
    except ValueError:
        raise BadRequestError(f"order_by should be one of {', '.join(orders)}") from None


async def _image_tag(connection: AsyncConnection, facts: ImageFacts, places: Sequence[Row[Any]]) -> ImageTagOut:
    row = facts.row
    found = await list_vulnerabilities(connection, row.image_id, VULNERABILITIES_LISTED) if row.image_id else []
    return ImageTagOut(
        name=row.repository.rpartition("/")[2],
        tag=row.tag,
        architecture=row.platform.partition("/")[2],
        registry=row.registry,
        repository_path=row.repository,
        runtime_status=_status(running=any(place.is_running for place in places)),
        scan_info=ScanInfo(sca=row.scan_status or "not_scanned"),
        risks=list(facts.risks),
        vulnerabilities=[_vulnerability(item) for item in found if not item.malicious],
        malicious_packages=[
            MaliciousPackageOut(xray_id=item.name, components=_components(item)) for item in found if item.malicious
        ],
        workloads=[
            WorkloadRefOut(name=place.name, namespace=place.namespace, cluster=place.cluster) for place in places
        ],
        image_digest=row.digest,
    )


def _status(*, running: bool) -> str:
    return (RuntimeStatus.RUNNING if running else RuntimeStatus.STOPPED).value


def _vulnerability(row: Row[Any]) -> VulnerabilityOut:
    return VulnerabilityOut(
        cve_id=row.name,
        severity=row.severity,
        cvss_v3=row.cvss_score,
        applicability=row.applicability,
        fix_version=row.fix_version,
        components=_components(row),
    )


def _components(row: Row[Any]) -> list[ComponentOut]:
    return [
        ComponentOut(id=item["component_id"], name=item["name"], version=item["version"]) for item in row.components
    ]


@router.post("/workloads", operation_id="listWorkloads")
async def post_workloads(body: RuntimeListRequest, _: Viewer, services: ServicesDep, live: LiveDep) -> WorkloadsOut:
    """Workloads with their risks and the processes that sensors saw."""
    limit = body.checked_limit()
    order = _WORKLOAD_ORDERS[_order(RuntimeWorkloadOrder, _MISSPELT.get(body.order_by, body.order_by) or "name")]
    async with autocommit(services.engine) as connection:
        page = await list_workloads(
            connection,
            live,
            body.filters.image_filter(),
            named=[WorkloadName(item.name, item.namespace, item.cluster) for item in body.filters.workloads],
            order=order,
            limit=limit,
            next_key=body.next_key,
        )
        processes = await list_workload_processes(connection, live, [row.id for row in page.rows])
        findings = await _findings_of(connection, chain.from_iterable(processes.values()))
    return WorkloadsOut(
        total_count=page.total,
        pagination=Pagination(limit=limit, next_key=page.next_key),
        workloads=[
            _workload(row, [_process(item, findings[_key(item)]) for item in processes[row.id]]) for row in page.rows
        ],
    )


def _key(process: LiveProcess) -> tuple[int, UUID]:
    return process.image_tag_id, process.program_id


async def _findings_of(
    connection: AsyncConnection, processes: Iterable[LiveProcess]
) -> Mapping[tuple[int, UUID], list[Row[Any]]]:
    found: defaultdict[tuple[int, UUID], list[Row[Any]]] = defaultdict(list)
    for row in await load_program_findings(connection, sorted({_key(item) for item in processes})):
        found[row.image_tag_id, row.program_id].append(row)
    return found


def _workload(row: LiveWorkload, processes: list[ProcessOut]) -> WorkloadOut:
    return WorkloadOut(
        name=row.name,
        namespace=row.namespace,
        cluster=row.cluster,
        runtime_status=row.runtime_status,
        nodes=row.nodes,
        architecture=", ".join(row.architectures),
        risks=row.risks,
        vulnerabilities_count=sum((row.severities or {}).values()),
        processes=processes,
    )


def _process(process: LiveProcess, findings: Sequence[Row[Any]]) -> ProcessOut:
    return ProcessOut(
        name=process.name,
        runtime_status=process.runtime_status,
        risks=process.risks,
        vulnerabilities=[_found(name, rows) for name, rows in _by_name(findings, malicious=False)],
        malicious_packages=[
            MaliciousPackageOut(xray_id=name, components=[_component(row) for row in rows])
            for name, rows in _by_name(findings, malicious=True)
        ],
        arguments=process.arguments,
        path=process.path,
        working_directory="",
        process_hash=process.sha256,
        image_digest=process.image_digest,
    )


def _by_name(findings: Iterable[Row[Any]], *, malicious: bool) -> list[tuple[str, list[Row[Any]]]]:
    """Findings by vulnerability, in their order."""
    found: dict[str, list[Row[Any]]] = {}
    for row in findings:
        if row.malicious is malicious:
            found.setdefault(row.name, []).append(row)
    return list(found.items())


def _found(name: str, rows: Sequence[Row[Any]]) -> VulnerabilityOut:
    judged = {Applicability(row.applicability or Applicability.NOT_COVERED) for row in rows}
    return VulnerabilityOut(
        cve_id=name,
        severity=rows[0].severity,
        cvss_v3=rows[0].cvss_score,
        applicability=Applicability.APPLICABLE if Applicability.APPLICABLE in judged else max(judged),
        fix_version=max(row.fix_version for row in rows),
        components=[_component(row) for row in rows],
    )


def _component(row: Row[Any]) -> ComponentOut:
    return ComponentOut(id=row.purl, name=row.package, version=row.version)
