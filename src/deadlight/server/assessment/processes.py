"""Lists of processes, over the columns in memory: what workloads execute, gathered over all of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.integrity import IntegrityStatus
from deadlight.model.live_list import ProcessOrder
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.grouping import risks_of
from deadlight.server.assessment.live_columns import SEVERITIES, STATUSES, LiveColumns
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.live_processes import LiveProcesses
from deadlight.server.assessment.live_vectors import Ints, Mask, distinct
from deadlight.server.assessment.lookups import look_up
from deadlight.server.assessment.process_groups import OrderedProcesses, Processes, gather_processes, search_processes
from deadlight.server.assessment.selection import Selection, select
from deadlight.server.assessment.workload_schemas import LiveProcess, LiveProcessList, LiveSummary, ScanState
from deadlight.server.assessment.workloads import count_badges, has_sensors, scan_state
from deadlight.server.db.paging import Number, Text, decode_key, encode_key

KEY = (Number, Text, UUID, Number)


async def list_processes(
    connection: AsyncConnection,
    live: LiveIndex,
    wanted: ImageFilter,
    *,
    order: ProcessOrder,
    limit: int,
    next_key: str,
) -> LiveProcessList:
    """A page of the processes of workloads that run (or ran within the period) and meet the filter.

    Risks, severities, names and paths are those of the processes, everything else may hold for their images and places.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    after = decode_key(next_key, f"processes {order}", KEY) if next_key else None
    live_processes, selection = await _select(connection, live, wanted)
    found = gather_processes(live_processes, _chosen(live_processes, wanted, selection.placements()))
    processes = found.chosen(found.having(wanted.risks, wanted.severities))
    ordered = OrderedProcesses(processes, order)
    start = ordered.start_after(*after) if after else 0
    positions = ordered.at[start : start + limit].tolist()
    more = start + limit < len(processes)
    return LiveProcessList(
        processes=[describe_process(processes, position) for position in positions],
        total=len(processes),
        next_key=encode_key(f"processes {order}", ordered.key(positions[-1])) if more else "",
    )


async def summarise_processes(connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter) -> LiveSummary:
    """How many processes meet the filter, of how many, and the quick filters' counts within the other filters."""
    processes, selection = await _select(connection, live, wanted)
    found = gather_processes(processes, _chosen(processes, wanted, selection.placements()))
    in_period = processes.executable.values[selection.period[processes.placement.values] & ~processes.superseded.values]
    return LiveSummary(
        matching=int(found.having(wanted.risks, wanted.severities).sum()),
        total=len(distinct(in_period)),
        risks=count_badges(found.badges[found.having((), wanted.severities)]),
        is_connected=bool(found.live.columns.clusters),
        has_sensors=await has_sensors(connection),
    )


async def list_workload_processes(
    connection: AsyncConnection, live: LiveIndex, workload_ids: Sequence[int]
) -> dict[int, list[LiveProcess]]:
    """What each of these workloads executes, riskiest first; workloads that are gone as long as they are known."""
    processes = await live.read_processes(connection)
    columns = processes.columns
    known = columns.in_known_clusters[processes.placement.values]
    of_process = columns.workload.values[processes.placement.values]
    found: dict[int, list[LiveProcess]] = {}
    for workload_id in workload_ids:
        gathered = gather_processes(processes, known & np.isin(of_process, columns.workload_ids.find([workload_id])))
        order = OrderedProcesses(gathered, ProcessOrder.RISK)
        found[workload_id] = [describe_process(gathered, position) for position in order.at.tolist()]
    return found


async def find_process(
    connection: AsyncConnection, live: LiveIndex, image_tag_id: int, program_id: UUID
) -> tuple[LiveProcess, list[int]] | None:
    """One process as lists show it and the workloads it was seen in by their names, now where it still runs."""
    processes = await live.read_processes(connection)
    columns = processes.columns
    programs, tags = processes.program_ids.find([program_id]), columns.position.find([image_tag_id])
    executable = processes.executables.find(zip(tags, programs, strict=False))
    same = np.isin(processes.executable.values, executable)
    same &= columns.in_known_clusters[processes.placement.values]
    running = same & columns.running.values[processes.placement.values] & ~processes.ended.values
    chosen = running if running.any() else same
    gathered = gather_processes(processes, chosen)
    if not len(gathered):
        return None
    return describe_process(gathered, 0), _workload_ids(columns, processes.placement.values[chosen])


def _workload_ids(columns: LiveColumns, places: Ints) -> list[int]:
    """By cluster, namespace and name."""
    clusters, namespaces, names = columns.order_clusters(), columns.namespaces.order, columns.workload_names.order
    order = np.lexsort(
        (
            names.places[columns.workload_name.values[places]],
            namespaces.places[columns.namespace.values[places]],
            clusters.places[columns.cluster.values[places]],
        )
    )
    return [columns.workload_ids.values[code] for code in columns.workload.values[places[order]].tolist()]


async def _select(connection: AsyncConnection, live: LiveIndex, wanted: ImageFilter) -> tuple[LiveProcesses, Selection]:
    """What is executed, and the places that meet the filter, whatever their processes, risks and severities."""
    of_places = replace(wanted, search="", risks=(), severities=(), processes=(), paths=(), hashes=())
    found = await look_up(connection, of_places)
    processes = await live.read_processes(connection)
    return processes, select(processes.columns, of_places, found, datetime.now(UTC))


def _chosen(processes: LiveProcesses, wanted: ImageFilter, placements: Mask) -> Mask:
    chosen: Mask = placements[processes.placement.values]
    if wanted.processes or wanted.paths or wanted.hashes:
        chosen &= processes.having(wanted.processes, wanted.paths, wanted.hashes)
    if wanted.search:
        chosen &= search_processes(processes, wanted.search)
    return chosen


def describe_process(processes: Processes, position: int) -> LiveProcess:
    """A row."""
    columns, tag = processes.live.columns, int(processes.image_tag[position])
    program = processes.live.programs[int(processes.program[position])]
    scan = _scan_state(columns, tag)
    counts = dict(zip(SEVERITIES, processes.severities[position].tolist(), strict=True))
    return LiveProcess(
        program_id=program.id,
        image_tag_id=int(columns.tag_id.values[tag]),
        name=program.name,
        path=program.path,
        arguments=program.line,
        sha256=program.sha256,
        image=_image_name(columns, tag),
        image_digest=columns.digests[tag],
        architecture=columns.architectures.values[columns.architecture.values[tag]],
        runtime_status=RuntimeStatus.RUNNING if processes.running[position] else RuntimeStatus.STOPPED,
        risks=list(risks_of(int(processes.badges[position]))),
        severities=counts if scan is ScanState.SCANNED else None,
        scan_state=scan,
        changed=bool(processes.changed[position]),
        workloads_count=int(processes.workloads[position]),
        last_seen_at=datetime.fromtimestamp(float(processes.last_at[position]), UTC),
        demonstration=bool(processes.demonstration[position]),
    )


def _scan_state(columns: LiveColumns, tag: int) -> ScanState:
    untrusted = columns.status.values[tag] == STATUSES.index(IntegrityStatus.UNTRUSTED_REGISTRY)
    return scan_state(1, int(columns.is_scanned[tag]), int(untrusted))


def _image_name(columns: LiveColumns, tag: int) -> str:
    name = columns.tag_names.values[columns.tag.values[tag]]
    image = columns.images.values[columns.image.values[tag]]
    return f"{image}:{name}" if name else f"{image}@{columns.digests[tag]}"
