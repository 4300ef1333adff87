"""What people do about a window. Every action is a row that nothing changes any more."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.risk import WindowRisk
from deadlight.server.errors import ConflictError, NotFoundError
from deadlight.server.tables.ledger import exposure_action, exposure_window


class Action(StrEnum):
    """What was done."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    EXPIRED = "expired"
    """The suppression came to its end by itself."""


# A detection is acknowledged where people look at it; its open window says the same.
_FOLLOW = text(
    """
    WITH followed AS (
        UPDATE exposure_window AS followed
        SET acknowledged_at = CASE WHEN is_acknowledged THEN greatest(detection.status_at, followed.detected_at) END,
            acknowledged_by = CASE WHEN is_acknowledged THEN detection.status_by ELSE '' END,
            acknowledge_note = CASE WHEN is_acknowledged THEN detection.status_note ELSE '' END
        FROM detection_location AS place JOIN detection ON detection.id = place.detection_id,
        LATERAL (SELECT detection.status = 'acknowledged' AS is_acknowledged) AS status
        WHERE place.id = followed.location_id AND followed.risk = 'threat' AND followed.closed_at IS NULL
          AND followed.workload_id = :workload_id AND (followed.acknowledged_at IS NOT NULL) <> is_acknowledged
        RETURNING followed.id, detection.status_by, detection.status_note, is_acknowledged
    )
    INSERT INTO exposure_action (window_id, actor, action, note)
    SELECT id, status_by, CASE WHEN is_acknowledged THEN 'acknowledged' ELSE 'unacknowledged' END, status_note
    FROM followed ORDER BY id
    """
)


async def follow_acknowledgements(connection: AsyncConnection, workload_id: int) -> None:
    """Have the open windows of a workload's threats acknowledged where their detections are."""
    await connection.execute(_FOLLOW, {"workload_id": workload_id})


def refuse_threat(window: Row[Any]) -> None:
    """Of a threat, people say what they do about it where its detection is; raises ConflictError."""
    if window.risk == WindowRisk.THREAT:
        raise ConflictError(
            "this window follows its detection: acknowledge or resolve the detection, or add an exception for it"
        )


async def lock_window(connection: AsyncConnection, window_id: int) -> Row[Any]:
    """A window's row; raises NotFoundError."""
    query = select(exposure_window).where(exposure_window.c.id == window_id).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFoundError("no such exposure window")
    return row


async def record_actions(
    connection: AsyncConnection,
    window_ids: Sequence[int],
    action: Action,
    *,
    actor: str = "",
    note: str = "",
    until: datetime | None = None,
) -> None:
    """Note on windows what was done about them, by the service itself where no actor is given."""
    if window_ids:
        said = {"action": action.value, "actor": actor, "note": note, "until": until}
        await connection.execute(insert(exposure_action), [{"window_id": id_, **said} for id_ in window_ids])


async def acknowledge(connection: AsyncConnection, window_id: int, *, actor: str, note: str) -> None:
    """Note that somebody has seen a window and takes care of it.

    Raises:
        NotFoundError: there is no such window.
        ConflictError: it is a threat's, closed, or somebody has acknowledged it already.
    """
    window = await lock_window(connection, window_id)
    refuse_threat(window)
    if window.closed_at is not None:
        raise ConflictError("the window is closed: there is nothing left to take care of")
    if window.acknowledged_at is not None:
        raise ConflictError(f"{window.acknowledged_by} has acknowledged it already")
    await _set(connection, window_id, acknowledged_at=text("now()"), acknowledged_by=actor, acknowledge_note=note)
    await record_actions(connection, [window_id], Action.ACKNOWLEDGED, actor=actor, note=note)


async def unacknowledge(connection: AsyncConnection, window_id: int, *, actor: str) -> None:
    """Take an acknowledgement back.

    Raises:
        NotFoundError: there is no such window.
        ConflictError: it is a threat's, closed, or nobody has acknowledged it.
    """
    window = await lock_window(connection, window_id)
    refuse_threat(window)
    if window.closed_at is not None:
        raise ConflictError("the window is closed: what was done about it stays on record")
    if window.acknowledged_at is None:
        raise ConflictError("nobody has acknowledged it")
    await _set(connection, window_id, acknowledged_at=None, acknowledged_by="", acknowledge_note="")
    await record_actions(connection, [window_id], Action.UNACKNOWLEDGED, actor=actor)


async def _set(connection: AsyncConnection, window_id: int, **values: Any) -> None:
    await connection.execute(update(exposure_window).where(exposure_window.c.id == window_id).values(**values))
