"""Bodies of the endpoints of Cluster Management."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from deadlight.model.scan_configuration import (
    DEFAULT_RETENTION_DAYS,
    EXPOSURES,
    MAX_RETENTION_DAYS,
    ScanConfiguration,
    Scanner,
)
from deadlight.server.auth.registration import TokenState
from deadlight.server.auth.schemas import CLUSTER_NAME
from deadlight.server.clusters.health import ClusterStatus, ControllerStatus, InstallationType, NodeStatus
from deadlight.server.clusters.install import DEFAULT_NAMESPACE, Provider
from deadlight.server.clusters.overview import ClusterFilter, ClusterOrder
from deadlight.server.clusters.problems import ProblemKind, ProblemSeverity
from deadlight.server.db.zero_bytes import PlainText

MAX_AT_ONCE = 1000


class ClusterQuery(BaseModel):
    """Which clusters, and in which order."""

    search: PlainText = Field(default="", max_length=256)
    status: list[ClusterStatus] = Field(default=[], max_length=16)
    provider: list[PlainText] = Field(default=[], max_length=100)
    installation: list[InstallationType] = Field(default=[], max_length=16)
    without_scanner: list[Scanner] = Field(default=[], max_length=16)
    order_by: ClusterOrder = ClusterOrder.NAME
    descending: bool = False

    def cluster_filter(self) -> ClusterFilter:
        """The same for our lists."""
        return ClusterFilter(
            self.search,
            frozenset(self.status),
            frozenset(self.provider),
            frozenset(self.installation),
            frozenset(self.without_scanner),
        )


class ControllerInfo(BaseModel):
    """A cluster's controller."""

    status: ControllerStatus
    version: str
    node_name: str = Field(description="empty where it runs outside the cluster")
    last_seen_at: datetime | None
    started_at: datetime | None
    problems: list[str]


class ProblemInfo(BaseModel):
    """Something that is wrong with a cluster, and what to do."""

    kind: ProblemKind
    severity: ProblemSeverity
    message: str
    advice: str


class ConfigurationInfo(BaseModel):
    """What is scanned in a cluster, and for how many days a result is good."""

    scanners: list[Scanner]
    retention_days: int
    configured_by: str = Field(description="empty while the defaults hold")
    configured_at: datetime | None


class ClusterTokenInfo(BaseModel):
    """What a cluster's agents enrolled with."""

    id: int
    name: str
    expires_at: datetime
    state: TokenState


class ClusterRow(BaseModel):
    """A cluster with the state of its agents."""

    id: str
    name: str
    status: ClusterStatus
    controller: ControllerInfo
    installation: InstallationType
    provider: str
    regions: list[str]
    kubernetes_version: str
    created_at: datetime
    demonstration: bool
    nodes_count: int
    nodes_by_status: dict[NodeStatus, int]
    problems: list[ProblemInfo]
    configuration: ConfigurationInfo
    token: ClusterTokenInfo | None


class NodeRow(BaseModel):
    """A node with the state of its sensor."""

    id: str
    name: str
    status: NodeStatus
    region: str
    internal_ip: str
    internal_dns: str
    hostname: str
    architecture: str
    is_ready: bool = Field(description="what Kubernetes says of the node")
    sensor_version: str
    sensor_last_seen_at: datetime | None
    sensor_problems: list[str]
    sensor_kernel: str = Field(description="release and machine")
    sensor_tier: str = Field(description="how much the kernel lets the sensor see: T, L, S or F")
    sensor_hooks: list[str] = Field(description="what the sensor is attached to")
    sensor_counters: dict[str, int] = Field(description="what the sensor counted since it started")


class ClusterDetail(BaseModel):
    """A cluster with its nodes."""

    cluster: ClusterRow
    nodes: list[NodeRow]


class ScannerCoverage(BaseModel):
    """On how many clusters a scanner is switched on."""

    scanner: Scanner
    label: str
    finds: str
    lacking: str = Field(description="what this service lacks to scan for it; empty where it lacks nothing")
    is_core: bool = Field(description="without it the dashboard's figures are incomplete")
    is_exposure: bool = Field(description="it belongs to the group Exposures")
    clusters: int


class FailingCluster(BaseModel):
    """A cluster with something wrong."""

    id: str
    name: str
    status: ClusterStatus
    problems: list[ProblemInfo]


class TimeoutsInfo(BaseModel):
    """After how long silence means something, in seconds."""

    heartbeat: float = Field(description="how often agents beat")
    agent: float = Field(description="silent for longer, a controller has stopped and a sensor failed")
    installation: float = Field(description="without a sensor for longer, a node's installation has failed")


class ClustersOverview(BaseModel):
    """Figures over all clusters."""

    clusters: int
    with_sensors: int
    nodes: int
    sensors_expected: int
    sensors_running: int
    monitored_correctly: bool
    failing: list[FailingCluster]
    by_status: dict[ClusterStatus, int]
    by_provider: dict[str, int]
    by_version: dict[str, int]
    coverage: list[ScannerCoverage]
    default_retention_days: int
    timeouts: TimeoutsInfo


class ClusterList(BaseModel):
    """The clusters that were asked for, and figures over all there are."""

    clusters: list[ClusterRow]
    overview: ClustersOverview


class ScanConfigurationIn(BaseModel):
    """What is to be scanned in these clusters from now on."""

    cluster_ids: list[UUID] = Field(min_length=1, max_length=MAX_AT_ONCE)
    scanners: list[Scanner | Literal["exposures"]] = Field(
        max_length=16, description="those that are on; `exposures` is the group of secrets, applications, services, iac"
    )
    retention_days: int = Field(default=DEFAULT_RETENTION_DAYS, ge=1, le=MAX_RETENTION_DAYS)

    def configuration(self) -> ScanConfiguration:
        """The same for our rows: the group stands for its members, and the order is always the same."""
        group = EXPOSURES if "exposures" in self.scanners else ()
        chosen = {*self.scanners, *group}
        return ScanConfiguration(tuple(scanner for scanner in Scanner if scanner in chosen), self.retention_days)


Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class InstallationIn(BaseModel):
    """What to install where."""

    provider: Provider = Provider.KUBERNETES
    cluster_name: str = Field(pattern=CLUSTER_NAME, description="letters, digits and . _ : / @ -")
    namespace: Namespace = DEFAULT_NAMESPACE
    installation: InstallationType = InstallationType.CONTROLLER_AND_SENSORS


class InstallationStep(BaseModel):
    """Commands to give one after the other."""

    title: str
    command: str
    note: str


class InstallationOut(BaseModel):
    """How to install it, with a registration token that is good for a cluster of this name."""

    server_url: str
    token_id: int
    registration_token: str
    steps: list[InstallationStep]
    from_this_machine: InstallationStep
    warning: str = Field(description="why the cluster will not reach the service; empty where nothing is known")
