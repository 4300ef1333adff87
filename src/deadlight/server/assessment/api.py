"""The console's endpoints."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from deadlight.server.assessment.changes import iter_changes
from deadlight.server.assessment.image_owners import ImageOwnersOut, build_owners
from deadlight.server.assessment.image_page import (
    build_detail,
    build_rows,
    list_findings,
    list_image_workloads,
    list_packages,
)
from deadlight.server.assessment.image_tags import list_image_tags
from deadlight.server.assessment.images_schemas import ImageTagQuery
from deadlight.server.assessment.live_index import LiveDep
from deadlight.server.assessment.schemas import (
    FindingRow,
    ImageTagDetail,
    ImageTagList,
    PackageRow,
    WorkloadRow,
)
from deadlight.server.auth.requests import Viewer
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["live assessment"])


@router.get("/image-tags", operation_id="listLiveImageTags")
async def get_image_tags(
    query: Annotated[ImageTagQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> ImageTagList:
    """Image tags that run now, or ran within the period, riskiest first."""
    async with services.engine.connect() as connection:
        page = await list_image_tags(
            connection, live, query.image_filter(), order=query.order, limit=query.limit, next_key=query.next_key
        )
        rows = await build_rows(connection, page.ids, query.period)
    return ImageTagList(image_tags=rows, total=page.total, next_key=page.next_key)


@router.get("/image-tags/{image_tag_id}", operation_id="getImageTag")
async def get_image_tag(image_tag_id: int, _: Viewer, services: ServicesDep) -> ImageTagDetail:
    """An image tag with its verdict."""
    async with services.engine.connect() as connection:
        return await build_detail(connection, image_tag_id)


@router.get("/image-tags/{image_tag_id}/workloads", operation_id="listImageTagWorkloads")
async def get_workloads(image_tag_id: int, _: Viewer, services: ServicesDep) -> list[WorkloadRow]:
    """The workloads that run it, and who deployed them."""
    async with services.engine.connect() as connection:
        return await list_image_workloads(connection, image_tag_id)


@router.get("/image-tags/{image_tag_id}/owners", operation_id="getImageTagOwners")
async def get_owners(image_tag_id: int, _: Viewer, services: ServicesDep) -> ImageOwnersOut:
    """Who built, pushed, deployed and is responsible for it, each with its confidence, or what to connect."""
    async with services.engine.connect() as connection:
        return await build_owners(connection, image_tag_id)


@router.get("/image-tags/{image_tag_id}/packages", operation_id="listImageTagPackages")
async def get_packages(image_tag_id: int, _: Viewer, services: ServicesDep) -> list[PackageRow]:
    """Its packages, and which of them were seen in use."""
    async with services.engine.connect() as connection:
        return await list_packages(connection, image_tag_id)


@router.get("/image-tags/{image_tag_id}/vulnerabilities", operation_id="listImageTagVulnerabilities")
async def get_vulnerabilities(image_tag_id: int, _: Viewer, services: ServicesDep) -> list[FindingRow]:
    """Its vulnerabilities by package."""
    async with services.engine.connect() as connection:
        return await list_findings(connection, image_tag_id)


@router.get("/changes", operation_id="followChanges", response_class=StreamingResponse)
async def get_changes(_: Viewer, services: ServicesDep) -> StreamingResponse:
    """Server-sent events: each names the kinds of things that changed, for pages to ask again."""

    async def stream() -> AsyncIterator[str]:
        yield ": connected\n\n"
        async for kinds in iter_changes(services.listener):
            yield f"event: changed\ndata: {kinds}\n\n" if kinds else ": quiet\n\n"

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)
