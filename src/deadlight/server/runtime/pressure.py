"""How long sensors should hold their observations back, because the service has more than it can deal with."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool

FINE_LAG_SECONDS = 5.0
"""What happened so long ago may well be waiting still: a burst, no pressure."""

BUSY = 0.9
"""The share of this replica's connections in use from which on requests wait for one another."""

BUSY_SECONDS = 10.0
MAX_SECONDS = 60.0
"""Sensors have room for minutes, not for hours: they go on, more slowly."""

_LAG = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - recorded_at) AS seconds FROM event
    WHERE status = 'pending' AND attempts = 0 ORDER BY id LIMIT 1
    """
)


def seconds_to_wait(lag_seconds: float, busy: float) -> float:
    """How long to hold observations back.

    `lag_seconds` is the age of the oldest event that nobody has tried to handle yet; `busy` is the share of
    connections in use. Waiting for as long as what is there has waited halves the load of a service that is behind.
    """
    behind = lag_seconds if lag_seconds > FINE_LAG_SECONDS else 0.0
    crowded = BUSY_SECONDS if busy >= BUSY else 0.0
    return min(max(behind, crowded), MAX_SECONDS)


async def measure_pressure(connection: AsyncConnection) -> float:
    """`seconds_to_wait` of this moment, in this replica."""
    lag = (await connection.execute(_LAG)).scalar_one_or_none()
    return seconds_to_wait(float(lag or 0), _busy(connection))


def _busy(connection: AsyncConnection) -> float:
    pool = connection.engine.pool
    if not isinstance(pool, QueuePool):
        return 0.0
    return pool.checkedout() / max(pool.size() + max(pool._max_overflow, 0), 1)  # noqa: SLF001 - told by nobody else
