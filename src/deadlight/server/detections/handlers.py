"""What happens by itself: reports are placed, exceptions end, and what nobody needs any more is forgotten."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.detections.exceptions import end_due
from deadlight.server.detections.exposure import OPEN_BY_SEVERITY, changed, close_gone
from deadlight.server.detections.intake import place_waiting
from deadlight.server.detections.limits import REPORTS_KEPT
from deadlight.server.detections.naming import name_late
from deadlight.server.events.outbox import Event, record_events
from deadlight.server.services import Services

UNRESOLVED_KEPT = timedelta(days=366)
"""How long detections are kept that nobody resolved and that did not happen again; resolved ones stay for the service's
retention."""

_FORGET_REPORTS = text(
    "DELETE FROM detection_report WHERE detection_id IS NOT NULL AND received_at < now() - CAST(:kept AS interval)"
)
_FORGET_DETECTIONS = text(
    """
    DELETE FROM detection WHERE last_at < now() - CAST(:unresolved AS interval)
                             OR status = 'resolved' AND last_at < now() - CAST(:retention AS interval)
    RETURNING id, workload_id
    """
)

# Before what is written of the workload, which waits for the same lock elsewhere.
_LOCK_WORKLOAD = text("SELECT FROM workload WHERE id = :workload_id FOR NO KEY UPDATE")

_COUNT_OPEN = text(
    f"""
    UPDATE placement SET detections = ({OPEN_BY_SEVERITY})
    WHERE workload_id = :workload_id AND detections <> ({OPEN_BY_SEVERITY})
    """  # noqa: S608 - constants
)


async def count_open(connection: AsyncConnection, event: Event) -> None:
    """DetectionChanged: lists say how many detections of a workload's images are open."""
    concerned = {"workload_id": event.data["workload_id"]}
    await connection.execute(_LOCK_WORKLOAD, concerned)
    await connection.execute(_COUNT_OPEN, concerned)


async def follow_detections(services: Services) -> None:
    """Bring detections in line with containers and the time; the schedule runs this.

    What waited for its container is placed, what is known only now is named, exceptions end, and what has no container
    any more is over.
    """
    async with services.engine.begin() as connection:
        await end_due(connection)
    async with services.engine.begin() as connection:
        await name_late(connection)
        await place_waiting(connection)
        await close_gone(connection)


async def forget_detections(services: Services) -> None:
    """Delete single reports after a week, and detections once they are older than what is kept."""
    async with services.engine.begin() as connection:
        await connection.execute(_FORGET_REPORTS, {"kept": REPORTS_KEPT})
        kept = {"retention": services.settings.retention, "unresolved": UNRESOLVED_KEPT}
        forgotten = await connection.execute(_FORGET_DETECTIONS, kept)
        await record_events(connection, [changed(row) for row in forgotten if row.workload_id is not None])
