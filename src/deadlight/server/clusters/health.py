"""What is said of agents, nodes and clusters from when they were last heard of. Pure: facts and the time go in.

Agents beat every `HEARTBEAT`. One that has been silent for longer than `Timeouts.agent` counts as stopped (a
controller) or failed (a sensor). Where a cluster has sensors, a node without one counts as failed to install after
`Timeouts.installation`. docs/user/clusters.md states the times, and the console shows them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from deadlight.model.scan_configuration import ScanConfiguration
from deadlight.server.auth.registration import TokenState

HEARTBEAT = timedelta(seconds=30)
"""How often agents beat; a test holds it to theirs."""


class NodeStatus(StrEnum):
    """What is known of a node's sensor, in the documented spellings."""

    MONITORED = "monitored"
    """It has no sensor: the cluster has a controller only, or its sensor is still being installed."""
    MONITORED_WITH_SENSOR = "monitored_with_sensor"
    FAILED = "failed"
    """Its sensor has gone silent."""
    INSTALLATION_FAILED = "installation_failed"
    """Other nodes have sensors, and this one has had none for too long."""
    DISABLED = "disabled"
    """Labelled not to have one."""


class ControllerStatus(StrEnum):
    """Whether a cluster's controller has been heard of lately, in the documented spellings."""

    RUNNING = "running"
    STOPPED = "stopped"


class ClusterStatus(StrEnum):
    """The state of a cluster's agents as a whole, worst first."""

    FAILED = "failed"
    """Its controller has stopped or a sensor has failed."""
    INSTALLATION_FAILED = "installation_failed"
    """A node's sensor has not come."""
    DISABLED = "disabled"
    """Every node is labelled not to have a sensor."""
    RUNNING = "running"


class InstallationType(StrEnum):
    """What has been installed in a cluster."""

    CONTROLLER_ONLY = "controller_only"
    CONTROLLER_AND_SENSORS = "controller_and_sensors"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """After how long silence means something."""

    agent: timedelta
    installation: timedelta


@dataclass(frozen=True, slots=True)
class SensorFacts:
    """A sensor as it was last heard of."""

    version: str
    last_seen_at: datetime | None
    problems: tuple[str, ...] = ()
    """What it says troubles it."""
    kernel: str = ""
    """Release and machine."""
    tier: str = ""
    """How much its kernel lets it see: `L`, `T` or `S`."""
    hooks: tuple[str, ...] = ()
    """What it is attached to."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """What it counted since it started."""

    def is_alive(self, now: datetime, timeouts: Timeouts) -> bool:
        """Whether it has been heard of lately."""
        return self.last_seen_at is not None and now - self.last_seen_at <= timeouts.agent


@dataclass(frozen=True, slots=True)
class ControllerFacts(SensorFacts):
    """A controller as it was last heard of."""

    node_name: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node, and its sensor where it has had one."""

    uid: str
    name: str
    hostname: str
    architecture: str
    internal_dns: str
    internal_ip: str
    region: str
    first_seen_at: datetime
    sensor_disabled: bool
    is_ready: bool
    sensor: SensorFacts | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a cluster's agents enrolled with: of several tokens the one that lasts longest."""

    id: int
    name: str
    expires_at: datetime
    state: TokenState


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A cluster with everything that its state follows from."""

    id: UUID
    name: str
    provider: str
    regions: tuple[str, ...]
    kubernetes_version: str
    created_at: datetime
    demonstration: bool
    controller: ControllerFacts | None
    nodes: tuple[NodeFacts, ...]
    sensors_since: datetime | None
    """When its first sensor enrolled; None in a cluster that has a controller only."""
    token: TokenFacts | None
    configuration: ScanConfiguration
    configured_by: str = ""
    configured_at: datetime | None = None

    @property
    def installation(self) -> InstallationType:
        """What has been installed."""
        if self.sensors_since is None:
            return InstallationType.CONTROLLER_ONLY
        return InstallationType.CONTROLLER_AND_SENSORS


def rate_controller(controller: ControllerFacts | None, now: datetime, timeouts: Timeouts) -> ControllerStatus:
    """The status of a cluster's controller."""
    is_alive = controller is not None and controller.is_alive(now, timeouts)
    return ControllerStatus.RUNNING if is_alive else ControllerStatus.STOPPED


def rate_node(node: NodeFacts, sensors_since: datetime | None, now: datetime, timeouts: Timeouts) -> NodeStatus:
    """The status of a node of a cluster whose first sensor enrolled at `sensors_since`."""
    if node.sensor_disabled:
        return NodeStatus.DISABLED
    if node.sensor is not None:
        return NodeStatus.MONITORED_WITH_SENSOR if node.sensor.is_alive(now, timeouts) else NodeStatus.FAILED
    if sensors_since is None:
        return NodeStatus.MONITORED
    is_overdue = now - max(node.first_seen_at, sensors_since) > timeouts.installation
    return NodeStatus.INSTALLATION_FAILED if is_overdue else NodeStatus.MONITORED


def rate_cluster(controller: ControllerStatus, nodes: Sequence[NodeStatus]) -> ClusterStatus:
    """The status of a cluster as a whole."""
    if controller is ControllerStatus.STOPPED or NodeStatus.FAILED in nodes:
        return ClusterStatus.FAILED
    if NodeStatus.INSTALLATION_FAILED in nodes:
        return ClusterStatus.INSTALLATION_FAILED
    if nodes and all(status is NodeStatus.DISABLED for status in nodes):
        return ClusterStatus.DISABLED
    return ClusterStatus.RUNNING


@dataclass(frozen=True, slots=True)
class RatedCluster:
    """A cluster with its status and those of its nodes, at one moment."""

    facts: ClusterFacts
    controller: ControllerStatus
    nodes: tuple[NodeStatus, ...]
    """In the order of `facts.nodes`."""
    status: ClusterStatus
    at: datetime

    def count(self, status: NodeStatus) -> int:
        """How many nodes have a status."""
        return self.nodes.count(status)

    def nodes_that_are(self, status: NodeStatus) -> list[NodeFacts]:
        """The nodes that have a status."""
        return [node for node, rated in zip(self.facts.nodes, self.nodes, strict=True) if rated is status]


def rate(facts: ClusterFacts, now: datetime, timeouts: Timeouts) -> RatedCluster:
    """Everything that is said of a cluster at a moment."""
    controller = rate_controller(facts.controller, now, timeouts)
    nodes = tuple(rate_node(node, facts.sensors_since, now, timeouts) for node in facts.nodes)
    return RatedCluster(facts, controller, nodes, rate_cluster(controller, nodes), now)
