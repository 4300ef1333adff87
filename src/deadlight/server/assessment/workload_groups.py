"""Places gathered into workloads: their risks, how many vulnerabilities they have and in which order they come. Pure.

What is malicious, or critical and applicable, is said of a workload as far as sensors saw its processes use it. Where
they have not seen any of its processes it is said of its images: nothing is clean because nobody looked.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deadlight.model.integrity import IntegrityStatus
from deadlight.model.live_list import WorkloadOrder
from deadlight.model.risk import Risk
from deadlight.server.assessment.gathered import Gathered
from deadlight.server.assessment.live_columns import RISK_BITS, STATUSES, LiveColumns
from deadlight.server.assessment.live_processes import LiveProcesses
from deadlight.server.assessment.live_vectors import NONE, Ints, Mask, TextOrder

OF_PROCESSES = RISK_BITS[Risk.MALICIOUS] | RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]
"""Badges that processes bring; the others come from images."""


class Places:
    """Some placements with what their images and processes bring."""

    def __init__(self, live: LiveProcesses, at: Ints) -> None:
        columns, tags = live.columns, live.columns.placed_tag.values[at]
        slots = np.full(len(columns.placed_tag), NONE, np.int64)
        slots[at] = np.arange(len(at))
        of_process = slots[live.placement.values]
        executed, slot = live.executable.values[of_process != NONE], of_process[of_process != NONE]
        self.processes: Ints = np.bincount(slot, minlength=len(at))
        """How many processes were seen."""
        seen = self.processes > 0
        self.badges: Ints = np.where(seen, columns.badges[tags] & ~OF_PROCESSES, columns.badges[tags])
        self.badges |= any_bits(slot, live.badges[executed], len(at))
        self.severities: NDArray[np.int64] = columns.severities[tags].astype(np.int64)
        self.severities[seen] = 0
        self.severities += sum_by(slot, live.severities[executed], len(at))
        self.detections: NDArray[np.int32] = columns.detections.values[at]


@dataclass(frozen=True)
class Workloads(Gathered):
    """Workloads as columns; the order is that of their ids until they are ordered."""

    columns: LiveColumns
    ids: Ints
    places: Ints
    """A placement of each."""
    images: Ints
    """How many image tags each has."""
    scanned: Ints
    """How many of these are scanned."""
    untrusted: Ints
    """How many of these come from an untrusted registry."""
    processes: Ints
    """How many processes were seen."""
    detections: NDArray[np.int64]
    """How many are open, by severity."""
    running: Mask
    registry: Ints
    """The first of its images', as a place in the order of registries."""


def gather_workloads(live: LiveProcesses, chosen: Mask, of_period: Mask) -> Workloads:
    """The workloads with a chosen placement, with what all their placements of the period add up to."""
    columns = live.columns
    workloads = columns.workload.values
    wanted = np.zeros(len(columns.workload_ids), dtype=bool)
    wanted[workloads[chosen & of_period]] = True
    at = np.flatnonzero(of_period & wanted[workloads])
    places, tags, length = Places(live, at), columns.placed_tag.values[at], int(wanted.sum())
    groups = (np.cumsum(wanted) - 1)[workloads[at]]
    one = np.empty(length, np.int64)
    one[groups] = at
    untrusted = columns.status.values[tags] == STATUSES.index(IntegrityStatus.UNTRUSTED_REGISTRY)
    registry = np.full(length, len(columns.registries), np.int64)
    np.minimum.at(registry, groups, columns.registries.order.places[columns.registry.values[tags]])

    def count(values: NDArray[Any]) -> Ints:
        return np.bincount(groups, values, minlength=length).astype(np.int64)

    return Workloads(
        columns=columns,
        ids=np.array(columns.workload_ids.values, np.int64)[wanted],
        places=one,
        badges=any_bits(groups, places.badges, length),
        severities=sum_by(groups, places.severities, length),
        images=np.bincount(groups, minlength=length),
        scanned=count(columns.is_scanned[tags]),
        untrusted=count(untrusted),
        processes=count(places.processes),
        detections=sum_by(groups, places.detections, length),
        running=count(columns.running.values[at]) > 0,
        registry=registry,
    )


def any_bits(groups: Ints, badges: Ints, length: int) -> Ints:
    """The badges that any member of each group has."""
    found = np.zeros(length, np.int64)
    for bit in RISK_BITS.values():
        found[groups[badges & bit > 0]] |= bit
    return found


def sum_by(groups: Ints, severities: NDArray[Any], length: int) -> NDArray[np.int64]:
    """The vulnerabilities, or detections, of all members of each group, by severity."""
    levels = [np.bincount(groups, counts, minlength=length) for counts in severities.T]
    return np.stack(levels, axis=1).astype(np.int64)


class Ordered:
    """Workloads in the order of a list: by a value, descending, or a text, then by name and id."""

    def __init__(self, workloads: Workloads, order: WorkloadOrder) -> None:
        columns = workloads.columns
        self._workloads = workloads
        self._texts, self._values = _order_values(workloads, order)
        self._names = columns.workload_names.order
        self._ranks = self._names.places[columns.workload_name.values[workloads.places]]
        self.at: Ints = np.lexsort((workloads.ids, self._ranks, -self._values))
        """Positions in `workloads`, in order."""

    def key(self, position: int) -> tuple[int, str, str, int]:
        """What tells where a list goes on after a workload: value, text, name and id."""
        value = int(self._values[position])
        text = self._texts[-value] if self._texts else ""
        return value, text, self._names[int(self._ranks[position])], int(self._workloads.ids[position])

    def start_after(self, value: int, text: str, name: str, last_id: int) -> int:
        """Where a list goes on after a workload with this key, whether or not that is still there."""
        last = -self._texts.find(text) if self._texts else value
        rank = self._names.find(name)
        later_id = (self._ranks == rank) & (self._workloads.ids > last_id)
        after = (self._values < last) | ((self._values == last) & ((self._ranks > rank) | later_id))
        return len(self._workloads) - int(after.sum())


def _order_values(workloads: Workloads, order: WorkloadOrder) -> tuple[TextOrder | None, Ints]:
    """What workloads are ordered by, descending; places in texts are negative, so that these ascend."""
    columns = workloads.columns
    match order:
        case WorkloadOrder.RISK:
            return None, workloads.ranks
        case WorkloadOrder.VULNERABILITIES:
            return None, workloads.severities.sum(axis=1)
        case WorkloadOrder.STATUS:
            return None, workloads.running.astype(np.int64)
        case WorkloadOrder.NAME:
            return None, np.zeros(len(workloads), np.int64)
        case WorkloadOrder.CLUSTER:
            texts = columns.order_clusters()
            return texts, -texts.places[columns.cluster.values[workloads.places]]
        case WorkloadOrder.REGISTRY:
            return columns.registries.order, -workloads.registry
