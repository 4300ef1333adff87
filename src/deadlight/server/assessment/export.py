"""Everything a filter matches, as a file: a row for each image tag, written while it is sent."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.model.live_list import TimePeriod
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.image_page import load_places
from deadlight.server.assessment.image_tags import select_image_tags
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError
from deadlight.server.findings.image_facts import ImageFacts, load_image_facts

MOST_ROWS = 50_000
ROWS_AT_ONCE = 500

COLUMNS = (
    "registry", "repository", "tag", "digest", "platform", "runtime_status", "risks", "integrity_status",
    "violation_type", "first_detected_at", "open_detections", "scan_status",
    *(severity.value.lower() for severity in Severity),
    "workloads", "clusters", "providers", "build_owner",
)  # fmt: skip


class ExportFormat(StrEnum):
    """What a file is written in."""

    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """For the answer's head."""
        return "text/csv; charset=utf-8" if self is ExportFormat.CSV else "application/json"


async def select_for_export(engine: AsyncEngine, live: LiveIndex, wanted: ImageFilter) -> Sequence[int]:
    """The image tags to export, in the order of their names.

    Raises:
        BadRequestError: more than `MOST_ROWS`.
    """
    async with autocommit(engine) as connection:
        selection = await select_image_tags(connection, live, wanted)
    columns, chosen = selection.columns, selection.tags()
    ids = [key[-1] for key in columns.orders.by_registry if chosen[columns.position[key[-1]]]]
    if len(ids) > MOST_ROWS:
        raise BadRequestError(f"an export has at most {MOST_ROWS} rows, this one would have {len(ids)}: narrow it")
    return ids


def iter_export(
    engine: AsyncEngine, image_tag_ids: Sequence[int], period: TimePeriod, file_format: ExportFormat
) -> AsyncIterator[str]:
    """The file, a piece at a time; no connection is held while a piece is on its way."""
    return iter_file(COLUMNS, _iter_loaded(engine, image_tag_ids, period), file_format)


async def _iter_loaded(
    engine: AsyncEngine, image_tag_ids: Sequence[int], period: TimePeriod
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    for ids in _batched(image_tag_ids):
        yield await _load(engine, ids, period)


async def iter_file(
    columns: Sequence[str], batches: AsyncIterable[Sequence[Mapping[str, Any]]], file_format: ExportFormat
) -> AsyncIterator[str]:
    """Rows as a file, a piece at a time."""
    yield _csv([columns]) if file_format is ExportFormat.CSV else "["
    separator = ""
    async for rows in batches:
        if file_format is ExportFormat.CSV:
            yield _csv([_cell(row[name]) for name in columns] for row in rows)
        elif rows:
            yield separator + ",\n".join(json.dumps(row) for row in rows)
            separator = ",\n"
    if file_format is ExportFormat.JSON:
        yield "]\n"


def _batched(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + ROWS_AT_ONCE] for start in range(0, len(ids), ROWS_AT_ONCE))


async def _load(engine: AsyncEngine, ids: Sequence[int], period: TimePeriod) -> list[dict[str, Any]]:
    async with autocommit(engine) as connection:
        facts = await load_image_facts(connection, ids)
        places = await load_places(connection, ids, period)
    return [_describe(facts[id_], places.get(id_)) for id_ in ids if id_ in facts]


def _describe(facts: ImageFacts, place: Row[Any] | None) -> dict[str, Any]:
    row, owner = facts.row, facts.build_owner
    counts = facts.severities or dict.fromkeys(Severity)
    return {
        "registry": row.registry,
        "repository": row.repository,
        "tag": row.tag,
        "digest": row.digest,
        "platform": row.platform,
        "runtime_status": "running" if place and place.running else "stopped",
        "risks": [risk.value for risk in facts.risks],
        "integrity_status": row.integrity_status,
        "violation_type": row.violation_type,
        "first_detected_at": row.first_detected_at.isoformat() if row.first_detected_at else None,
        "open_detections": sum(place.detections) if place else 0,
        "scan_status": row.scan_status or "queued",
        **{severity.value.lower(): counts[severity] for severity in Severity},
        "workloads": place.workloads if place else 0,
        "clusters": place.clusters if place else 0,
        "providers": list(place.providers) if place else [],
        "build_owner": owner.value if owner else None,
    }


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """A cell's text. What a spreadsheet would take for a formula is marked as text: labels of images are foreign."""
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
