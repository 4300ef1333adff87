"""Live Assessment's index: who runs what and how bad it is, in memory, as true as the database at every question.

Joining ten thousand image tags with their verdicts, risks and workloads takes PostgreSQL 35 to 55 ms, before any filter
and for one list of several on a page. Each process of the service keeps these few columns instead, and before each
answer reads what was written since the last: every row says in which transaction it was written, and whatever is older
than the oldest transaction that was still open last time has been read (docs/adr/0020-live-index.md).
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import TimePeriod
from deadlight.server.assessment.live_columns import LiveColumns
from deadlight.server.assessment.live_processes import LiveProcesses

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
        "placement.workload_id, placement.image_tag_id, placement.running, placement.gone_at, workload.name, "
        "workload.namespace, coalesce(nullif(workload.kind_name, ''), workload.kind) AS kind, workload.cluster_id",
        "JOIN workload ON workload.id = placement.workload_id",
    )
)
_PROCESSES = text(
    _changed(
        "process",
        "process.workload_id, process.image_tag_id, process.program_id, process.changed, process.last_at, "
        "program.name, program.path, program.arguments",
        "JOIN program ON program.id = process.program_id",
    )
)
_PROGRAM_RISKS = text(_changed("program_risk", "*"))
_CLUSTERS = text("SELECT id, name, provider, demonstration FROM cluster")


class LiveIndex:
    """The columns, and how they are kept."""

    def __init__(self) -> None:
        self._columns = LiveColumns()
        self._processes = LiveProcesses(self._columns)
        self._since = 0
        self._lock = asyncio.Lock()

    async def read(self, connection: AsyncConnection) -> LiveColumns:
        """The columns with everything that is committed; they change with the next wait of the event loop."""
        async with self._lock:
            if self._columns.count_gone(datetime.now(UTC) - 2 * TimePeriod.TEN_DAYS.length) > MANY:
                self._columns, self._since = LiveColumns(), 0
                self._processes = LiveProcesses(self._columns)
            await self._catch_up(connection)
        return self._columns

    async def read_processes(self, connection: AsyncConnection) -> LiveProcesses:
        """The processes, beside the columns that `read` gives; they change together."""
        await self.read(connection)
        return self._processes

    async def _catch_up(self, connection: AsyncConnection) -> None:
        since, columns = {"since": self._since}, self._columns
        news = (await connection.execute(_NEWS, since)).one()
        # An image tag comes before what is said of it: what refers to one that is not here yet is read again.
        if news.image_tag:
            columns.add_tags((await connection.execute(_IMAGE_TAGS, since)).all())
        if news.image_tag_image:
            columns.link_images((await connection.execute(_LINKS, since)).all())
        if news.image_risk:
            columns.set_risks((await connection.execute(_RISKS, since)).all())
        if news.verdict:
            columns.set_verdicts((await connection.execute(_VERDICTS, since)).all())
        if news.placement:
            columns.set_placements((await connection.execute(_PLACEMENTS, since)).all())
        if news.process:
            self._processes.set_processes((await connection.execute(_PROCESSES, since)).all())
        if news.program_risk:
            self._processes.set_risks((await connection.execute(_PROGRAM_RISKS, since)).all())
        if news.cluster or news.clusters != len(columns.clusters):
            columns.set_clusters(await connection.execute(_CLUSTERS))
        self._since = news.oldest


def _live_index(request: Request) -> LiveIndex:
    return cast(LiveIndex, request.app.state.live_index)


LiveDep = Annotated[LiveIndex, Depends(_live_index)]
"""A handler's parameter of this type receives the index."""
