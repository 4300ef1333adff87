"""Reading workers and alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.errors import BadRequestError, NotFoundError
from deadlight.server.tables.workers import delivery

_WORKERS = text(
    """
    SELECT worker.*,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'type', type, 'label', label) ORDER BY id), '[]')
            FROM destination WHERE destination.worker_id = worker.id) AS destinations,
           count(alert.id) FILTER (WHERE alert.status = 'delivered') AS delivered,
           count(alert.id) FILTER (WHERE alert.status = 'pending') AS pending,
           count(alert.id) FILTER (WHERE alert.status = 'dead') AS dead,
           count(alert.id) FILTER (WHERE alert.status = 'suppressed') AS suppressed
    FROM worker LEFT JOIN alert ON alert.worker_id = worker.id
    WHERE CAST(:worker_id AS bigint) IS NULL OR worker.id = :worker_id
    GROUP BY worker.id ORDER BY worker.name
    """
)

_ALERTS = text(
    """
    SELECT alert.*, worker.name AS worker, destination.label AS destination, destination.type AS destination_type
    FROM alert JOIN worker ON worker.id = alert.worker_id JOIN destination ON destination.id = alert.destination_id
    WHERE (CAST(:worker_id AS bigint) IS NULL OR alert.worker_id = :worker_id)
      AND (CAST(:status AS text) IS NULL OR alert.status = :status)
      AND (CAST(:before AS timestamptz) IS NULL OR (alert.created_at, alert.id) < (:before, CAST(:before_id AS uuid)))
      AND (CAST(:alert_id AS uuid) IS NULL OR alert.id = :alert_id)
    ORDER BY alert.created_at DESC, alert.id DESC LIMIT :limit
    """
)


async def list_workers(connection: AsyncConnection, worker_id: int | None = None) -> Sequence[Row[Any]]:
    """Workers by name, or the one."""
    return (await connection.execute(_WORKERS, {"worker_id": worker_id})).all()


async def list_alerts(
    connection: AsyncConnection, *, worker_id: int | None, status: str | None, next_key: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Alerts, newest first, after the key of the last one seen; raises BadRequestError for a key of nobody's making."""
    before, before_id = _parse_key(next_key) if next_key else (None, None)
    parameters = {
        "worker_id": worker_id,
        "status": status,
        "before": before,
        "before_id": before_id,
        "alert_id": None,
        "limit": limit,
    }
    return (await connection.execute(_ALERTS, parameters)).all()


def _parse_key(key: str) -> tuple[datetime, UUID]:
    created_at, _, alert_id = key.partition("~")
    try:
        return datetime.fromisoformat(created_at), UUID(alert_id)
    except ValueError:
        raise BadRequestError("next_key is not one of ours: start again without it") from None


def alert_key(row: Row[Any]) -> str:
    """What continues a list after this row."""
    return f"{row.created_at.isoformat()}~{row.id}"


async def get_alert(connection: AsyncConnection, alert_id: UUID) -> tuple[Row[Any], Sequence[Row[Any]]]:
    """An alert with its attempts; raises NotFoundError."""
    parameters = dict.fromkeys(("worker_id", "status", "before", "before_id")) | {"alert_id": alert_id, "limit": 1}
    row = (await connection.execute(_ALERTS, parameters)).first()
    if row is None:
        raise NotFoundError("no such alert")
    query = select(delivery).where(delivery.c.alert_id == alert_id).order_by(delivery.c.id)
    return row, (await connection.execute(query)).all()
