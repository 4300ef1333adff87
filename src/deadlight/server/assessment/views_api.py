"""Endpoints of saved views."""

from fastapi import APIRouter

from deadlight.server.assessment.saved_views import (
    SavedViewIn,
    SavedViewOut,
    ViewPage,
    add_view,
    change_view,
    list_views,
    remove_view,
)
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/views", tags=["live assessment"])


@router.get("", operation_id="listSavedViews")
async def get_views(page: ViewPage, principal: Viewer, services: ServicesDep) -> list[SavedViewOut]:
    """One's own views of a page, and those that others share."""
    async with autocommit(services.engine) as connection:
        return await list_views(connection, principal, page)


@router.post("", operation_id="addSavedView", status_code=201)
async def post_view(body: SavedViewIn, principal: Viewer, services: ServicesDep) -> SavedViewOut:
    """Save a view for oneself, or shared with everyone."""
    async with services.engine.begin() as connection:
        return await add_view(connection, principal, body)


@router.put("/{view_id}", operation_id="changeSavedView")
async def put_view(view_id: int, body: SavedViewIn, principal: Viewer, services: ServicesDep) -> SavedViewOut:
    """Rename, share or replace a view of one's own."""
    async with services.engine.begin() as connection:
        return await change_view(connection, principal, view_id, body)


@router.delete("/{view_id}", operation_id="removeSavedView", status_code=204)
async def delete_view(view_id: int, principal: Viewer, services: ServicesDep) -> None:
    """Delete a view of one's own; administrators delete shared ones too."""
    async with services.engine.begin() as connection:
        await remove_view(connection, principal, view_id)
