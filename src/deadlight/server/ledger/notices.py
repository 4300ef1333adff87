"""When somebody was first told of a window's risk."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# The window that the alert was about: detected by the time it was made, and not over before its event.
_NOTE = text(
    """
    UPDATE exposure_window SET notified_at = clock_timestamp()
    FROM event, alert
    WHERE alert.id = :alert_id AND event.id = alert.event_id AND event.type NOT LIKE '%Closed'
      AND exposure_window.workload_id = CAST(event.data ->> 'workload_id' AS bigint)
      AND exposure_window.image_tag_id = coalesce(CAST(event.data ->> 'image_tag_id' AS bigint), image_tag_id)
      AND exposure_window.risk = ANY(:risks) AND exposure_window.notified_at IS NULL
      AND exposure_window.detected_at <= alert.created_at
      AND (exposure_window.closed_at IS NULL OR exposure_window.closed_at >= event.recorded_at)
    """
)


# An alert of a threat is about the window of its detection.
_NOTE_THREAT = text(
    """
    UPDATE exposure_window SET notified_at = clock_timestamp()
    FROM event, alert, detection_location AS place
    WHERE alert.id = :alert_id AND event.id = alert.event_id AND event.type = 'ThreatDetected'
      AND place.detection_id = CAST(event.data ->> 'detection_id' AS bigint) AND exposure_window.location_id = place.id
      AND exposure_window.risk = 'threat' AND exposure_window.notified_at IS NULL
      AND exposure_window.detected_at <= alert.created_at
      AND (exposure_window.closed_at IS NULL OR exposure_window.closed_at >= event.recorded_at)
    """
)


async def note_delivered(connection: AsyncConnection, alert_id: str, risks: Sequence[str]) -> None:
    """An alert that names these risks of its workload has been delivered; only a window's first counts."""
    await connection.execute(_NOTE_THREAT, {"alert_id": alert_id})
    if risks:
        await connection.execute(_NOTE, {"alert_id": alert_id, "risks": list(risks)})
