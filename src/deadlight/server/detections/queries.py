"""Reading detections: lists with their owners, and one with its evidence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.detection import Response
from deadlight.server.db.paging import Number, Ordering
from deadlight.server.detections.advice import next_steps, techniques, what_was_done
from deadlight.server.detections.rule_book import find_recommendation
from deadlight.server.detections.schemas import (
    DetectedProcessOut,
    DetectionDetail,
    DetectionOrder,
    DetectionPage,
    DetectionQuery,
    DetectionRow,
    OccurrenceOut,
    StatusChange,
    SuppressedBy,
    TechniqueOut,
)
from deadlight.server.errors import NotFoundError
from deadlight.server.owners.lookup import NOBODY, Place, find_place_owners
from deadlight.server.owners.rules import Owner
from deadlight.server.owners.schemas import OwnerOut
from deadlight.server.tables.detections import detection_action
from deadlight.threats.fields import label_of

OCCURRENCES_SHOWN = 10

_CONDITIONS = """
    (CAST(:severities AS text[]) IS NULL OR detection.severity = ANY(:severities))
    AND (CAST(:rules AS text[]) IS NULL OR detection.rule = ANY(:rules))
    AND (CAST(:clusters AS text[]) IS NULL OR cluster.name = ANY(:clusters) OR cluster.id::text = ANY(:clusters))
    AND (CAST(:namespaces AS text[]) IS NULL OR detection.namespace = ANY(:namespaces))
    AND (CAST(:workload AS text) IS NULL OR strpos(lower(detection.workload), lower(:workload)) > 0)
    AND (CAST(:repositories AS text[]) IS NULL OR detection.repository = ANY(:repositories))
    AND (CAST(:statuses AS text[]) IS NULL OR detection.status = ANY(:statuses))
    AND (CAST(:responses AS text[]) IS NULL OR detection.response = ANY(:responses))
    AND (CAST(:workload_id AS bigint) IS NULL OR detection.workload_id = :workload_id)
    AND (CAST(:image_tag_id AS bigint) IS NULL OR detection.image_tag_id = :image_tag_id)
    AND (CAST(:since AS timestamptz) IS NULL OR detection.last_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR detection.first_at < :until)
"""
_FROM = """
    FROM detection JOIN cluster ON cluster.id = detection.cluster_id
    LEFT JOIN detection_exception AS exception ON exception.id = detection.exception_id
"""
_MATCHING = f"""
    {_FROM} WHERE {_CONDITIONS}
      AND (CAST(:suppressed AS boolean) IS NULL OR (detection.exception_id IS NOT NULL) = :suppressed)
"""
_COLUMNS = """
    detection.*, cluster.name AS cluster, cluster.demonstration, exception.reason, exception.created_by,
    exception.until
"""

_ORDERINGS = {
    DetectionOrder.NEWEST: Ordering(
        "newest", ("detection.last_at", "detection.id"), (datetime, Number), descending=True
    ),
    DetectionOrder.SEVERITY: Ordering(
        "severity",
        ("detection.severity_rank", "detection.last_at", "detection.id"),
        (Number, datetime, Number),
        descending=True,
    ),
}
_PAGES = {
    (order, after): text(ordering.page(_COLUMNS, _MATCHING, after=after))
    for order, ordering in _ORDERINGS.items()
    for after in (False, True)
}
_COUNT = text(
    f"""
    SELECT count(*) FILTER (WHERE CAST(:suppressed AS boolean) IS NULL
                               OR (detection.exception_id IS NOT NULL) = :suppressed) AS total,
           count(*) FILTER (WHERE detection.exception_id IS NOT NULL) AS suppressed
    {_FROM} WHERE {_CONDITIONS}
    """
)
_ONE = text(f"SELECT {_COLUMNS} {_FROM} WHERE detection.id = :id")

_OCCURRENCES = text(
    """
    SELECT * FROM detection_report WHERE detection_id = :id ORDER BY at DESC, id LIMIT :limit
    """
)


async def list_detections(connection: AsyncConnection, query: DetectionQuery) -> DetectionPage:
    """A page of detections; raises BadRequestError where `next_key` is not of this list."""
    ordering = _ORDERINGS[query.order]
    bounds = ordering.bounds(query.next_key) if query.next_key else {}
    parameters = {**query.parameters(), **bounds, "limit": query.limit + 1}
    rows = (await connection.execute(_PAGES[query.order, bool(bounds)], parameters)).all()
    shown = rows[: query.limit]
    counts = (await connection.execute(_COUNT, query.parameters())).one()
    return DetectionPage(
        detections=await _build(connection, shown),
        total=counts.total,
        suppressed=counts.suppressed,
        next_key=ordering.key(shown[-1]) if len(rows) > query.limit else "",
    )


async def get_detection(connection: AsyncConnection, detection_id: int) -> DetectionDetail:
    """A detection with its evidence and history; raises NotFoundError."""
    row = (await connection.execute(_ONE, {"id": detection_id})).first()
    if row is None:
        raise NotFoundError("no such detection")
    (shown,) = await _build(connection, [row])
    response = Response(row.response)
    history = select(detection_action).where(detection_action.c.detection_id == detection_id)
    said = await connection.execute(history.order_by(detection_action.c.id))
    seen = await connection.execute(_OCCURRENCES, {"id": detection_id, "limit": OCCURRENCES_SHOWN})
    return DetectionDetail(
        **shown.model_dump(),
        process=DetectedProcessOut(**row.evidence["process"]),
        ancestors=[DetectedProcessOut(**item) for item in row.evidence["ancestors"]],
        facts=row.evidence["facts"],
        fact_labels={name: label_of(name) for name in row.evidence["facts"]},
        techniques=[TechniqueOut(**item._asdict()) for item in techniques(row.mitre)],
        done=what_was_done(response),
        next_steps=next_steps(row.rule, response, await find_recommendation(connection, row.rule)),
        history=[StatusChange.model_validate(item, from_attributes=True) for item in said],
        occurrences=[_occurrence(item) for item in seen],
    )


def _occurrence(row: Row[Any]) -> OccurrenceOut:
    names = ("at", "count", "container_id", "node_name", "response")
    return OccurrenceOut(
        **{name: getattr(row, name) for name in names}, process=DetectedProcessOut(**row.evidence["process"])
    )


async def _build(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[DetectionRow]:
    places = [_place_of(row) for row in rows]
    owners = await find_place_owners(connection, {place for place in places if place})
    return [_row(row, owners.get(place, NOBODY) if place else NOBODY) for row, place in zip(rows, places, strict=True)]


def _place_of(row: Row[Any]) -> Place | None:
    """The workload and its image; None where nobody knows the container."""
    if row.workload_id is None:
        return None
    return row.workload_id, None if row.image_tag_id is None else (row.image_tag_id,)


_SPECIAL = {"suppressed_by", "owner", "cluster_id"}


def _row(row: Row[Any], owner: Owner) -> DetectionRow:
    suppressed = (
        SuppressedBy(id=row.exception_id, reason=row.reason, created_by=row.created_by, until=row.until)
        if row.exception_id is not None
        else None
    )
    values = {name: getattr(row, name) for name in DetectionRow.model_fields if name not in _SPECIAL}
    known = OwnerOut.model_validate(owner, from_attributes=True) if owner.source else None
    return DetectionRow(**values, cluster_id=str(row.cluster_id), suppressed_by=suppressed, owner=known)
