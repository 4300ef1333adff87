"""Endpoints of the list of images: its rows, what is counted above it and what its filters offer."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from deadlight.server.assessment.export import iter_export, select_for_export
from deadlight.server.assessment.facets import list_facet_values
from deadlight.server.assessment.images import list_images, summarise_images
from deadlight.server.assessment.images_schemas import (
    ExportQuery,
    Facet,
    FacetQuery,
    FacetValues,
    ImageList,
    ImageQuery,
    ImageSummary,
    LiveQuery,
)
from deadlight.server.assessment.live_index import LiveDep
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/images", tags=["live assessment"])


@router.get("", operation_id="listLiveImages")
async def get_images(
    query: Annotated[ImageQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> ImageList:
    """Images that run now, or ran within the period; each row speaks of its riskiest tag."""
    async with autocommit(services.engine) as connection:
        return await list_images(
            connection, live, query.image_filter(), order=query.order, limit=query.limit, next_key=query.next_key
        )


@router.get("/summary", operation_id="getLiveImageSummary")
async def get_summary(
    query: Annotated[LiveQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> ImageSummary:
    """How many images meet the filters, and how many have each risk."""
    async with autocommit(services.engine) as connection:
        return await summarise_images(connection, live, query.image_filter())


@router.get("/export", operation_id="exportLiveImages", response_class=StreamingResponse)
async def get_export(
    query: Annotated[ExportQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> StreamingResponse:
    """Every image tag that meets the filters, as a file."""
    ids = await select_for_export(services.engine, live, query.image_filter())
    content = iter_export(services.engine, ids, query.period, query.format)
    headers = {"content-disposition": f'attachment; filename="images.{query.format}"', "cache-control": "no-store"}
    return StreamingResponse(content, media_type=query.format.media_type, headers=headers)


@router.get("/facets/{facet}", operation_id="listLiveImageFacet")
async def get_facet(
    facet: Facet, query: Annotated[FacetQuery, Query()], _: Viewer, services: ServicesDep, live: LiveDep
) -> FacetValues:
    """What a filter offers to choose from, within the other filters."""
    async with autocommit(services.engine) as connection:
        return await list_facet_values(connection, live, facet, query.image_filter(), query.text)
