"""What happens by itself: reports are placed, exceptions end, and what nobody needs any more is forgotten."""

from datetime import timedelta

from sqlalchemy import text

from deadlight.server.detections.exceptions import end_due
from deadlight.server.detections.intake import place_waiting
from deadlight.server.detections.naming import name_late
from deadlight.server.services import Services

REPORTS_KEPT = timedelta(days=7)
"""How long single reports are kept, and known when they come again."""

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
    """
)


async def follow_detections(services: Services) -> None:
    """Place what waited for its container, name what is known only now, end exceptions; the schedule runs this."""
    async with services.engine.begin() as connection:
        await end_due(connection)
    async with services.engine.begin() as connection:
        await name_late(connection)
        await place_waiting(connection)


async def forget_detections(services: Services) -> None:
    """Delete single reports after a week, and detections once they are older than what is kept."""
    async with services.engine.begin() as connection:
        await connection.execute(_FORGET_REPORTS, {"kept": REPORTS_KEPT})
        kept = {"retention": services.settings.retention, "unresolved": UNRESOLVED_KEPT}
        await connection.execute(_FORGET_DETECTIONS, kept)
