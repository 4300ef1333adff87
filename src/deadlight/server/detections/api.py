"""Endpoints of detections and exceptions, and the one that sensors send to."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from deadlight.model import wire
from deadlight.model.detection import DetectionStatus
from deadlight.server.auth.requests import Operator, Sensor, Viewer, admit, read_message
from deadlight.server.db.engine import autocommit
from deadlight.server.detections.actions import change_status
from deadlight.server.detections.exceptions import add_exception, end_exception, get_exception, list_exceptions
from deadlight.server.detections.intake import take_detections
from deadlight.server.detections.queries import get_detection, list_detections
from deadlight.server.detections.schemas import (
    DetectionDetail,
    DetectionPage,
    DetectionQuery,
    ExceptionIn,
    ExceptionOut,
    StatusIn,
)
from deadlight.server.services import Services, ServicesDep

router = APIRouter(tags=["detections"])

DETECTIONS = "/api/v1/detections"
EXCEPTIONS = "/api/v1/detection-exceptions"


@router.post("/agent/v1/detections", include_in_schema=False)
async def post_detections(request: Request, principal: Sensor, services: ServicesDep) -> Response:
    """Take a batch of detections; answered after commit."""
    batch = await read_message(request, wire.DetectionBatch)
    admit(services.detections, principal, len(batch.detections))
    async with services.engine.begin() as connection:
        ack = await take_detections(connection, principal, batch)
    return Response(msgspec.json.encode(ack), media_type="application/json")


@router.get(DETECTIONS, operation_id="listDetections")
async def get_detections(query: Annotated[DetectionQuery, Query()], _: Viewer, services: ServicesDep) -> DetectionPage:
    """Threats that sensors detected, the last seen first unless asked otherwise."""
    async with autocommit(services.engine) as connection:
        return await list_detections(connection, query)


@router.get(f"{DETECTIONS}/{{detection_id}}", operation_id="getDetection")
async def get_one(detection_id: int, _: Viewer, services: ServicesDep) -> DetectionDetail:
    """A detection with its evidence, what to do about it and what was done."""
    async with autocommit(services.engine) as connection:
        return await get_detection(connection, detection_id)


@router.post(f"{DETECTIONS}/{{detection_id}}/acknowledge", operation_id="acknowledgeDetection")
async def post_acknowledge(
    detection_id: int, body: StatusIn, principal: Operator, services: ServicesDep
) -> DetectionDetail:
    """Say that you take care of it."""
    return await _change(services, detection_id, DetectionStatus.ACKNOWLEDGED, principal.name, body.note)


@router.post(f"{DETECTIONS}/{{detection_id}}/resolve", operation_id="resolveDetection")
async def post_resolve(
    detection_id: int, body: StatusIn, principal: Operator, services: ServicesDep
) -> DetectionDetail:
    """Say that it is dealt with: when it happens again, that is a new detection and alerts."""
    return await _change(services, detection_id, DetectionStatus.RESOLVED, principal.name, body.note)


@router.post(f"{DETECTIONS}/{{detection_id}}/reopen", operation_id="reopenDetection")
async def post_reopen(detection_id: int, body: StatusIn, principal: Operator, services: ServicesDep) -> DetectionDetail:
    """Take back that it is acknowledged or resolved."""
    return await _change(services, detection_id, DetectionStatus.OPEN, principal.name, body.note)


async def _change(
    services: Services, detection_id: int, status: DetectionStatus, actor: str, note: str
) -> DetectionDetail:
    async with services.engine.begin() as connection:
        await change_status(connection, detection_id, status, actor=actor, note=note)
        return await get_detection(connection, detection_id)


@router.get(EXCEPTIONS, operation_id="listDetectionExceptions")
async def get_exceptions(_: Viewer, services: ServicesDep, *, ended: bool = False) -> list[ExceptionOut]:
    """Exceptions, newest first, with how much each suppresses; those that have ended too where asked for."""
    async with autocommit(services.engine) as connection:
        rows = await list_exceptions(connection, ended=ended)
    return [ExceptionOut.model_validate(row, from_attributes=True) for row in rows]


@router.post(EXCEPTIONS, operation_id="addDetectionException", status_code=201)
async def post_exception(body: ExceptionIn, principal: Operator, services: ServicesDep) -> ExceptionOut:
    """Suppress detections that match, those there are and those to come, until a day and for a reason."""
    async with services.engine.begin() as connection:
        id_ = await add_exception(connection, body, principal.name)
        return ExceptionOut.model_validate(await get_exception(connection, id_), from_attributes=True)


@router.delete(f"{EXCEPTIONS}/{{exception_id}}", operation_id="endDetectionException", status_code=204)
async def delete_exception(exception_id: int, principal: Operator, services: ServicesDep) -> None:
    """End an exception before its time; it stays on record."""
    async with services.engine.begin() as connection:
        await end_exception(connection, exception_id, principal.name)
