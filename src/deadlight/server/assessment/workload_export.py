"""Every workload or process a filter matches, as a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.model.live_list import ProcessOrder, WorkloadOrder
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.export import MOST_ROWS, ROWS_AT_ONCE
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.processes import list_processes
from deadlight.server.assessment.workload_schemas import LiveProcess, LiveWorkload
from deadlight.server.assessment.workloads import list_workloads
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError

_SEVERITIES = tuple(severity.value.lower() for severity in Severity)

WORKLOAD_COLUMNS = (
    "cluster", "namespace", "name", "kind", "runtime_status", "risks", "scan_state", *_SEVERITIES, "architectures",
    "nodes", "images_count", "processes_count", "open_detections",
)  # fmt: skip
PROCESS_COLUMNS = (
    "name", "path", "arguments", "runtime_status", "risks", "scan_state", *_SEVERITIES, "changed", "image",
    "image_digest", "workloads_count", "last_seen_at",
)  # fmt: skip

Rows = Sequence[Mapping[str, Any]]


def check_size(total: int) -> None:
    """Raises BadRequestError where a file would have more than `MOST_ROWS`."""
    if total > MOST_ROWS:
        raise BadRequestError(f"an export has at most {MOST_ROWS} rows, this one would have {total}: narrow it")


async def iter_workloads(engine: AsyncEngine, live: LiveIndex, wanted: ImageFilter) -> AsyncIterator[Rows]:
    """Workloads by name, a batch at a time; no connection is held while a batch is on its way."""
    key = ""
    while True:
        async with autocommit(engine) as connection:
            page = await list_workloads(
                connection, live, wanted, order=WorkloadOrder.NAME, limit=ROWS_AT_ONCE, next_key=key
            )
        yield [_describe(row, WORKLOAD_COLUMNS) for row in page.rows]
        key = page.next_key
        if not key:
            return


async def iter_processes(engine: AsyncEngine, live: LiveIndex, wanted: ImageFilter) -> AsyncIterator[Rows]:
    """Processes by name, a batch at a time; no connection is held while a batch is on its way."""
    key = ""
    while True:
        async with autocommit(engine) as connection:
            page = await list_processes(
                connection, live, wanted, order=ProcessOrder.NAME, limit=ROWS_AT_ONCE, next_key=key
            )
        yield [_describe(row, PROCESS_COLUMNS) for row in page.processes]
        key = page.next_key
        if not key:
            return


def _describe(row: LiveWorkload | LiveProcess, columns: Sequence[str]) -> Mapping[str, Any]:
    values = row.model_dump(mode="json")
    counts = values["severities"] or {}
    values |= {severity.value.lower(): counts.get(severity.value) for severity in Severity}
    values["open_detections"] = sum(values.get("detections", {}).values())
    return {name: values[name] for name in columns}
