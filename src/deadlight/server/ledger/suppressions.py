"""Keeping a risk on a workload quiet until a day, for a reason.

A suppression is of a risk on a workload, not of one window: it survives that the risk closes and opens again, under
another image too. While it lasts, no alert about the risk is sent; each that would have been is kept as a row that says
so. When it ends, by time or by hand, what is still open is told again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.risk import WindowRisk
from deadlight.server.errors import BadRequestError, ConflictError
from deadlight.server.events.outbox import Event, NewEvent, record_events
from deadlight.server.ledger.actions import Action, lock_window, record_actions, refuse_threat
from deadlight.server.ledger.findings import bad_findings
from deadlight.server.ledger.reconcile import lock_workloads
from deadlight.server.tables.ledger import exposure_suppression

LONGEST = timedelta(days=366)
"""A risk that is to stay for longer deserves another look by then."""

RISKS_OF_EVENT: Mapping[EventType, Sequence[WindowRisk]] = {
    EventType.INTEGRITY_VIOLATION_DETECTED: (WindowRisk.INTEGRITY_VIOLATION,),
    EventType.INTEGRITY_VIOLATION_CLOSED: (WindowRisk.INTEGRITY_VIOLATION,),
    EventType.UNTRUSTED_REGISTRY_DETECTED: (WindowRisk.UNTRUSTED_REGISTRY,),
    EventType.VULNERABILITIES_CHANGED: (WindowRisk.CRITICAL_APPLICABLE_CVES, WindowRisk.MALICIOUS),
}
"""Which risks an event tells of. A change of a workload is news of its own and never suppressed; what a
threat is kept quiet by is an exception."""

# Of a risk on a workload there is at most one that has not ended.
_END = text(
    """
    UPDATE exposure_suppression SET ended_at = least(until, now())
    WHERE workload_id = ANY(:workload_ids) AND ended_at IS NULL
      AND (risk = :risk OR CAST(:risk AS text) IS NULL AND until <= now())
    RETURNING workload_id, risk
    """
)

_DUE = text(
    """
    SELECT DISTINCT workload_id FROM exposure_suppression WHERE ended_at IS NULL AND until <= now()
    ORDER BY workload_id LIMIT :limit
    """
)

_OPEN_WINDOWS = text(
    f"""
    SELECT exposure_window.id, workload_id, image_tag_id, risk,
           CASE risk WHEN 'integrity_violation' THEN (
               SELECT violation_id FROM violation_location WHERE id = exposure_window.location_id) END AS violation_id,
           CASE WHEN risk IN ('critical_applicable_cves', 'malicious') THEN (
               SELECT coalesce(array_agg(DISTINCT vulnerability.id), '{{}}')
               {bad_findings("image_tag_image.image_id", "exposure_window.risk")}) END AS vulnerability_ids
    FROM exposure_window LEFT JOIN image_tag_image USING (image_tag_id)
    WHERE workload_id = :workload_id AND risk = :risk AND closed_at IS NULL
    ORDER BY exposure_window.id
    """  # noqa: S608 - constants
)

_ACTIVE = text(
    """
    SELECT risk, reason, suppressed_by, until FROM exposure_suppression
    WHERE workload_id = :workload_id AND risk = ANY(:risks) AND ended_at IS NULL AND until > now()
    ORDER BY until
    """
)

_NOT_COVERED = text(
    f"""
    SELECT EXISTS (
        SELECT FROM unnest(CAST(:ids AS bigint[])) AS news(vulnerability_id)
        WHERE NOT EXISTS (
            SELECT FROM image_tag_image, unnest(CAST(:risks AS text[])) AS suppressed(risk)
            WHERE image_tag_image.image_tag_id = :image_tag_id AND EXISTS (
                SELECT {bad_findings("image_tag_image.image_id", "suppressed.risk")}
                  AND vulnerability.id = news.vulnerability_id)))
    """  # noqa: S608 - constants
)


async def suppress(connection: AsyncConnection, window_id: int, *, actor: str, reason: str, until: datetime) -> None:
    """Keep a window's risk on its workload quiet until a time; one that lasts already is replaced.

    Raises:
        NotFoundError: there is no such window.
        BadRequestError: the time has passed, or is more than `LONGEST` away.
        ConflictError: the window is a threat's, or closed.
    """
    now = datetime.now(UTC)
    if not now < until <= now + LONGEST:
        raise BadRequestError(f"until must lie in the future, and at most {LONGEST.days} days ahead")
    window = await _lock(connection, window_id)
    refuse_threat(window)
    if window.closed_at is not None:
        raise ConflictError("the window is closed: nothing is left to suppress")
    of_risk = {"workload_id": window.workload_id, "risk": window.risk}
    await connection.execute(_END, {"workload_ids": [window.workload_id], "risk": window.risk})
    said = {"reason": reason, "suppressed_by": actor, "until": until}
    await connection.execute(insert(exposure_suppression).values(**of_risk, **said))
    concerned = [row.id for row in await connection.execute(_OPEN_WINDOWS, of_risk)]
    await record_actions(connection, concerned, Action.SUPPRESSED, actor=actor, note=reason, until=until)


async def unsuppress(connection: AsyncConnection, window_id: int, *, actor: str) -> None:
    """End a suppression before its time; what is open is told again.

    Raises:
        NotFoundError: there is no such window.
        ConflictError: its risk is not suppressed.
    """
    window = await _lock(connection, window_id)
    ended = await connection.execute(_END, {"workload_ids": [window.workload_id], "risk": window.risk})
    rows = ended.all()
    if not rows:
        raise ConflictError("its risk is not suppressed on this workload")
    await _resume(connection, rows, Action.UNSUPPRESSED, actor)


async def _lock(connection: AsyncConnection, window_id: int) -> Row[Any]:
    """A window under the lock of its workload, which orders the workload's events; raises NotFoundError."""
    query = text("SELECT workload_id FROM exposure_window WHERE id = :id")
    workload_ids = list((await connection.execute(query, {"id": window_id})).scalars())
    await lock_workloads(connection, workload_ids)
    return await lock_window(connection, window_id)


async def end_expired(connection: AsyncConnection, limit: int) -> int:
    """End suppressions of up to `limit` workloads whose time has come; returns of how many workloads they were."""
    workload_ids = list((await connection.execute(_DUE, {"limit": limit})).scalars())
    if workload_ids:
        await lock_workloads(connection, workload_ids)
        ended = await connection.execute(_END, {"workload_ids": workload_ids, "risk": None})
        await _resume(connection, ended.all(), Action.EXPIRED, "")
    return len(workload_ids)


async def _resume(connection: AsyncConnection, ended: Sequence[Row[Any]], action: Action, actor: str) -> None:
    for suppression in sorted(ended):
        of_risk = {"workload_id": suppression.workload_id, "risk": suppression.risk}
        windows = (await connection.execute(_OPEN_WINDOWS, of_risk)).all()
        await record_actions(connection, [window.id for window in windows], action, actor=actor)
        await record_events(connection, [_tell_again(window) for window in windows])


def _tell_again(window: Row[Any]) -> NewEvent:
    """The event that tells of an open window's risk."""
    data = {"workload_id": window.workload_id, "image_tag_id": window.image_tag_id}
    key = f"workload:{window.workload_id}"
    match WindowRisk(window.risk):
        case WindowRisk.INTEGRITY_VIOLATION:
            violation = {"violation_id": window.violation_id}
            return NewEvent(EventType.INTEGRITY_VIOLATION_DETECTED, key, data | violation)
        case WindowRisk.UNTRUSTED_REGISTRY:
            return NewEvent(EventType.UNTRUSTED_REGISTRY_DETECTED, key, data)
        case WindowRisk.CRITICAL_APPLICABLE_CVES | WindowRisk.MALICIOUS:
            news = {"added": list(window.vulnerability_ids), "removed": [], "advanced": [], "validated": []}
            return NewEvent(EventType.VULNERABILITIES_CHANGED, key, data | news)
        case WindowRisk.THREAT:
            raise ValueError("a threat's window cannot be suppressed")


async def find_suppression(connection: AsyncConnection, event: Event) -> str:
    """Why nobody is to be told of an event, for people; empty where it is to be told.

    News of vulnerabilities is suppressed where all that came or got more urgent makes suppressed risks. What else
    there is to tell is told.
    """
    risks = RISKS_OF_EVENT.get(event.type, ())
    if not risks:
        return ""
    parameters = {"workload_id": event.data["workload_id"], "risks": [risk.value for risk in risks]}
    active = (await connection.execute(_ACTIVE, parameters)).all()
    if not active or (event.type is EventType.VULNERABILITIES_CHANGED and not await _covers(connection, active, event)):
        return ""
    first = active[0]
    return f"suppressed until {first.until:%Y-%m-%d %H:%M} UTC by {first.suppressed_by}: {first.reason}"


async def _covers(connection: AsyncConnection, active: Sequence[Row[Any]], event: Event) -> bool:
    news = {*event.data["added"], *event.data["advanced"], *event.data["validated"]}
    parameters = {
        "ids": sorted(news),
        "risks": [row.risk for row in active],
        "image_tag_id": event.data["image_tag_id"],
    }
    return bool(news) and not (await connection.execute(_NOT_COVERED, parameters)).scalar_one()
