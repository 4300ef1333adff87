"""The public Runtime API, in the documented shapes, so that existing clients work unchanged."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.risk import Risk
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.image_tags import ImageOrder, list_image_tags
from deadlight.server.assessment.live_index import LiveDep
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
from deadlight.server.assessment.workloads import WorkloadOrder, list_processes, list_workloads
from deadlight.server.auth.requests import Viewer
from deadlight.server.errors import BadRequestError
from deadlight.server.findings.image_facts import ImageFacts, list_vulnerabilities, load_image_facts
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/runtime/api/v1", tags=["runtime"])

VULNERABILITIES_LISTED = 1000

_ORDER_ALIASES = {"vulnerabilities_count": WorkloadOrder.VULNERABILITIES_COUNT.value}
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
    async with services.engine.connect() as connection:
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
    return [ComponentOut.model_validate(item) for item in row.components]


@router.post("/workloads", operation_id="listWorkloads")
async def post_workloads(body: RuntimeListRequest, _: Viewer, services: ServicesDep) -> WorkloadsOut:
    """Workloads with their risks and the processes that sensors saw."""
    limit = body.checked_limit()
    order = _order(WorkloadOrder, _ORDER_ALIASES.get(body.order_by, body.order_by) or WorkloadOrder.NAME)
    wanted = [item.model_dump() for item in body.filters.workloads]
    names = msgspec.json.encode(wanted).decode() if wanted else None
    async with services.engine.connect() as connection:
        page = await list_workloads(
            connection,
            body.filters.image_filter(),
            workloads=names,
            order=order,
            limit=limit,
            next_key=body.next_key,
        )
        image_tag_ids = {image_tag_id for row in page.rows for image_tag_id in row.image_tag_ids}
        facts = await load_image_facts(connection, sorted(image_tag_ids))
        processes = await list_processes(connection, [row.id for row in page.rows])
    return WorkloadsOut(
        total_count=page.total,
        pagination=Pagination(limit=limit, next_key=page.next_key),
        workloads=[
            _workload(row, [facts[id_] for id_ in row.image_tag_ids if id_ in facts], processes[row.id])
            for row in page.rows
        ],
    )


def _workload(row: Row[Any], images: Sequence[ImageFacts], processes: Sequence[Row[Any]]) -> WorkloadOut:
    risks = {risk for image in images for risk in image.risks}
    return WorkloadOut(
        name=row.name,
        namespace=row.namespace,
        cluster=row.cluster,
        runtime_status=(RuntimeStatus.STOPPED.value if row.removed_at else row.status),
        nodes=list(row.nodes),
        architecture=", ".join(sorted({image.row.platform.partition("/")[2] for image in images})),
        risks=[risk for risk in Risk if risk in risks],
        vulnerabilities_count=sum(sum((image.severities or {}).values()) for image in images),
        processes=[_process(item) for item in processes],
    )


def _process(row: Row[Any]) -> ProcessOut:
    return ProcessOut(
        name=row.process,
        runtime_status=_status(running=row.running),
        risks=[],
        vulnerabilities=[],
        malicious_packages=[],
        arguments=" ".join(row.arguments[1:]),
        path=row.path,
        process_hash="",
        image_digest=row.image_digest or "",
    )
