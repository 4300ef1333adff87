"""Processes gathered over workloads: the same program with the same arguments and hash in the same image is one. Pure.

A process has the risks of the packages it was seen to use, and what is wrong with where its image came from.
"""

from bisect import bisect_left
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from deadlight.model.live_list import ProcessOrder
from deadlight.server.assessment.gathered import Gathered
from deadlight.server.assessment.live_columns import LiveColumns
from deadlight.server.assessment.live_processes import LiveProcesses
from deadlight.server.assessment.live_vectors import Ints, Mask
from deadlight.server.assessment.workload_groups import OF_PROCESSES


@dataclass(frozen=True)
class Processes(Gathered):
    """Processes as columns."""

    live: LiveProcesses
    program: Ints
    """Code of the program."""
    image_tag: Ints
    """Position of the image tag."""
    workloads: Ints
    """In how many workloads it was seen."""
    running: Mask
    """Whether it runs in one of these, as far as sensors say; else whether one of these runs the image."""
    changed: Mask
    """The file was not the image's own in one of them at least."""
    demonstration: Mask
    last_at: NDArray[np.float64]


def gather_processes(live: LiveProcesses, chosen: Mask) -> Processes:
    """The processes of chosen positions of `LiveProcesses`."""
    columns, at = live.columns, np.flatnonzero(chosen & ~live.superseded.values)
    executed, places = live.executable.values[at], live.placement.values[at]
    workloads = np.bincount(executed, minlength=len(live.executables))
    which = np.flatnonzero(workloads)
    last_at = np.zeros(len(workloads))
    np.maximum.at(last_at, executed, live.last_at.values[at])
    tags = live.image_tag.values[which]

    def any_of(flags: Mask) -> Mask:
        return np.bincount(executed, flags, minlength=len(workloads))[which] > 0

    return Processes(
        live=live,
        program=live.program.values[which],
        image_tag=tags,
        badges=live.badges[which] | columns.badges[tags] & ~OF_PROCESSES,
        severities=live.severities[which].astype(np.int64),
        workloads=workloads[which],
        running=any_of(columns.running.values[places] & ~live.ended.values[at]),
        changed=any_of(live.changed.values[at]),
        demonstration=any_of(_demonstration(columns, places)),
        last_at=last_at[which],
    )


def _demonstration(columns: LiveColumns, places: Ints) -> Mask:
    known = columns.clusters
    flags = [code in known and known[code].demonstration for code in range(len(columns.cluster_ids))]
    of_place: Mask = np.array(flags, dtype=bool)[columns.cluster.values[places]]
    return of_place


def search_processes(live: LiveProcesses, containing: str) -> Mask:
    """Processes whose name, path, arguments or hash contain a text."""
    needle = containing.strip().lower()
    return live.of_programs(needle in text for text in live.texts)


class OrderedProcesses:
    """Processes in the order of a list: by a value, descending, then by name, program and image tag."""

    def __init__(self, processes: Processes, order: ProcessOrder) -> None:
        live = processes.live
        self._values = _order_values(processes, order)
        self._ranks = live.order.places[processes.program]
        self._tag_ids = live.columns.tag_id.values[processes.image_tag]
        self._order = live.order.programs
        self.at: Ints = np.lexsort((self._tag_ids, self._ranks, -self._values))
        """Positions in `processes`, in order."""

    def key(self, position: int) -> tuple[int, str, str, int]:
        """What tells where a list goes on after a process: value, name, program id and image tag id."""
        program = self._order[int(self._ranks[position])]
        return int(self._values[position]), program.name, str(program.id), int(self._tag_ids[position])

    def start_after(self, value: int, name: str, program_id: UUID, image_tag_id: int) -> int:
        """Where a list goes on after a process with this key, whether or not that is still there."""
        place = bisect_left(self._order, (name, program_id), key=lambda program: program[:2])
        is_there = place < len(self._order) and self._order[place][:2] == (name, program_id)
        rank = place if is_there else place - 0.5
        later_tag = (self._ranks == rank) & (self._tag_ids > image_tag_id)
        after = (self._values < value) | ((self._values == value) & ((self._ranks > rank) | later_tag))
        return len(self._values) - int(after.sum())


def _order_values(processes: Processes, order: ProcessOrder) -> Ints:
    match order:
        case ProcessOrder.RISK:
            return processes.ranks
        case ProcessOrder.VULNERABILITIES:
            totals: Ints = processes.severities.sum(axis=1)
            return totals
        case ProcessOrder.WORKLOADS:
            return processes.workloads
        case ProcessOrder.SEEN:
            return (processes.last_at * 1e6).astype(np.int64)
        case ProcessOrder.NAME:
            return np.zeros(len(processes), np.int64)
