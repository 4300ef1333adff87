"""Lists of workloads, over the columns in memory; what only the database knows is asked for the rows of a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import WorkloadOrder
from deadlight.model.risk import Risk
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.grouping import risks_of
from deadlight.server.assessment.live_columns import RISK_BITS, SEVERITIES, STILL_THERE, LiveColumns
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.live_vectors import NONE, Mask, distinct
from deadlight.server.assessment.lookups import look_up
from deadlight.server.assessment.selection import Selection, select
from deadlight.server.assessment.workload_groups import Ordered, Workloads, gather_workloads
from deadlight.server.assessment.workload_schemas import LiveSummary, LiveWorkload, ScanState
from deadlight.server.db.paging import Number, Text, decode_key, encode_key

KEY = (Number, Text, Text, Number)

_NODES = text(
    """
    SELECT workload_id, array_agg(DISTINCT node_name ORDER BY node_name) AS nodes FROM pod
    WHERE workload_id = ANY(:workload_ids) AND removed_at IS NULL AND node_name <> ''
    GROUP BY workload_id
    """
)
_HAS_SENSORS = text("SELECT EXISTS (SELECT FROM agent WHERE kind = 'sensor' AND revoked_at IS NULL)")


@dataclass(frozen=True, slots=True)
class WorkloadName:
    """A workload by names, of which any may be empty."""

    name: str = ""
    namespace: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class WorkloadPage:
    """Rows in order with their image tags, how many there are in all, and the key of the next page."""

    rows: Sequence[LiveWorkload]
    total: int
    next_key: str


async def list_workloads(
    connection: AsyncConnection,
    live: LiveIndex,
    wanted: ImageFilter,
    *,
    named: Sequence[WorkloadName] = (),
    order: WorkloadOrder,
    limit: int,
    next_key: str,
) -> WorkloadPage:
    """A page of the workloads that run (or ran within the period) and meet the filter.

    Risks and severities are those of the workloads, everything else may hold for one of their images.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    after = decode_key(next_key, f"workloads {order}", KEY) if next_key else None
    found, _ = await _gather(connection, live, wanted, named)
    workloads = found.chosen(found.having(wanted.risks, wanted.severities))
    ordered = Ordered(workloads, order)
    start = ordered.start_after(*after) if after else 0
    positions = ordered.at[start : start + limit].tolist()
    rows = describe_workloads(workloads, positions)
    more = start + limit < len(workloads)
    key = encode_key(f"workloads {order}", ordered.key(positions[-1])) if more else ""
    return WorkloadPage(await with_nodes(connection, rows), len(workloads), key)


async def summarise_workloads(connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter) -> LiveSummary:
    """How many workloads meet the filter, of how many, and the quick filters' counts within the other filters."""
    found, selection = await _gather(connection, live, wanted, ())
    counted = found.badges[found.having((), wanted.severities)]
    return LiveSummary(
        matching=int(found.having(wanted.risks, wanted.severities).sum()),
        total=len(distinct(found.columns.workload.values[selection.period])),
        risks=count_badges(counted),
        is_connected=bool(found.columns.clusters),
        has_sensors=await has_sensors(connection),
    )


async def has_sensors(connection: AsyncConnection) -> bool:
    """Whether any sensor is enrolled."""
    return bool((await connection.execute(_HAS_SENSORS)).scalar_one())


def count_badges(badges: Any) -> Mapping[Risk, int]:
    """How many have each risk."""
    return {risk: int((badges & bit > 0).sum()) for risk, bit in RISK_BITS.items()}


async def find_workload(connection: AsyncConnection, live: LiveIndex, workload_id: int) -> LiveWorkload | None:
    """One workload as lists show it, whether it runs or was there within the longest period."""
    processes = await live.read_processes(connection)
    columns = processes.columns
    of_workload = np.isin(columns.workload.values, columns.workload_ids.find([workload_id]))
    of_workload &= columns.in_known_clusters
    now = of_workload & (columns.gone_at.values == STILL_THERE)
    of_period = now if now.any() else of_workload
    workloads = gather_workloads(processes, of_period, of_period)
    rows = await with_nodes(connection, describe_workloads(workloads, range(len(workloads))))
    return rows[0] if rows else None


async def _gather(
    connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter, named: Sequence[WorkloadName]
) -> tuple[Workloads, Selection]:
    """The workloads that meet the filter, whatever their risks and severities, and the places they were chosen by."""
    of_images = replace(wanted, search="", risks=(), severities=())
    found = await look_up(connection, of_images)
    processes = await live.read_processes(connection)
    columns = processes.columns
    selection = select(columns, of_images, found, datetime.now(UTC))
    chosen = selection.placements()
    if wanted.search:
        chosen &= _containing(columns, wanted.search)
    if named:
        chosen &= _named(columns, named)
    return gather_workloads(processes, chosen, selection.period), selection


def _containing(columns: LiveColumns, search: str) -> Mask:
    """Placements of workloads whose namespace/name contains a text."""
    needle = search.strip().lower()
    if "/" not in needle:
        by_name = np.array([needle in name.lower() for name in columns.workload_names.values], dtype=bool)
        by_namespace = np.array([needle in name.lower() for name in columns.namespaces.values], dtype=bool)
        either: Mask = by_name[columns.workload_name.values] | by_namespace[columns.namespace.values]
        return either
    pairs = zip(columns.namespace.values.tolist(), columns.workload_name.values.tolist(), strict=True)
    namespaces, names = columns.namespaces.values, columns.workload_names.values
    return np.array([needle in f"{namespaces[first]}/{names[second]}".lower() for first, second in pairs], dtype=bool)


def _named(columns: LiveColumns, named: Iterable[WorkloadName]) -> Mask:
    """Placements of workloads with one of these names."""
    chosen = np.zeros(len(columns.placement), dtype=bool)
    for item in named:
        fits = np.ones(len(chosen), dtype=bool)
        if item.name:
            fits &= np.isin(columns.workload_name.values, columns.workload_names.find([item.name]))
        if item.namespace:
            fits &= np.isin(columns.namespace.values, columns.namespaces.find([item.namespace]))
        if item.cluster:
            codes = [code for code, cluster in columns.clusters.items() if cluster.name == item.cluster]
            fits &= np.isin(columns.cluster.values, codes)
        chosen |= fits
    return chosen


def describe_workloads(workloads: Workloads, positions: Sequence[int]) -> list[LiveWorkload]:
    """Rows without their nodes."""
    architectures = _architectures(workloads, positions)
    return [_describe_workload(workloads, position, architectures[position]) for position in positions]


def _describe_workload(workloads: Workloads, position: int, architectures: Sequence[str]) -> LiveWorkload:
    columns, place = workloads.columns, int(workloads.places[position])
    cluster = columns.clusters[int(columns.cluster.values[place])]
    scan = scan_state(
        int(workloads.images[position]), int(workloads.scanned[position]), int(workloads.untrusted[position])
    )
    counts = dict(zip(SEVERITIES, workloads.severities[position].tolist(), strict=True))
    return LiveWorkload(
        id=int(workloads.ids[position]),
        name=columns.workload_names.values[columns.workload_name.values[place]],
        namespace=columns.namespaces.values[columns.namespace.values[place]],
        kind=columns.workload_types.values[columns.workload_type.values[place]],
        cluster=cluster.name,
        cluster_id=cluster.id,
        demonstration=cluster.demonstration,
        architectures=list(architectures),
        runtime_status=RuntimeStatus.RUNNING if workloads.running[position] else RuntimeStatus.STOPPED,
        nodes=[],
        risks=list(risks_of(int(workloads.badges[position]))),
        severities=counts if scan in {ScanState.SCANNED, ScanState.PARTLY} else None,
        scan_state=scan,
        detections=dict(zip(SEVERITIES, workloads.detections[position].tolist(), strict=True)),
        images_count=int(workloads.images[position]),
        processes_count=int(workloads.processes[position]),
    )


def scan_state(images: int, scanned: int, untrusted: int) -> ScanState:
    """What is known of the vulnerabilities of so many images. Pure."""
    if scanned == images:
        return ScanState.SCANNED
    if scanned:
        return ScanState.PARTLY
    return ScanState.UNKNOWN if untrusted == images else ScanState.NOT_SCANNED


def _architectures(workloads: Workloads, positions: Sequence[int]) -> dict[int, list[str]]:
    """Of all images that each of these workloads has or had."""
    columns, names = workloads.columns, workloads.columns.architectures.values
    listed = np.full(len(columns.workload_ids), NONE, np.int64)
    listed[columns.workload.values[workloads.places[positions]]] = positions
    of_place = listed[columns.workload.values]
    at = np.flatnonzero(of_place != NONE)
    codes = columns.architecture.values[columns.placed_tag.values[at]]
    found = {(position, names[code]) for position, code in zip(of_place[at].tolist(), codes.tolist(), strict=True)}
    return {position: sorted(name for owner, name in found if owner == position) for position in positions}


async def with_nodes(connection: AsyncConnection, rows: Sequence[LiveWorkload]) -> list[LiveWorkload]:
    """The rows with the nodes their pods are on now."""
    nodes = await load_nodes(connection, [row.id for row in rows])
    return [row.model_copy(update={"nodes": nodes.get(row.id, [])}) for row in rows]


async def load_nodes(connection: AsyncConnection, workload_ids: Sequence[int]) -> dict[int, list[str]]:
    """The nodes that pods of these workloads are on now; a workload without one is left out."""
    found = await connection.execute(_NODES, {"workload_ids": list(workload_ids)})
    return {row.workload_id: list(row.nodes) for row in found}
