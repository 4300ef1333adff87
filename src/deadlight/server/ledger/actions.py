"""What people do about a window. Every action is a row that nothing changes any more."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

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
        ConflictError: it is closed, or somebody has acknowledged it already.
    """
    window = await lock_window(connection, window_id)
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
        ConflictError: it is closed, or nobody has acknowledged it.
    """
    window = await lock_window(connection, window_id)
    if window.closed_at is not None:
        raise ConflictError("the window is closed: what was done about it stays on record")
    if window.acknowledged_at is None:
        raise ConflictError("nobody has acknowledged it")
    await _set(connection, window_id, acknowledged_at=None, acknowledged_by="", acknowledge_note="")
    await record_actions(connection, [window_id], Action.UNACKNOWLEDGED, actor=actor)


async def _set(connection: AsyncConnection, window_id: int, **values: Any) -> None:
    await connection.execute(update(exposure_window).where(exposure_window.c.id == window_id).values(**values))
