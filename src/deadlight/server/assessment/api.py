"""The console's endpoints."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from deadlight.server.assessment.changes import iter_changes
from deadlight.server.assessment.image_page import build_rows
from deadlight.server.assessment.image_tags import list_image_tags
from deadlight.server.assessment.images_schemas import ImageTagQuery
from deadlight.server.assessment.live_index import LiveDep
from deadlight.server.assessment.schemas import ImageTagList
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["live assessment"])


@router.get("/image-tags", operation_id="listLiveImageTags")
async def get_image_tags(
    query: Annotated[ImageTagQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> ImageTagList:
    """Image tags that run now, or ran within the period, riskiest first."""
    async with autocommit(services.engine) as connection:
        page = await list_image_tags(
            connection, live, query.image_filter(), order=query.order, limit=query.limit, next_key=query.next_key
        )
        rows = await build_rows(connection, page.ids, query.period)
    return ImageTagList(image_tags=rows, total=page.total, next_key=page.next_key)


@router.get("/changes", operation_id="followChanges", response_class=StreamingResponse)
async def get_changes(_: Viewer, services: ServicesDep) -> StreamingResponse:
    """Server-sent events: each names the kinds of things that changed, for pages to ask again."""

    async def stream() -> AsyncIterator[str]:
        yield ": connected\n\n"
        async for kinds in iter_changes(services.listener):
            yield f"event: changed\ndata: {kinds}\n\n" if kinds else ": quiet\n\n"

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)
