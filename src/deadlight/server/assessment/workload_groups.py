"""Places gathered into workloads: their risks, how many vulnerabilities they have and in which order they come. Pure.

What is malicious, or critical and applicable, is said of a workload as far as sensors saw its processes use it. Where
they have not seen any of its processes it is said of its images: nothing is clean because nobody looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deadlight.model.integrity import IntegrityStatus
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.live_columns import RISK_BITS, SEVERITIES, STATUSES, Ints, LiveColumns, Mask, TextOrder
from deadlight.server.assessment.live_processes import LiveProcesses

OF_PROCESSES = RISK_BITS[Risk.MALICIOUS] | RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]
"""Badges that processes bring; the others come from images."""


class WorkloadOrder(StrEnum):
    """What a list of workloads is ordered by; workloads that are alike in it follow by name."""

    RISK = "risk"
    """Riskiest first."""
    VULNERABILITIES = "vulnerabilities"
    """Those with most first."""
    NAME = "name"
    CLUSTER = "cluster"
    STATUS = "status"
    """Running ones first."""
    REGISTRY = "registry"
    """By the first registry of its images."""


class Places:
    """Placements with what their images and processes bring, one of each for every position of `LiveColumns`."""

    def __init__(self, processes: LiveProcesses) -> None:
        columns = processes.columns
        self.columns = columns
        self.processes: Ints = np.bincount(processes.placement.values, minlength=len(columns.placement))
        """How many processes were seen."""
        seen, tags = self.processes > 0, columns.placed_tag.values
        severities, badges = processes.risks()
        self.badges: Ints = np.where(seen, columns.badges[tags] & ~OF_PROCESSES, columns.badges[tags])
        for bit in (RISK_BITS[Risk.MALICIOUS], RISK_BITS[Risk.CRITICAL_APPLICABLE_CVES]):
            having = np.zeros(len(seen), dtype=bool)
            having[processes.placement.values[badges & bit > 0]] = True
            self.badges |= np.where(having, bit, 0)
        self.severities: NDArray[np.int64] = np.where(seen[:, None], 0, columns.severities.values[tags])
        for level in range(len(SEVERITIES)):
            self.severities[:, level] += np.bincount(
                processes.placement.values, severities[:, level], minlength=len(seen)
            ).astype(np.int64)


@dataclass(frozen=True)
class Workloads:
    """Workloads as columns; the order is that of their ids until they are ordered."""

    columns: LiveColumns
    ids: Ints
    places: Ints
    """A placement of each."""
    badges: Ints
    severities: NDArray[np.int64]
    images: Ints
    """How many image tags each has."""
    scanned: Ints
    """How many of these are scanned."""
    untrusted: Ints
    """How many of these come from an untrusted registry."""
    processes: Ints
    """How many processes were seen."""
    running: Mask
    registries: TextOrder
    registry: Ints
    """The first of its images', as a place in `registries`."""

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def ranks(self) -> Ints:
        """How bad each is: by its badges, then by its Critical, High and Medium vulnerabilities."""
        counts = np.minimum(self.severities, 0xFFFF)
        ranks: Ints = self.badges << 48 | counts[:, 0] << 32 | counts[:, 1] << 16 | counts[:, 2]
        return ranks

    def chosen(self, mask: Mask) -> "Workloads":
        """Those that a mask chooses."""
        names = ("ids", "places", "badges", "severities", "images", "scanned", "untrusted", "processes", "running")
        return replace(self, **{name: getattr(self, name)[mask] for name in (*names, "registry")})

    def having(self, risks: Sequence[Risk], severities: Sequence[Severity]) -> Mask:
        """Those with one of these risks, and with vulnerabilities of one of these severities, where any are given."""
        wanted = np.ones(len(self), dtype=bool)
        if risks:
            wanted &= self.badges & sum(RISK_BITS[risk] for risk in set(risks)) > 0
        if severities:
            wanted &= self.severities[:, [SEVERITIES.index(item) for item in severities]].max(axis=1) > 0
        return wanted


def gather_workloads(places: Places, chosen: Mask, of_period: Mask) -> Workloads:
    """The workloads with a chosen placement, with what all their placements of the period add up to."""
    columns = places.columns
    workload_ids = columns.workload_id.values
    at = np.flatnonzero(of_period & np.isin(workload_ids, np.unique(workload_ids[chosen & of_period])))
    ids, first, groups = np.unique(workload_ids[at], return_index=True, return_inverse=True)
    tags = columns.placed_tag.values[at]
    untrusted = columns.status.values[tags] == STATUSES.index(IntegrityStatus.UNTRUSTED_REGISTRY)

    def count(values: NDArray[np.generic]) -> Ints:
        return np.bincount(groups, values, minlength=len(ids)).astype(np.int64)

    registries, registry = _first_registries(columns, tags, groups, len(ids))
    return Workloads(
        columns=columns,
        ids=ids,
        places=at[first],
        badges=_any_bits(groups, places.badges[at], len(ids)),
        severities=np.stack([count(places.severities[at, level]) for level in range(len(SEVERITIES))], axis=1),
        images=np.bincount(groups, minlength=len(ids)),
        scanned=count(columns.is_scanned.values[tags]),
        untrusted=count(untrusted),
        processes=count(places.processes[at]),
        running=count(columns.running.values[at]) > 0,
        registries=registries,
        registry=registry,
    )


def _any_bits(groups: Ints, badges: Ints, length: int) -> Ints:
    found = np.zeros(length, np.int64)
    for bit in RISK_BITS.values():
        found[groups[badges & bit > 0]] |= bit
    return found


def _first_registries(columns: LiveColumns, tags: Ints, groups: Ints, length: int) -> tuple[TextOrder, Ints]:
    order = TextOrder([image.registry for image in columns.images.values])
    first = np.full(length, len(order), np.int64)
    np.minimum.at(first, groups, order.places[columns.image.values[tags]])
    return order, first


class Ordered:
    """Workloads in the order of a list: by a value, descending, or a text, then by name and id."""

    def __init__(self, workloads: Workloads, order: WorkloadOrder) -> None:
        columns = workloads.columns
        self._workloads = workloads
        self._texts, self._values = _order_values(workloads, order)
        self._names = columns.workload_order
        self._ranks = self._names.places[columns.workload.values[workloads.places]]
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
            known = columns.clusters
            names = [known[code].name if code in known else "" for code in range(len(columns.cluster_ids.values))]
            texts = TextOrder(names)
            return texts, -texts.places[columns.cluster.values[workloads.places]]
        case WorkloadOrder.REGISTRY:
            return workloads.registries, -workloads.registry
