"""Endpoints of the lists of workloads and processes, and of their pages."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from deadlight.server.assessment.export import ExportFormat, iter_file
from deadlight.server.assessment.images_schemas import ExportQuery, LiveQuery
from deadlight.server.assessment.live_index import LiveDep
from deadlight.server.assessment.process_page import build_process, list_accessed_files, list_process_findings
from deadlight.server.assessment.processes import list_processes, list_workload_processes, summarise_processes
from deadlight.server.assessment.workload_export import (
    PROCESS_COLUMNS,
    WORKLOAD_COLUMNS,
    Rows,
    check_size,
    iter_processes,
    iter_workloads,
)
from deadlight.server.assessment.workload_page import build_workload
from deadlight.server.assessment.workload_schemas import (
    AccessedFile,
    LiveProcess,
    LiveProcessList,
    LiveSummary,
    LiveWorkloadList,
    ProcessDetail,
    ProcessFinding,
    ProcessQuery,
    WorkloadDetail,
    WorkloadQuery,
)
from deadlight.server.assessment.workloads import list_workloads, summarise_workloads
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["live assessment"])

RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/workloads", operation_id="listLiveWorkloads")
async def get_workloads(
    query: Annotated[WorkloadQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> LiveWorkloadList:
    """Workloads that run now, or ran within the period, riskiest first."""
    async with autocommit(services.engine) as connection:
        page = await list_workloads(
            connection, live, query.image_filter(), order=query.order, limit=query.limit, next_key=query.next_key
        )
    return LiveWorkloadList(workloads=list(page.rows), total=page.total, next_key=page.next_key)


@router.get("/workloads/summary", operation_id="getLiveWorkloadSummary")
async def get_workload_summary(
    query: Annotated[LiveQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> LiveSummary:
    """How many workloads meet the filters, and how many have each risk."""
    async with autocommit(services.engine) as connection:
        return await summarise_workloads(connection, live, query.image_filter())


@router.get("/workloads/export", operation_id="exportLiveWorkloads", response_class=StreamingResponse)
async def get_workload_export(
    query: Annotated[ExportQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> StreamingResponse:
    """Every workload that meets the filters, as a file."""
    wanted = query.image_filter()
    async with autocommit(services.engine) as connection:
        check_size((await summarise_workloads(connection, live, wanted)).matching)
    return _file("workloads", WORKLOAD_COLUMNS, iter_workloads(services.engine, live, wanted), query.format)


def _file(name: str, columns: Sequence[str], rows: AsyncIterator[Rows], file_format: ExportFormat) -> StreamingResponse:
    headers = {"content-disposition": f'attachment; filename="{name}.{file_format}"', "cache-control": "no-store"}
    content = iter_file(columns, rows, file_format)
    return StreamingResponse(content, media_type=file_format.media_type, headers=headers)


@router.get("/workloads/{workload_id}", operation_id="getLiveWorkload")
async def get_workload(workload_id: RowId, _: Viewer, services: ServicesDep, live: LiveDep) -> WorkloadDetail:
    """A workload with its images and pods."""
    async with autocommit(services.engine) as connection:
        return await build_workload(connection, live, workload_id)


@router.get("/workloads/{workload_id}/processes", operation_id="listWorkloadProcesses")
async def get_workload_processes(
    workload_id: RowId, _: Viewer, services: ServicesDep, live: LiveDep
) -> list[LiveProcess]:
    """What sensors saw it execute, riskiest first."""
    async with autocommit(services.engine) as connection:
        return (await list_workload_processes(connection, live, [workload_id]))[workload_id]


@router.get("/processes", operation_id="listLiveProcesses")
async def get_processes(
    query: Annotated[ProcessQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> LiveProcessList:
    """What workloads that run now, or ran within the period, execute, riskiest first."""
    async with autocommit(services.engine) as connection:
        return await list_processes(
            connection, live, query.image_filter(), order=query.order, limit=query.limit, next_key=query.next_key
        )


@router.get("/processes/summary", operation_id="getLiveProcessSummary")
async def get_process_summary(
    query: Annotated[LiveQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> LiveSummary:
    """How many processes meet the filters, and how many have each risk."""
    async with autocommit(services.engine) as connection:
        return await summarise_processes(connection, live, query.image_filter())


@router.get("/processes/export", operation_id="exportLiveProcesses", response_class=StreamingResponse)
async def get_process_export(
    query: Annotated[ExportQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> StreamingResponse:
    """Every process that meets the filters, as a file."""
    wanted = query.image_filter()
    async with autocommit(services.engine) as connection:
        check_size((await summarise_processes(connection, live, wanted)).matching)
    return _file("processes", PROCESS_COLUMNS, iter_processes(services.engine, live, wanted), query.format)


@router.get("/processes/{image_tag_id}/{program_id}", operation_id="getLiveProcess")
async def get_process(
    image_tag_id: RowId, program_id: UUID, _: Viewer, services: ServicesDep, live: LiveDep
) -> ProcessDetail:
    """A program with its arguments in an image, with the workloads that execute it."""
    async with autocommit(services.engine) as connection:
        return await build_process(connection, live, image_tag_id, program_id)


@router.get("/processes/{image_tag_id}/{program_id}/vulnerabilities", operation_id="listProcessVulnerabilities")
async def get_process_vulnerabilities(
    image_tag_id: RowId, program_id: UUID, _: Viewer, services: ServicesDep, live: LiveDep
) -> list[ProcessFinding]:
    """Vulnerabilities of the packages it was seen to use."""
    async with autocommit(services.engine) as connection:
        return await list_process_findings(connection, live, image_tag_id, program_id)


@router.get("/processes/{image_tag_id}/{program_id}/files", operation_id="listAccessedFiles")
async def get_accessed_files(
    image_tag_id: RowId, program_id: UUID, _: Viewer, services: ServicesDep, live: LiveDep
) -> list[AccessedFile]:
    """Files that it was seen to open or to map as code."""
    async with autocommit(services.engine) as connection:
        return await list_accessed_files(connection, live, image_tag_id, program_id)
