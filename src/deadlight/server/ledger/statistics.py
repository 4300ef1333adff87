"""How long risks were live: medians, ninth deciles and counts, computed where the rows are.

The length of a window is known once it has closed, so lengths are of windows that closed in the period; what is open is
counted beside them, with the oldest. Suppressed windows count: a risk that is accepted is live all the same.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.errors import BadRequestError
from deadlight.server.ledger.queries import CONDITIONS, SUPPRESSED
from deadlight.server.ledger.schemas import (
    Bucket,
    ExposureStatistics,
    GroupStatistics,
    OldestWindow,
    Series,
    SeriesGroup,
    SeriesPoint,
    Spread,
    StatisticsQuery,
)

DEFAULT_PERIOD = timedelta(days=30)
MAX_POINTS = 400
STEPS = {Bucket.DAY: timedelta(days=1), Bucket.WEEK: timedelta(days=7)}


def _spread(start: str, end: str, name: str) -> str:
    """SQL columns: how many have both moments, and the quantiles of the seconds between them."""
    seconds = f"extract(epoch FROM {end} - {start})"
    return f"""
        count({end}) AS {name}_count,
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {seconds}) AS {name}_quantiles
    """


_TEAM = "coalesce(exposure_window.team, '')"
_GROUPING = f"""
    grouping(exposure_window.risk) = 0 AS is_risk, grouping({_TEAM}) = 0 AS is_team, exposure_window.risk,
    {_TEAM} AS team
"""
_GROUPED = f"GROUP BY GROUPING SETS ((), (exposure_window.risk), ({_TEAM}))"

_CLOSED = text(
    f"""
    SELECT {_GROUPING}, {_spread("opened_at", "closed_at", "window")}, {_spread("detected_at", "closed_at", "close")}
    FROM exposure_window WHERE {CONDITIONS} AND closed_at >= :since AND closed_at < :until {_GROUPED}
    """  # noqa: S608 - constants
)

_DETECTED = text(
    f"""
    SELECT {_spread("opened_at", "detected_at", "detect")}, {_spread("detected_at", "notified_at", "notify")},
           {_spread("detected_at", "acknowledged_at", "acknowledge")}, count(*) FILTER (WHERE repaired) AS repaired
    FROM exposure_window WHERE {CONDITIONS} AND detected_at >= :since AND detected_at < :until
    """  # noqa: S608 - constants
)

_OPEN = text(
    f"""
    SELECT {_GROUPING}, count(*) AS open, count(acknowledged_at) AS acknowledged,
           count(*) FILTER (WHERE {SUPPRESSED}) AS suppressed,
           min(opened_at) AS oldest_at,
           (array_agg(exposure_window.id ORDER BY opened_at, exposure_window.id))[1] AS oldest_id
    FROM exposure_window WHERE {CONDITIONS} AND closed_at IS NULL {_GROUPED}
    """  # noqa: S608 - constants
)

_NAMES = {SeriesGroup.ALL: "''", SeriesGroup.RISK: "exposure_window.risk", SeriesGroup.TEAM: _TEAM}
_CLOSED_SERIES = {
    group: text(
        f"""
        SELECT {name} AS name, date_trunc(:bucket, closed_at) AS at, {_spread("opened_at", "closed_at", "window")}
        FROM exposure_window WHERE {CONDITIONS} AND closed_at >= :since AND closed_at < :until GROUP BY 1, 2
        """  # noqa: S608 - constants
    )
    for group, name in _NAMES.items()
}
_DETECTED_SERIES = {
    group: text(
        f"""
        SELECT {name} AS name, date_trunc(:bucket, detected_at) AS at, count(*) AS detected
        FROM exposure_window WHERE {CONDITIONS} AND detected_at >= :since AND detected_at < :until GROUP BY 1, 2
        """  # noqa: S608 - constants
    )
    for group, name in _NAMES.items()
}


def list_buckets(since: datetime, until: datetime, bucket: Bucket) -> list[datetime]:
    """The beginnings of the days or weeks that a period touches; raises BadRequestError for too many. Pure."""
    start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if bucket is Bucket.WEEK:
        start -= timedelta(days=start.weekday())
    count = -((start - until) // STEPS[bucket])
    if not 0 < count <= MAX_POINTS:
        raise BadRequestError(f"the period must be longer than nothing and have at most {MAX_POINTS} {bucket}s")
    return [start + number * STEPS[bucket] for number in range(count)]


async def measure(connection: AsyncConnection, query: StatisticsQuery, now: datetime) -> ExposureStatistics:
    """What happened in a period; raises BadRequestError where it is empty or too long."""
    until = query.until or now
    since = query.since or until - DEFAULT_PERIOD
    buckets = list_buckets(since, until, query.bucket)
    parameters = {**query.parameters(), "since": since, "until": until}
    closed = (await connection.execute(_CLOSED, parameters)).all()
    detected = (await connection.execute(_DETECTED, parameters)).one()
    open_ = (await connection.execute(_OPEN, parameters)).all()
    total, total_open = _total(closed), _total(open_)
    return ExposureStatistics(
        since=since,
        until=until,
        bucket=query.bucket,
        open_now=total_open.open,
        acknowledged_now=total_open.acknowledged,
        suppressed_now=total_open.suppressed,
        oldest=_oldest(total_open),
        repaired=detected.repaired,
        window=_read(total, "window"),
        close=_read(total, "close"),
        detect=_read(detected, "detect"),
        notify=_read(detected, "notify"),
        acknowledge=_read(detected, "acknowledge"),
        by_risk=_groups(closed, open_, "risk"),
        by_team=_groups(closed, open_, "team"),
        series=await _series(connection, query, parameters, buckets),
    )


def _total(rows: Sequence[Row[Any]]) -> Row[Any]:
    return next(row for row in rows if not row.is_risk and not row.is_team)


def _oldest(row: Row[Any]) -> OldestWindow | None:
    return OldestWindow(id=row.oldest_id, opened_at=row.oldest_at) if row.open else None


def _read(row: Row[Any] | None, name: str) -> Spread:
    quantiles = getattr(row, f"{name}_quantiles", None) or (None, None)
    median, ninth_decile = quantiles
    return Spread(count=getattr(row, f"{name}_count", 0), median_seconds=median, p90_seconds=ninth_decile)


def _groups(closed: Sequence[Row[Any]], open_: Sequence[Row[Any]], kind: str) -> list[GroupStatistics]:
    """By name, the most open ones first."""
    lengths = {getattr(row, kind): row for row in closed if getattr(row, f"is_{kind}")}
    counts = {getattr(row, kind): row.open for row in open_ if getattr(row, f"is_{kind}")}
    groups = [
        GroupStatistics(name=name, open_now=counts.get(name, 0), window=_read(lengths.get(name), "window"))
        for name in lengths.keys() | counts.keys()
    ]
    return sorted(groups, key=lambda group: (-group.open_now, -group.window.count, group.name))


async def _series(
    connection: AsyncConnection, query: StatisticsQuery, parameters: Mapping[str, Any], buckets: Sequence[datetime]
) -> list[Series]:
    divided = {**parameters, "bucket": query.bucket.value}
    closed_rows = await connection.execute(_CLOSED_SERIES[query.group], divided)
    closed = {(row.name, row.at): row for row in closed_rows}
    detected_rows = await connection.execute(_DETECTED_SERIES[query.group], divided)
    detected = {(row.name, row.at): row.detected for row in detected_rows}
    names = {name for name, _ in (*closed, *detected)} or ({""} if query.group is SeriesGroup.ALL else set())
    return [
        Series(
            name=name,
            points=[
                SeriesPoint(at=at, detected=detected.get((name, at), 0), window=_read(closed.get((name, at)), "window"))
                for at in buckets
            ],
        )
        for name in sorted(names)
    ]
