"""What people do about a detection. Every change of its status is a row that nothing changes any more."""

from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.detection import DetectionStatus
from deadlight.server.detections.exposure import changed, close_gone, close_resolved, reopen_location
from deadlight.server.errors import ConflictError, NotFoundError
from deadlight.server.events.outbox import record_events
from deadlight.server.tables.detections import detection, detection_action

_LOCK = text("SELECT id, status, status_by, cluster_id, key, workload_id FROM detection WHERE id = :id FOR UPDATE")
_SUCCESSOR = text(
    "SELECT id FROM detection WHERE cluster_id = :cluster_id AND key = :key AND status <> 'resolved' AND id <> :id"
)


async def change_status(
    connection: AsyncConnection, detection_id: int, status: DetectionStatus, *, actor: str, note: str
) -> None:
    """Acknowledge a detection, resolve it or open it again. What happens after it was resolved is a new detection.

    Raises:
        NotFoundError: there is no such detection.
        ConflictError: it has this status already; or it cannot be opened again, because it happened again since.
    """
    row = (await connection.execute(_LOCK, {"id": detection_id})).first()
    if row is None:
        raise NotFoundError("no such detection")
    if row.status == status:
        raise ConflictError(f"the detection is {status.value} already" + (f" by {row.status_by}" * bool(row.status_by)))
    if row.status == DetectionStatus.RESOLVED:
        again = {"id": detection_id, "cluster_id": row.cluster_id, "key": row.key}
        successor = (await connection.execute(_SUCCESSOR, again)).scalar_one_or_none()
        if successor is not None:
            raise ConflictError(f"it happened again since and is detection {successor} now: look at that one")
    values = {"status": status.value, "status_by": actor, "status_note": note, "status_at": text("now()")}
    await connection.execute(update(detection).where(detection.c.id == detection_id).values(**values))
    said = {"detection_id": detection_id, "actor": actor, "action": status.value, "note": note}
    await connection.execute(insert(detection_action).values(**said))
    if status is DetectionStatus.RESOLVED:
        await close_resolved(connection, detection_id, f"resolved by {actor}" + (f": {note}" * bool(note)))
    elif row.status == DetectionStatus.RESOLVED:
        await reopen_location(connection, detection_id)
        await close_gone(connection)
    if row.workload_id is not None:
        await record_events(connection, [changed(row)])
