"""Reading windows: lists, all of a list, and one with what was done about it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.model.image import ImageReference
from deadlight.server.db.engine import autocommit
from deadlight.server.db.paging import Number, Ordering
from deadlight.server.errors import NotFoundError
from deadlight.server.findings.image_facts import ImageFacts, load_image_facts
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by
from deadlight.server.ledger.findings import bad_findings
from deadlight.server.ledger.schemas import (
    ActionOut,
    EarlierWindow,
    StateFilter,
    SuppressionOut,
    WindowDetail,
    WindowDetection,
    WindowOrder,
    WindowPage,
    WindowQuery,
    WindowRow,
    WindowState,
)
from deadlight.server.owners.attributions import attribution
from deadlight.server.tables.ledger import exposure_action

VULNERABILITIES_NAMED = 50
EARLIER_SHOWN = 20
AT_ONCE = 500
"""Rows of an export that are put together at a time."""

CONDITIONS = """
    (CAST(:risks AS text[]) IS NULL OR exposure_window.risk = ANY(:risks))
    AND (CAST(:teams AS text[]) IS NULL OR coalesce(exposure_window.team, '') = ANY(:teams))
    AND (CAST(:workload_id AS bigint) IS NULL OR exposure_window.workload_id = :workload_id)
    AND (CAST(:image_tag_id AS bigint) IS NULL OR exposure_window.image_tag_id = :image_tag_id)
    AND (CAST(:detection_id AS bigint) IS NULL OR exposure_window.risk = 'threat' AND exposure_window.location_id IN (
        SELECT id FROM detection_location WHERE detection_id = :detection_id))
    AND (NOT :by_workload OR exposure_window.workload_id IN (
        SELECT workload.id FROM workload JOIN cluster ON cluster.id = workload.cluster_id
        WHERE (CAST(:clusters AS text[]) IS NULL OR cluster.name = ANY(:clusters) OR cluster.id::text = ANY(:clusters))
          AND (CAST(:namespaces AS text[]) IS NULL OR workload.namespace = ANY(:namespaces))
          AND (CAST(:workload AS text) IS NULL OR strpos(lower(workload.name), lower(:workload)) > 0)))
"""
"""Parameters: `WindowFilter.parameters`, of which the period is each query's own matter."""

SUPPRESSED = """
    EXISTS (SELECT FROM exposure_suppression AS suppression
            WHERE suppression.workload_id = exposure_window.workload_id AND suppression.risk = exposure_window.risk
              AND suppression.ended_at IS NULL AND suppression.until > now())
"""

_JOINS = """
    JOIN workload ON workload.id = exposure_window.workload_id
    JOIN cluster ON cluster.id = workload.cluster_id
    LEFT JOIN exposure_suppression AS suppression
           ON suppression.workload_id = exposure_window.workload_id AND suppression.risk = exposure_window.risk
          AND suppression.ended_at IS NULL AND suppression.until > now()
    LEFT JOIN detection_location AS place ON place.id = exposure_window.location_id AND exposure_window.risk = 'threat'
    LEFT JOIN detection ON detection.id = place.detection_id
"""

_WHERE = f"""
    WHERE {CONDITIONS}
      AND (CAST(:since AS timestamptz) IS NULL OR closed_at IS NULL OR closed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR opened_at < :until)
      AND (CAST(:states AS text[]) IS NULL
           OR CASE WHEN closed_at IS NOT NULL THEN 'closed' = ANY(:states)
                   ELSE 'open' = ANY(:states) OR 'acknowledged' = ANY(:states) AND acknowledged_at IS NOT NULL
                        OR 'suppressed' = ANY(:states) AND {SUPPRESSED} END)
"""

_COLUMNS = """
    exposure_window.*, workload.name AS workload, workload.kind, workload.kind_name, workload.namespace,
    workload.annotations, workload.labels, workload.template, workload.deployer, cluster.id AS cluster_id,
    cluster.name AS cluster, cluster.demonstration, detection.id AS detection_id, detection.rule, detection.title,
    detection.severity,
    suppression.reason AS suppression_reason, suppression.suppressed_by, suppression.suppressed_at, suppression.until
"""

_KINDS = (datetime, Number)
_KEY = ("exposure_window.opened_at", "exposure_window.id")
_ORDERINGS = {
    WindowOrder.NEWEST: Ordering("newest", _KEY, _KINDS, descending=True),
    WindowOrder.OLDEST: Ordering("oldest", _KEY, _KINDS),
}
_PAGES = {
    (order, after): text(ordering.page(_COLUMNS, f"FROM exposure_window {_JOINS} {_WHERE}", after=after))
    for order, ordering in _ORDERINGS.items()
    for after in (False, True)
}
_COUNT = text(f"SELECT count(*) FROM exposure_window {_WHERE}")  # noqa: S608 - constants
_ONE = text(f"SELECT {_COLUMNS} FROM exposure_window {_JOINS} WHERE exposure_window.id = :id")  # noqa: S608 - constants

_EVIDENCE = text(
    """
    SELECT evidence ->> 'reason' AS reason, evidence ->> 'registry_digest' AS registry_digest
    FROM violation_location JOIN violation ON violation.id = violation_location.violation_id
    WHERE violation_location.id = :location_id
    """
)

_VULNERABILITIES = text(
    f"""
    SELECT DISTINCT vulnerability.name {
        bad_findings("(SELECT image_id FROM image_tag_image WHERE image_tag_id = :image_tag_id)", "CAST(:risk AS text)")
    }
    ORDER BY vulnerability.name LIMIT :limit
    """  # noqa: S608 - constants
)

_EARLIER = text(
    """
    WITH RECURSIVE earlier AS (
        SELECT id, opened_at, closed_at, close_reason, previous_id, 1 AS steps
        FROM exposure_window WHERE id = :previous_id
        UNION ALL
        SELECT before.id, before.opened_at, before.closed_at, before.close_reason, before.previous_id, steps + 1
        FROM earlier JOIN exposure_window AS before ON before.id = earlier.previous_id WHERE steps < :limit
    )
    SELECT * FROM earlier ORDER BY steps
    """
)


async def list_windows(connection: AsyncConnection, query: WindowQuery) -> WindowPage:
    """A page of windows; raises BadRequestError where `next_key` is not of this list."""
    total = (await connection.execute(_COUNT, query.parameters())).scalar_one()
    windows, next_key = await _list_page(connection, query, query.order, query.limit, query.next_key)
    return WindowPage(windows=windows, total=total, next_key=next_key)


async def iter_pages(engine: AsyncEngine, query: StateFilter) -> AsyncIterator[list[WindowRow]]:
    """All windows, newest first, some at a time. No connection is held while they are sent to somebody slow."""
    key = ""
    while True:
        async with autocommit(engine) as connection:
            windows, key = await _list_page(connection, query, WindowOrder.NEWEST, AT_ONCE, key)
        yield windows
        if not key:
            return


async def _list_page(
    connection: AsyncConnection, query: StateFilter, order: WindowOrder, limit: int, key: str
) -> tuple[list[WindowRow], str]:
    """A page and the key of the next, empty at the end."""
    ordering = _ORDERINGS[order]
    bounds = ordering.bounds(key) if key else {}
    parameters = {**query.parameters(), **bounds, "limit": limit + 1}
    rows = (await connection.execute(_PAGES[order, bool(bounds)], parameters)).all()
    more = len(rows) > limit
    return await _build(connection, rows[:limit]), ordering.key(rows[limit - 1]) if more else ""


async def get_window(connection: AsyncConnection, window_id: int) -> WindowDetail:
    """A window with its history; raises NotFoundError."""
    row = (await connection.execute(_ONE, {"id": window_id})).first()
    if row is None:
        raise NotFoundError("no such exposure window")
    (window,) = await _build(connection, [row])
    evidence = await _evidence(connection, row)
    history = select(exposure_action).where(exposure_action.c.window_id == window_id).order_by(exposure_action.c.id)
    before = {"previous_id": row.previous_id, "limit": EARLIER_SHOWN}
    return WindowDetail(
        **window.model_dump(),
        reason=evidence.reason or "" if evidence else "",
        registry_digest=evidence.registry_digest or "" if evidence else "",
        vulnerabilities=await _vulnerabilities(connection, row),
        history=[ActionOut.model_validate(item, from_attributes=True) for item in await connection.execute(history)],
        earlier=[
            EarlierWindow.model_validate(item, from_attributes=True)
            for item in await connection.execute(_EARLIER, before)
        ],
    )


async def _evidence(connection: AsyncConnection, row: Row[Any]) -> Row[Any] | None:
    if row.violation_type is None:
        return None
    return (await connection.execute(_EVIDENCE, {"location_id": row.location_id})).first()


async def _vulnerabilities(connection: AsyncConnection, row: Row[Any]) -> list[str]:
    if row.location_id is not None:
        return []
    parameters = {"image_tag_id": row.image_tag_id, "risk": row.risk, "limit": VULNERABILITIES_NAMED}
    return list((await connection.execute(_VULNERABILITIES, parameters)).scalars())


async def _build(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[WindowRow]:
    facts = await load_image_facts(connection, sorted({row.image_tag_id for row in rows})) if rows else {}
    return [_window(row, facts) for row in rows]


_AS_STORED = (
    "id",
    "risk",
    "violation_type",
    "workload_id",
    "workload",
    "namespace",
    "cluster",
    "image_tag_id",
    "opened_at",
    "opened_basis",
    "detected_at",
    "notified_at",
    "acknowledged_at",
    "acknowledged_by",
    "acknowledge_note",
    "closed_at",
    "close_reason",
    "previous_id",
    "repaired",
    "demonstration",
)


def _window(row: Row[Any], facts: Mapping[int, ImageFacts]) -> WindowRow:
    image = facts[row.image_tag_id]
    return WindowRow(
        **{name: getattr(row, name) for name in _AS_STORED},
        state=_state(row),
        kind=row.kind_name or row.kind,
        cluster_id=str(row.cluster_id),
        image=str(ImageReference(image.row.registry, image.row.repository, image.row.tag, image.row.pinned_digest)),
        digest=image.row.digest,
        platform=image.row.platform,
        team=row.team or "",
        detection=_detection(row),
        suppression=_suppression(row),
        build_owner=attribution(image.build_owner),
        deployed_by=attribution(find_deployed_by(DeploymentEvidence.of(row))),
    )


def _state(row: Row[Any]) -> WindowState:
    if row.closed_at is not None:
        return WindowState.CLOSED
    if row.until is not None:
        return WindowState.SUPPRESSED
    return WindowState.OPEN if row.acknowledged_at is None else WindowState.ACKNOWLEDGED


def _detection(row: Row[Any]) -> WindowDetection | None:
    if row.detection_id is None:
        return None
    return WindowDetection(id=row.detection_id, rule=row.rule, title=row.title, severity=row.severity)


def _suppression(row: Row[Any]) -> SuppressionOut | None:
    if row.until is None:
        return None
    return SuppressionOut(
        reason=row.suppression_reason,
        suppressed_by=row.suppressed_by,
        suppressed_at=row.suppressed_at,
        until=row.until,
    )
