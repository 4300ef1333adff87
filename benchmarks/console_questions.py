"""The questions of `console_queries`: everything the console's lists ask of a fleet, by name."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import numpy as np
from benchmarks.fleet import Fleet
from benchmarks.fleet_runtime import process_name, program_id, program_of
from benchmarks.fleet_store import (
    cluster_name,
    cve_name,
    digest_of,
    namespace_name,
    package_name,
    repository_name,
    tag_name,
    workload_name,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.live_list import ImageOrder, ProcessOrder, TimePeriod, WorkloadOrder
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server.assessment.facets import list_facet_values
from deadlight.server.assessment.filters import Component, ImageFilter
from deadlight.server.assessment.grouping import ImagesOrder
from deadlight.server.assessment.image_contents import list_findings, list_packages
from deadlight.server.assessment.image_page import build_detail, build_rows
from deadlight.server.assessment.image_places import list_image_workloads
from deadlight.server.assessment.image_tags import list_image_tags
from deadlight.server.assessment.images import list_images, summarise_images
from deadlight.server.assessment.images_schemas import Facet
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.process_page import build_process, list_accessed_files, list_process_findings
from deadlight.server.assessment.processes import list_processes, list_workload_processes, summarise_processes
from deadlight.server.assessment.workload_page import build_workload
from deadlight.server.assessment.workloads import list_workloads, summarise_workloads

AFTER_CHANGES = "list after 25 workloads changed"
"""Names that end so are asked after `make_changes`."""

UNFILTERED = "list: riskiest first"
BASELINE = "list by joining tables"

Question = Callable[[AsyncConnection], Awaitable[Any]]

# What the first page of the list costs where nothing is kept in memory: the plainest of its questions.
_BY_JOINING = text(
    """
    WITH tag AS MATERIALIZED (
        SELECT image_tag.registry, image_tag.repository,
               CAST(CASE WHEN risk.malicious > 0 THEN 8 ELSE 0 END
                    + CASE WHEN verdict.violation_type IS NOT NULL THEN 4 ELSE 0 END
                    + CASE WHEN risk.critical_applicable > 0 THEN 2 ELSE 0 END
                    + CASE WHEN verdict.status = 'Untrusted Registry' THEN 1 ELSE 0 END AS bigint) << 32
               | coalesce(risk.critical, 0) << 16 | coalesce(risk.high, 0) AS rank
        FROM image_tag
        LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
        LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
        LEFT JOIN image_risk AS risk ON risk.image_id = image_tag_image.image_id
        WHERE image_tag.id IN (SELECT image_tag_id FROM placement WHERE running)
    )
    SELECT registry, repository, max(rank) AS rank, count(*) AS tags, count(*) OVER () AS total
    FROM tag GROUP BY registry, repository ORDER BY max(rank) DESC, repository, registry LIMIT 50
    """
)

_CHANGE = text("UPDATE placement SET running = NOT running WHERE workload_id = ANY(:workload_ids)")


def filters(fleet: Fleet) -> Mapping[str, ImageFilter]:
    """One of each; values that many have where there are such."""
    _, repository = repository_name(7)
    return {
        "search": ImageFilter(search="service-001"),
        "search that finds nothing": ImageFilter(search="no such image"),
        "period: 10 days": ImageFilter(period=TimePeriod.TEN_DAYS),
        "risk": ImageFilter(risks=[Risk.INTEGRITY_VIOLATION]),
        "severity": ImageFilter(severities=[Severity.CRITICAL]),
        "detection": ImageFilter(detections=[Severity.HIGH]),
        "detection, cluster and severity": ImageFilter(
            detections=[Severity.CRITICAL, Severity.MEDIUM], clusters=[cluster_name(3)], severities=[Severity.HIGH]
        ),
        "CVE": ImageFilter(cves=[_frequent_cve(fleet)]),
        "applicability": ImageFilter(applicabilities=[Applicability.APPLICABLE]),
        "integrity status": ImageFilter(integrity_statuses=[IntegrityStatus.INVALID_IMAGE_SOURCE]),
        "violation type": ImageFilter(violations=[ViolationType.DIGEST_MISMATCH]),
        "image name": ImageFilter(images=[repository]),
        "image tag": ImageFilter(tags=[tag_name(0)]),
        "image digest": ImageFilter(digests=[digest_of("image", 1)]),
        "repository": ImageFilter(repositories=["docker.io"]),
        "architecture": ImageFilter(architectures=["arm64"]),
        "package": ImageFilter(packages=[package_name(9)]),
        "package version": ImageFilter(packages=[package_name(9)], package_versions=["1.4.0"]),
        "component": ImageFilter(components=[Component(package_name(9), "1.4.0")]),
        "process name": ImageFilter(processes=[process_name(1)]),
        "process path": ImageFilter(paths=[f"/usr/bin/{process_name(1)}"]),
        "workload name": ImageFilter(workloads=[workload_name(5)]),
        "workload type": ImageFilter(workload_types=["StatefulSet"]),
        "node": ImageFilter(nodes=["node-00001"]),
        "cluster": ImageFilter(clusters=[cluster_name(3)]),
        "namespace": ImageFilter(namespaces=[namespace_name(0)]),
        "cluster, namespace, severity and search": ImageFilter(
            clusters=[cluster_name(3)], namespaces=[namespace_name(0)], severities=[Severity.HIGH], search="shop"
        ),
    }


def _frequent_cve(fleet: Fleet) -> str:
    """One that very many images have."""
    counts = [0] * fleet.size.vulnerabilities
    for number in fleet.findings.vulnerabilities.tolist():
        counts[number] += 1
    return cve_name(counts.index(max(counts)))


def questions(fleet: Fleet, live: LiveIndex) -> Iterator[tuple[str, Question]]:
    """Everything the console asks, by name."""
    everything = ImageFilter()
    yield BASELINE, lambda connection: connection.execute(_BY_JOINING)
    for order, name in (
        (ImagesOrder.RISK, UNFILTERED),
        (ImagesOrder.VULNERABILITIES, "list: most vulnerabilities first"),
        (ImagesOrder.WORKLOADS, "list: most workloads first"),
        (ImagesOrder.NAME, "list: by name"),
    ):
        yield name, _list(live, everything, order)
    yield "list: second page", _second_page(live)
    yield "quick filters and totals", lambda connection: summarise_images(connection, live, everything)
    yield AFTER_CHANGES, _list(live, everything)
    for name, wanted in filters(fleet).items():
        yield f"filter: {name}", _list(live, wanted)
        yield f"quick filters: {name}", _summary(live, wanted)
    for facet in Facet:
        yield f"facet: {facet.value}", _facet(live, facet, everything, "")
        yield f"facet: {facet.value}, filtered", _facet(live, facet, ImageFilter(severities=[Severity.HIGH]), "1")
    yield from _workload_questions(fleet, live)
    yield from _process_questions(fleet, live)
    yield "tags of an image", _tags(live)
    for detail in (build_detail, list_findings, list_packages, list_image_workloads):
        yield f"detail: {detail.__name__}", _detail(detail)


def _workload_questions(fleet: Fleet, live: LiveIndex) -> Iterator[tuple[str, Question]]:
    for order in WorkloadOrder:
        yield f"workloads: by {order.value}", _workloads(live, ImageFilter(), order)
    yield "workloads: quick filters and totals", lambda connection: summarise_workloads(connection, live, ImageFilter())
    yield f"workloads: {AFTER_CHANGES}", _workloads(live, ImageFilter())
    named = ImageFilter(search=f"{namespace_name(0)}/workload")
    for name, wanted in {**filters(fleet), "namespace and name": named}.items():
        yield f"workloads, filter: {name}", _workloads(live, wanted)
        yield f"workloads, quick filters: {name}", _summary(live, wanted, summarise_workloads)
    yield "detail of a workload", lambda connection: build_workload(connection, live, 77)
    yield "detail of a workload: processes", lambda connection: list_workload_processes(connection, live, [77])


def _process_questions(fleet: Fleet, live: LiveIndex) -> Iterator[tuple[str, Question]]:
    for order in ProcessOrder:
        yield f"processes: by {order.value}", _processes(live, ImageFilter(), order)
    yield "processes: quick filters and totals", lambda connection: summarise_processes(connection, live, ImageFilter())
    yield f"processes: {AFTER_CHANGES}", _processes(live, ImageFilter())
    for name, wanted in filters(fleet).items():
        yield f"processes, filter: {name}", _processes(live, wanted)
        yield f"processes, quick filters: {name}", _summary(live, wanted, summarise_processes)
    tag = _frequent_tag(fleet)
    program = program_id(int(program_of(np.array([tag]), np.array([0]))[0]))
    for detail in (build_process, list_process_findings, list_accessed_files):
        yield f"detail of a process: {detail.__name__}", _detail_of_process(detail, live, tag + 1, program)


def _frequent_tag(fleet: Fleet) -> int:
    """One of the image tags that most containers have, of those whose packages sensors saw in use."""
    return int(np.bincount(fleet.tag_of_container)[::2].argmax()) * 2


def _detail_of_process(
    detail: Callable[[AsyncConnection, LiveIndex, int, UUID], Awaitable[Any]],
    live: LiveIndex,
    image_tag_id: int,
    program: UUID,
) -> Question:
    return lambda connection: detail(connection, live, image_tag_id, program)


def _workloads(live: LiveIndex, wanted: ImageFilter, order: WorkloadOrder = WorkloadOrder.RISK) -> Question:
    return lambda connection: list_workloads(connection, live, wanted, order=order, limit=50, next_key="")


def _processes(live: LiveIndex, wanted: ImageFilter, order: ProcessOrder = ProcessOrder.RISK) -> Question:
    return lambda connection: list_processes(connection, live, wanted, order=order, limit=50, next_key="")


def _list(live: LiveIndex, wanted: ImageFilter, order: ImagesOrder = ImagesOrder.RISK) -> Question:
    return lambda connection: list_images(connection, live, wanted, order=order, limit=50, next_key="")


def _summary(
    live: LiveIndex,
    wanted: ImageFilter,
    summarise: Callable[[AsyncConnection, LiveIndex, ImageFilter], Awaitable[Any]] = summarise_images,
) -> Question:
    return lambda connection: summarise(connection, live, wanted)


def _facet(live: LiveIndex, facet: Facet, wanted: ImageFilter, containing: str) -> Question:
    return lambda connection: list_facet_values(connection, live, facet, wanted, containing)


def _second_page(live: LiveIndex) -> Question:
    key = ""

    async def ask(connection: AsyncConnection) -> None:
        nonlocal key
        page = await list_images(connection, live, ImageFilter(), order=ImagesOrder.RISK, limit=50, next_key=key)
        key = page.next_key

    return ask


async def make_changes(connection: AsyncConnection) -> None:
    """Half a second's: some 300 images of 25 workloads stop or start."""
    await connection.execute(_CHANGE, {"workload_ids": list(range(1, 26))})
    await connection.commit()


def _tags(live: LiveIndex) -> Question:
    wanted = ImageFilter(name="/".join(repository_name(1)))

    async def ask(connection: AsyncConnection) -> None:
        page = await list_image_tags(connection, live, wanted, order=ImageOrder.RISKS, limit=50, next_key="")
        await build_rows(connection, page.ids)

    return ask


def _detail(detail: Callable[[AsyncConnection, int], Awaitable[Any]]) -> Question:
    return lambda connection: detail(connection, 77)
