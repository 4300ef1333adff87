"""All clusters together: figures, what needs attention, and lists in any order. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deadlight.model.scan_configuration import Scanner
from deadlight.server.clusters.health import ClusterStatus, InstallationType, NodeStatus, RatedCluster
from deadlight.server.clusters.problems import find_problems

MOST_USED = 5
"""So many versions are named."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Figures over all clusters."""

    clusters: int
    with_sensors: int
    nodes: int
    sensors_expected: int
    """Nodes of clusters with sensors that are not labelled to have none."""
    sensors_running: int
    failing: tuple[RatedCluster, ...]
    """Clusters with a problem, the worst status first."""
    by_status: dict[ClusterStatus, int]
    by_provider: dict[str, int]
    by_version: dict[str, int]
    """The most used versions of controllers."""
    scanners: dict[Scanner, int]
    """On how many clusters each is on."""

    @property
    def is_monitored_correctly(self) -> bool:
        """Whether there is something to monitor, and nothing wrong with how it is."""
        return self.clusters > 0 and not self.failing


def summarise(clusters: Sequence[RatedCluster]) -> Overview:
    """The figures of clusters."""
    with_sensors = [item for item in clusters if item.facts.installation is InstallationType.CONTROLLER_AND_SENSORS]
    statuses = Counter(item.status for item in clusters)
    versions = Counter(item.facts.controller.version for item in clusters if item.facts.controller)
    order = list(ClusterStatus)
    failing = [item for item in clusters if find_problems(item)]
    return Overview(
        clusters=len(clusters),
        with_sensors=len(with_sensors),
        nodes=sum(len(item.nodes) for item in clusters),
        sensors_expected=sum(len(item.nodes) - item.count(NodeStatus.DISABLED) for item in with_sensors),
        sensors_running=sum(item.count(NodeStatus.MONITORED_WITH_SENSOR) for item in clusters),
        failing=tuple(sorted(failing, key=lambda item: order.index(item.status))),
        by_status={status: statuses[status] for status in ClusterStatus},
        by_provider=dict(Counter(item.facts.provider for item in clusters).most_common()),
        by_version=dict(versions.most_common(MOST_USED)),
        scanners={
            scanner: sum(scanner in item.facts.configuration.scanners for item in clusters) for scanner in Scanner
        },
    )


class ClusterOrder(StrEnum):
    """What a list of clusters is ordered by."""

    NAME = "name"
    STATUS = "status"
    CONTROLLER = "controller"
    SENSORS = "sensors"
    PROVIDER = "provider"
    LOCATION = "location"
    VERSION = "version"
    CREATED_AT = "created_at"


@dataclass(frozen=True, slots=True)
class ClusterFilter:
    """What a list of clusters is narrowed by; empty parts narrow nothing."""

    search: str = ""
    statuses: frozenset[ClusterStatus] = frozenset()
    providers: frozenset[str] = frozenset()
    installations: frozenset[InstallationType] = frozenset()
    without_scanners: frozenset[Scanner] = frozenset()

    def takes(self, cluster: RatedCluster) -> bool:
        """Whether a cluster is in the list: every word of the search is somewhere in what its row shows."""
        facts = cluster.facts
        shown = " ".join((facts.name, facts.provider, *facts.regions, _version(cluster), str(facts.id))).casefold()
        return (
            all(word in shown for word in self.search.casefold().split())
            and (not self.statuses or cluster.status in self.statuses)
            and (not self.providers or facts.provider in self.providers)
            and (not self.installations or facts.installation in self.installations)
            and not self.without_scanners & frozenset(facts.configuration.scanners)
        )


def select(
    clusters: Sequence[RatedCluster], wanted: ClusterFilter, order: ClusterOrder, *, descending: bool
) -> list[RatedCluster]:
    """The clusters that a filter takes, in an order; those that are equal in it by name."""
    found = sorted((item for item in clusters if wanted.takes(item)), key=_by_name)
    return sorted(found, key=_ORDERS[order], reverse=descending)


def _by_name(cluster: RatedCluster) -> tuple[str, str]:
    return cluster.facts.name.casefold(), str(cluster.facts.id)


def _version(cluster: RatedCluster) -> str:
    return cluster.facts.controller.version if cluster.facts.controller else ""


def _running(cluster: RatedCluster) -> float:
    return cluster.count(NodeStatus.MONITORED_WITH_SENSOR) / max(1, len(cluster.nodes))


_ORDERS: dict[ClusterOrder, Callable[[RatedCluster], Any]] = {
    ClusterOrder.NAME: _by_name,
    ClusterOrder.STATUS: lambda item: list(ClusterStatus).index(item.status),
    ClusterOrder.CONTROLLER: lambda item: item.controller.value,
    ClusterOrder.SENSORS: _running,
    ClusterOrder.PROVIDER: lambda item: item.facts.provider.casefold(),
    ClusterOrder.LOCATION: lambda item: item.facts.regions,
    ClusterOrder.VERSION: _version,
    ClusterOrder.CREATED_AT: lambda item: item.facts.created_at,
}
