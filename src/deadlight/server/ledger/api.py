"""Endpoints of exposure windows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from deadlight.server.auth.requests import Operator, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.ledger.actions import acknowledge, unacknowledge
from deadlight.server.ledger.queries import get_window, iter_pages, list_windows
from deadlight.server.ledger.schemas import (
    AcknowledgeIn,
    ExportQuery,
    ExposureStatistics,
    IssueOut,
    StatisticsQuery,
    SuppressIn,
    WindowDetail,
    WindowPage,
    WindowQuery,
)
from deadlight.server.ledger.statistics import measure
from deadlight.server.ledger.suppressions import suppress, unsuppress
from deadlight.server.ledger.text import COLUMNS, csv_line, csv_values, issue_text, window_title
from deadlight.server.services import Services, ServicesDep

router = APIRouter(prefix="/api/v1/exposure-windows", tags=["exposure windows"])

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@router.get("", operation_id="listExposureWindows")
async def get_windows(query: Annotated[WindowQuery, Query()], _: Viewer, services: ServicesDep) -> WindowPage:
    """Exposure windows, the newest first unless asked otherwise."""
    async with autocommit(services.engine) as connection:
        return await list_windows(connection, query)


@router.get("/statistics", operation_id="getExposureStatistics")
async def get_statistics(
    query: Annotated[StatisticsQuery, Query()], _: Viewer, services: ServicesDep
) -> ExposureStatistics:
    """How long risks were live, by risk and by team, and over time."""
    async with autocommit(services.engine) as connection:
        return await measure(connection, query, datetime.now(UTC))


@router.get("/export", operation_id="exportExposureWindows", response_class=StreamingResponse)
async def get_export(query: Annotated[ExportQuery, Query()], _: Viewer, services: ServicesDep) -> StreamingResponse:
    """All windows that meet the filters, as CSV or as a JSON array, with Build Owner and Deployed By."""
    lines = _csv(services, query) if query.format == "csv" else _json(services, query)
    headers = {"content-disposition": f'attachment; filename="exposure-windows.{query.format}"'}
    return StreamingResponse(lines, media_type=MEDIA_TYPES[query.format], headers=headers)


async def _csv(services: Services, query: ExportQuery) -> AsyncIterator[str]:
    yield csv_line(COLUMNS)
    async for windows in iter_pages(services.engine, query):
        yield "".join(csv_line(csv_values(window)) for window in windows)


async def _json(services: Services, query: ExportQuery) -> AsyncIterator[str]:
    before = "["
    async for windows in iter_pages(services.engine, query):
        for window in windows:
            yield f"{before}\n{window.model_dump_json()}"
            before = ","
    yield "\n]\n" if before == "," else "[]\n"


@router.get("/{window_id}", operation_id="getExposureWindow")
async def get_one(window_id: int, _: Viewer, services: ServicesDep) -> WindowDetail:
    """A window with everything that was done about it."""
    async with autocommit(services.engine) as connection:
        return await get_window(connection, window_id)


@router.get("/{window_id}/issue", operation_id="getExposureWindowIssue")
async def get_issue(window_id: int, _: Viewer, services: ServicesDep) -> IssueOut:
    """A window as Markdown for a tracking system, with Build Owner and Deployed By."""
    async with autocommit(services.engine) as connection:
        window = await get_window(connection, window_id)
    link = f"{services.settings.public_url.rstrip('/')}/runtime/exposure-windows/{window_id}"
    return IssueOut(title=window_title(window), text=issue_text(window, link, datetime.now(UTC)))


@router.post("/{window_id}/acknowledge", operation_id="acknowledgeExposureWindow")
async def post_acknowledge(
    window_id: int, body: AcknowledgeIn, principal: Operator, services: ServicesDep
) -> WindowDetail:
    """Say that you take care of it."""
    async with services.engine.begin() as connection:
        await acknowledge(connection, window_id, actor=principal.name, note=body.note)
        return await get_window(connection, window_id)


@router.post("/{window_id}/unacknowledge", operation_id="unacknowledgeExposureWindow")
async def post_unacknowledge(window_id: int, principal: Operator, services: ServicesDep) -> WindowDetail:
    """Take an acknowledgement back."""
    async with services.engine.begin() as connection:
        await unacknowledge(connection, window_id, actor=principal.name)
        return await get_window(connection, window_id)


@router.post("/{window_id}/suppress", operation_id="suppressExposureWindow")
async def post_suppress(window_id: int, body: SuppressIn, principal: Operator, services: ServicesDep) -> WindowDetail:
    """Keep the window's risk on its workload quiet until a time, for a reason."""
    async with services.engine.begin() as connection:
        await suppress(connection, window_id, actor=principal.name, reason=body.reason, until=body.until)
        return await get_window(connection, window_id)


@router.post("/{window_id}/unsuppress", operation_id="unsuppressExposureWindow")
async def post_unsuppress(window_id: int, principal: Operator, services: ServicesDep) -> WindowDetail:
    """End a suppression before its time; what is open alerts again."""
    async with services.engine.begin() as connection:
        await unsuppress(connection, window_id, actor=principal.name)
        return await get_window(connection, window_id)
