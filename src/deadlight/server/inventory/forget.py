"""Forgetting what is long gone, a little at a time, so that nobody waits for it.

A workload in which something was wrong stays: places of violations and of untrusted images, and exposure windows, refer
to it as evidence.
"""

from datetime import timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

FORGOTTEN_AT_ONCE = 5_000

EVIDENCE = ("violation_location", "untrusted_location", "exposure_window", "exposure_suppression")
"""Tables whose rows keep a workload."""


def _forget(table: str, condition: str) -> TextClause:
    return text(
        f"""
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE {condition} LIMIT {FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED))
        """  # noqa: S608 - from the constants below
    )


_OLD = "{moment} < now() - CAST(:retention AS interval)"
_REMOVED = _OLD.format(moment="removed_at")
_NO_EVIDENCE = " ".join(
    f"AND NOT EXISTS (SELECT FROM {table} WHERE {table}.workload_id = workload.id)" for table in EVIDENCE
)
_FORGET = (
    _forget("container", _REMOVED),
    _forget("pod", _REMOVED),
    _forget("placement", _OLD.format(moment="gone_at")),
    _forget("workload", f"{_REMOVED} {_NO_EVIDENCE}"),
    _forget("node", _REMOVED),
    _forget("namespace", _REMOVED),
)


async def forget_gone(engine: AsyncEngine, retention: timedelta) -> int:
    """Delete what has been gone for longer than this; returns how many rows."""
    forgotten = 0
    for statement in _FORGET:
        count = FORGOTTEN_AT_ONCE
        while count == FORGOTTEN_AT_ONCE:
            async with engine.begin() as connection:
                count = await _delete(connection, statement, retention)
            forgotten += count
    return forgotten


async def _delete(connection: AsyncConnection, statement: TextClause, retention: timedelta) -> int:
    return (await connection.execute(statement, {"retention": retention})).rowcount
