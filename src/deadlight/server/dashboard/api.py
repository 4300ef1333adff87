"""Endpoints of the dashboard."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from deadlight.server.auth.requests import Viewer
from deadlight.server.dashboard.risk_index import RiskIndex
from deadlight.server.dashboard.schemas import FunnelOut
from deadlight.server.dashboard.service import build_funnel
from deadlight.server.db.engine import autocommit
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["dashboard"])


def _risk_index(request: Request) -> RiskIndex:
    return cast(RiskIndex, request.app.state.risk_index)


@router.get("/funnel", operation_id="getFunnel")
async def get_funnel(
    _: Viewer,
    services: ServicesDep,
    index: Annotated[RiskIndex, Depends(_risk_index)],
    cluster: Annotated[list[UUID] | None, Query(max_length=500)] = None,
    namespace: Annotated[list[PlainText] | None, Query(max_length=500)] = None,
) -> FunnelOut:
    """The prioritisation funnel over what runs now."""
    async with autocommit(services.engine) as connection:
        return await build_funnel(connection, index, [str(item) for item in cluster or ()], namespace or ())
