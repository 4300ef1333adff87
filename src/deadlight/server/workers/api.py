"""Endpoints for workers and what they sent."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Row

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.auth.requests import Operator, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import NotFoundError
from deadlight.server.services import ServicesDep
from deadlight.server.workers.queries import alert_key, get_alert, list_alerts, list_workers
from deadlight.server.workers.samples import sample_data
from deadlight.server.workers.schemas import (
    AlertDetail,
    AlertOut,
    AlertPage,
    DeliveryOut,
    EventTypeOut,
    TestRequest,
    TestSent,
    WorkerIn,
    WorkerOut,
)
from deadlight.server.workers.service import change_worker, redeliver, remove_worker, save_worker, send_test
from deadlight.server.workers.text import title

router = APIRouter(prefix="/api/v1", tags=["workers"])

DESCRIPTIONS = {
    EventType.WORKLOAD_CHANGED: "A workload appeared or went, or its status or the images it runs changed.",
    EventType.INTEGRITY_VIOLATION_DETECTED: "A workload runs an image that does not match its registry.",
    EventType.INTEGRITY_VIOLATION_CLOSED: "A workload no longer runs an image that violates integrity.",
    EventType.UNTRUSTED_REGISTRY_DETECTED: "A workload runs an image from a registry that is not trusted.",
    EventType.VULNERABILITIES_CHANGED: "Vulnerabilities of a running image came, went or got more urgent.",
    EventType.THREAT_DETECTED: "A sensor detected a threat in a container, and no exception suppresses it.",
}


@router.get("/event-types", operation_id="listEventTypes")
async def get_event_types(_: Viewer) -> list[EventTypeOut]:
    """What workers can listen to, each with a sample."""
    return [
        EventTypeOut(name=item.value, description=DESCRIPTIONS[item], sample=sample_data(item)) for item in ALERTABLE
    ]


@router.get("/workers", operation_id="listWorkers")
async def get_workers(_: Viewer, services: ServicesDep) -> list[WorkerOut]:
    """All workers."""
    async with autocommit(services.engine) as connection:
        return [WorkerOut.model_validate(row, from_attributes=True) for row in await list_workers(connection)]


@router.get("/workers/{worker_id}", operation_id="getWorker")
async def get_worker(worker_id: int, _: Viewer, services: ServicesDep) -> WorkerOut:
    """One worker."""
    async with autocommit(services.engine) as connection:
        rows = await list_workers(connection, worker_id)
    if not rows:
        raise NotFoundError("no such worker")
    return WorkerOut.model_validate(rows[0], from_attributes=True)


@router.post("/workers", operation_id="addWorker", status_code=201)
async def post_worker(body: WorkerIn, _: Operator, services: ServicesDep) -> dict[str, int]:
    """Add a worker."""
    async with services.engine.begin() as connection:
        return {"id": await save_worker(connection, services.cipher, body)}


@router.put("/workers/{worker_id}", operation_id="changeWorker", status_code=204)
async def put_worker(worker_id: int, body: WorkerIn, _: Operator, services: ServicesDep) -> None:
    """Change a worker."""
    async with services.engine.begin() as connection:
        await change_worker(connection, services.cipher, worker_id, body)


@router.delete("/workers/{worker_id}", operation_id="removeWorker", status_code=204)
async def delete_worker(worker_id: int, _: Operator, services: ServicesDep) -> None:
    """Remove a worker."""
    async with services.engine.begin() as connection:
        await remove_worker(connection, worker_id)


@router.post("/workers/{worker_id}/test", operation_id="testWorker", status_code=202)
async def post_test(worker_id: int, body: TestRequest, _: Operator, services: ServicesDep) -> TestSent:
    """Send a sample event to a worker's destinations."""
    async with services.engine.begin() as connection:
        sent = await send_test(connection, worker_id, body.event_type, services.settings.public_url)
    return TestSent(alert_ids=sent)


@router.get("/alerts", operation_id="listAlerts")
async def get_alerts(
    _: Viewer,
    services: ServicesDep,
    worker_id: int | None = None,
    status: Literal["pending", "delivered", "dead", "suppressed"] | None = None,
    next_key: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AlertPage:
    """What workers sent, newest first."""
    async with autocommit(services.engine) as connection:
        rows = await list_alerts(connection, worker_id=worker_id, status=status, next_key=next_key, limit=limit)
    more = alert_key(rows[-1]) if len(rows) == limit else None
    return AlertPage(alerts=[AlertOut(**_fields(row)) for row in rows], next_key=more)


@router.get("/alerts/{alert_id}", operation_id="getAlert")
async def get_alert_detail(alert_id: UUID, _: Viewer, services: ServicesDep) -> AlertDetail:
    """An alert, its body and every attempt to deliver it."""
    async with autocommit(services.engine) as connection:
        row, deliveries = await get_alert(connection, alert_id)
    attempts = [DeliveryOut.model_validate(item, from_attributes=True) for item in deliveries]
    return AlertDetail(**_fields(row), body=row.body, deliveries=attempts)


@router.post("/alerts/{alert_id}/redeliver", operation_id="redeliverAlert", status_code=202)
async def post_redeliver(alert_id: UUID, _: Operator, services: ServicesDep) -> None:
    """Try a dead letter again."""
    async with services.engine.begin() as connection:
        await redeliver(connection, alert_id)


def _fields(row: Row[Any]) -> dict[str, Any]:
    names = [name for name in AlertOut.model_fields if name != "title"]
    return {name: getattr(row, name) for name in names} | {"title": title(row.event_type, row.body["data"])}
