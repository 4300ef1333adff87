"""Exceptions: which detections nobody is to be troubled with, until a day and for a reason.

They are compared here, not on the nodes: what an exception suppresses is still reported, counted and shown to whoever
asks for it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.detections.changes import Change, Subject, hold_changes, record_change
from deadlight.server.detections.exposure import close_covered, tell_changed
from deadlight.server.detections.schemas import ExceptionIn
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.tables.detections import detection_exception

LONGEST = timedelta(days=366)
"""What is still fine after that deserves another look by then."""

MAX_EXCEPTIONS = 500
"""Exceptions at a time: each detection is compared with all of them."""

FIELDS = ("rule", "cluster", "namespace", "workload", "repository", "program")
"""What can be compared; by their order here where an exception says more than one."""


def matches(pattern: str, value: str) -> str:
    """SQL: whether a pattern with * and ? is empty or matches a value, from expressions for both."""
    escaped = rf"replace(replace(replace({pattern}, '\', '\\'), '%', '\%'), '_', '\_')"
    return f"({pattern} = '' OR {value} LIKE replace(replace({escaped}, '*', '%'), '?', '_'))"


_HOLDS = " AND ".join(
    matches(f"exception.{field}", "cluster.name" if field == "cluster" else f"detection.{field}") for field in FIELDS
)

# The oldest exception that holds; of those nobody has resolved.
_JUDGE = """
    UPDATE detection SET exception_id = judged.exception_id
    FROM (
        SELECT detection.id, (
            SELECT exception.id FROM detection_exception AS exception
            WHERE exception.ended_at IS NULL AND exception.until > now() AND {holds}
            ORDER BY exception.id LIMIT 1) AS exception_id
        FROM detection JOIN cluster ON cluster.id = detection.cluster_id
        WHERE detection.status <> 'resolved' AND {condition}
        ORDER BY detection.id FOR UPDATE OF detection
    ) AS judged
    WHERE detection.id = judged.id AND detection.exception_id IS DISTINCT FROM judged.exception_id
    RETURNING detection.id
"""
_JUDGE_SOME = text(_JUDGE.format(holds=_HOLDS, condition="detection.id = ANY(:ids)"))
_JUDGE_ALL = text(_JUDGE.format(holds=_HOLDS, condition="true"))

_END_DUE = text(
    "UPDATE detection_exception SET ended_at = until WHERE ended_at IS NULL AND until <= now() RETURNING id, reason"
)
_END = text(
    """
    UPDATE detection_exception SET ended_at = now(), ended_by = :actor WHERE id = :id AND ended_at IS NULL
    RETURNING id, reason
    """
)

# What is to hold for longer is no second one: there is no other way to prolong it without an alert in between.
_SAME = text(
    f"""
    SELECT id, until FROM detection_exception
    WHERE ended_at IS NULL AND until > now() AND until >= :until
      AND {" AND ".join(f"{field} = :{field}" for field in FIELDS)}
    ORDER BY id LIMIT 1
    """  # noqa: S608 - constants
)

_LIST = text(
    """
    SELECT exception.*, ended_at IS NULL AND until > now() AS active,
           (SELECT count(*) FROM detection WHERE detection.exception_id = exception.id) AS detections,
           (SELECT coalesce(sum(count), 0) FROM detection WHERE detection.exception_id = exception.id) AS times
    FROM detection_exception AS exception
    WHERE (CAST(:id AS bigint) IS NULL OR id = :id) AND (:ended OR ended_at IS NULL AND until > now())
    ORDER BY id DESC LIMIT :limit
    """
)


async def judge_detections(connection: AsyncConnection, detection_ids: Sequence[int]) -> None:
    """Compare detections with the exceptions that hold now."""
    judged = list((await connection.execute(_JUDGE_SOME, {"ids": list(detection_ids)})).scalars())
    await close_covered(connection, judged)


async def _judge_all(connection: AsyncConnection) -> None:
    judged = list((await connection.execute(_JUDGE_ALL)).scalars())
    await close_covered(connection, judged)
    await tell_changed(connection, judged, judged)


async def list_exceptions(
    connection: AsyncConnection, exception_id: int | None = None, *, ended: bool = False
) -> Sequence[Row[Any]]:
    """Exceptions, newest first, with how much each suppresses; those that have ended too where asked for."""
    parameters = {"id": exception_id, "ended": ended, "limit": 2 * MAX_EXCEPTIONS}
    return (await connection.execute(_LIST, parameters)).all()


async def get_exception(connection: AsyncConnection, exception_id: int) -> Row[Any]:
    """One, whether it has ended or not; raises NotFoundError."""
    rows = await list_exceptions(connection, exception_id, ended=True)
    if not rows:
        raise NotFoundError("no such exception")
    return rows[0]


async def add_exception(connection: AsyncConnection, body: ExceptionIn, actor: str) -> int:
    """Suppress what matches from now on, and what has been detected and not resolved; returns the exception's id.

    Raises:
        BadRequestError: its end has passed or is more than `LONGEST` away.
        ConflictError: one that holds says the same for as long at least, or there are `MAX_EXCEPTIONS` already.
    """
    now = datetime.now(UTC)
    if not now < body.until <= now + LONGEST:
        raise BadRequestError(f"until must lie in the future, and at most {LONGEST.days} days ahead")
    await hold_changes(connection)
    same = (await connection.execute(_SAME, body.model_dump())).first()
    if same is not None:
        raise ConflictError(f"exception {same.id} says the same already, until {same.until:%Y-%m-%d %H:%M} UTC")
    query = select(func.count()).select_from(detection_exception).where(detection_exception.c.ended_at.is_(None))
    if (await connection.execute(query)).scalar_one() >= MAX_EXCEPTIONS:
        raise ConflictError(f"there are {MAX_EXCEPTIONS} exceptions already: end some, or use patterns")
    statement = insert(detection_exception).values(**body.model_dump(), created_by=actor)
    added: int = (await connection.execute(statement.returning(detection_exception.c.id))).scalar_one()
    await record_change(connection, Change(Subject.EXCEPTION, str(added), "added", body.model_dump(mode="json")), actor)
    await _judge_all(connection)
    return added


async def end_exception(connection: AsyncConnection, exception_id: int, actor: str) -> None:
    """End an exception before its time.

    Raises:
        NotFoundError: there is no such exception.
        ConflictError: it has ended.
    """
    await get_exception(connection, exception_id)
    ended = (await connection.execute(_END, {"id": exception_id, "actor": actor})).first()
    if ended is None:
        raise ConflictError("the exception has ended already")
    change = Change(Subject.EXCEPTION, str(exception_id), "ended", {"reason": ended.reason})
    await record_change(connection, change, actor)
    await _judge_all(connection)


async def end_due(connection: AsyncConnection) -> None:
    """End exceptions whose time has come: what they suppressed shows again, and alerts when it happens again."""
    rows = (await connection.execute(_END_DUE)).all()
    for row in rows:
        change = Change(Subject.EXCEPTION, str(row.id), "expired", {"reason": row.reason})
        await record_change(connection, change, "")
    if rows:
        await _judge_all(connection)
