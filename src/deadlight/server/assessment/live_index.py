"""Live Assessment's index: who runs what and how bad it is, in memory, as true as the database at every question.

Joining ten thousand image tags with their verdicts, risks and workloads takes PostgreSQL 35 to 55 ms, before any filter
and for one list of several on a page. Each process of the service keeps these few columns instead, and before each
answer reads what was written since the last: every row says in which transaction it was written, and whatever is older
than the oldest transaction that was still open last time has been read (docs/adr/0020-live-index.md). It is read in
slices, between which everything else goes on (docs/adr/0030-index-in-slices.md).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, cast

from fastapi import Depends, Request
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.model.live_list import TimePeriod
from deadlight.server.assessment.live_columns import LiveColumns
from deadlight.server.assessment.live_processes import LiveProcesses
from deadlight.server.db.engine import autocommit

logger = logging.getLogger(__name__)

SLICE = 250
"""So many rows are taken in at once: a few milliseconds."""

SWEEP_SECONDS = 5.0
"""So often what was written is read without a question, so that none has much to read."""

MANY = 10_000
"""So many image tags that are gone for longer than anybody can ask, and the index is made anew without them."""

# Ids of transactions in a restored database belong to another server's history: those from its future are left alone.
_CHANGED = """
    {table}.changed_in >= :since
    AND (:since = 0 OR {table}.changed_in < pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
"""


def _changed(table: str, columns: str, joined: str = "") -> str:
    return f"SELECT {columns} FROM {table} {joined} WHERE {_CHANGED.format(table=table)}"  # noqa: S608 - constants


_TABLES = (
    "cluster",
    "image_tag",
    "image_tag_image",
    "image_risk",
    "verdict",
    "placement",
    "process",
    "program_risk",
)
_NEWS = text(
    """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
           (SELECT count(*) FROM cluster) AS clusters,
    """  # noqa: S608 - constants
    + ", ".join(f"EXISTS ({_changed(table, '')}) AS {table}" for table in _TABLES)
)
_IMAGE_TAGS = text(_changed("image_tag", "id, registry, repository, tag, digest, platform"))
_LINKS = text(_changed("image_tag_image", "image_tag_id, image_id"))
_RISKS = text(
    _changed(
        "image_risk", "image_id, critical, high, medium, low, unknown, critical_applicable, malicious, applicabilities"
    )
)
_VERDICTS = text(_changed("verdict", "image_tag_id, status, violation_type"))
_PLACEMENTS = text(
    _changed(
        "placement",
        "placement.workload_id, placement.image_tag_id, placement.running, placement.gone_at, placement.detections, "
        "workload.name, "
        "workload.namespace, coalesce(nullif(workload.kind_name, ''), workload.kind) AS kind, workload.cluster_id",
        "JOIN workload ON workload.id = placement.workload_id",
    )
)
_PROCESSES = text(
    _changed(
        "process",
        "process.workload_id, process.image_tag_id, process.program_id, process.changed, process.last_at, "
        "process.running, process.superseded, program.name, program.path, program.arguments, program.sha256",
        "JOIN program ON program.id = process.program_id",
    )
)
_PROGRAM_RISKS = text(
    _changed(
        "program_risk",
        "program_risk.*, program.name, program.path, program.arguments, program.sha256",
        "JOIN program ON program.id = program_risk.program_id",
    )
)
_CLUSTERS = text("SELECT id, name, provider, demonstration FROM cluster")


class _Kept:
    """The columns, and up to where they have been read."""

    def __init__(self) -> None:
        self.columns = LiveColumns()
        self.processes = LiveProcesses(self.columns)
        self._since = 0

    async def catch_up(self, connection: AsyncConnection) -> None:
        """Take in what was committed since the last time."""
        news = (await connection.execute(_NEWS, {"since": self._since})).one()
        for table, (statement, take_in) in self._readings().items():
            if getattr(news, table):
                await self._read(connection, statement, take_in)
        if news.cluster or news.clusters != len(self.columns.clusters):
            self.columns.set_clusters((await connection.execute(_CLUSTERS)).all())
        self._since = news.oldest

    def _readings(self) -> dict[str, "_Reading"]:
        """By table. What refers to something that is not here yet is read again, so the order is only thrifty."""
        columns, processes = self.columns, self.processes
        return {
            "image_tag": (_IMAGE_TAGS, columns.add_tags),
            "image_tag_image": (_LINKS, lambda rows: processes.follow_links(columns.link_images(rows))),
            "image_risk": (_RISKS, columns.set_risks),
            "verdict": (_VERDICTS, columns.set_verdicts),
            "placement": (_PLACEMENTS, columns.set_placements),
            "process": (_PROCESSES, processes.set_processes),
            "program_risk": (_PROGRAM_RISKS, processes.set_risks),
        }

    async def _read(self, connection: AsyncConnection, statement: TextClause, take_in: "_TakeIn") -> None:
        """In slices: between two of them, whatever else the process has to do is done. Cursors need a transaction."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        async with driver.transaction(), connection.stream(statement, {"since": self._since}) as rows:
            async for part in rows.partitions(SLICE):
                take_in(part)


_TakeIn = Callable[[Sequence[Row[Any]]], None]
_Reading = tuple[TextClause, _TakeIn]


class LiveIndex:
    """The columns, and how they are kept."""

    def __init__(self) -> None:
        self._kept = _Kept()
        self._lock = asyncio.Lock()

    async def read(self, connection: AsyncConnection) -> LiveColumns:
        """The columns with everything that is committed; they change with the next wait of the event loop."""
        return (await self.read_processes(connection)).columns

    async def read_processes(self, connection: AsyncConnection) -> LiveProcesses:
        """The processes, beside the columns that `read` gives; they change together."""
        async with self._lock:
            kept = self._kept
            await kept.catch_up(connection)
        return kept.processes

    async def keep(self, engine: AsyncEngine) -> NoReturn:
        """Read what there is before anybody asks, and what is written since every so often, until cancelled."""
        while True:
            try:
                await self._refresh(engine)
            except Exception:
                logger.exception("reading what lists show failed, trying again")
            await asyncio.sleep(SWEEP_SECONDS)

    async def _refresh(self, engine: AsyncEngine) -> None:
        async with autocommit(engine) as connection:
            columns = await self.read(connection)
            if columns.count_gone(datetime.now(UTC) - 2 * TimePeriod.TEN_DAYS.length) > MANY:
                kept = _Kept()
                await kept.catch_up(connection)
                self._kept = kept


def _live_index(request: Request) -> LiveIndex:
    return cast(LiveIndex, request.app.state.live_index)


LiveDep = Annotated[LiveIndex, Depends(_live_index)]
"""A handler's parameter of this type receives the index."""
