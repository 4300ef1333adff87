"""From rated clusters to the bodies that answer requests. Pure."""

from collections.abc import Mapping

from deadlight.model.scan_configuration import CORE, DEFAULT_RETENTION_DAYS, EXPOSURES, Scanner
from deadlight.server.clusters.health import HEARTBEAT, NodeFacts, NodeStatus, RatedCluster, Timeouts
from deadlight.server.clusters.overview import Overview
from deadlight.server.clusters.problems import find_problems
from deadlight.server.clusters.schemas import (
    ClusterDetail,
    ClusterRow,
    ClustersOverview,
    ClusterTokenInfo,
    ConfigurationInfo,
    ControllerInfo,
    FailingCluster,
    NodeRow,
    ProblemInfo,
    ScannerCoverage,
    TimeoutsInfo,
)


def cluster_row(cluster: RatedCluster) -> ClusterRow:
    """A cluster as listed."""
    facts = cluster.facts
    return ClusterRow(
        id=str(facts.id),
        name=facts.name,
        status=cluster.status,
        controller=_controller(cluster),
        installation=facts.installation,
        provider=facts.provider,
        regions=list(facts.regions),
        kubernetes_version=facts.kubernetes_version,
        created_at=facts.created_at,
        demonstration=facts.demonstration,
        nodes_count=len(facts.nodes),
        nodes_by_status={status: cluster.count(status) for status in NodeStatus},
        problems=_problems(cluster),
        configuration=ConfigurationInfo(
            scanners=list(facts.configuration.scanners),
            retention_days=facts.configuration.retention_days,
            configured_by=facts.configured_by,
            configured_at=facts.configured_at,
        ),
        token=ClusterTokenInfo.model_validate(facts.token, from_attributes=True) if facts.token else None,
    )


def cluster_detail(cluster: RatedCluster) -> ClusterDetail:
    """A cluster with its nodes."""
    nodes = [_node(node, status) for node, status in zip(cluster.facts.nodes, cluster.nodes, strict=True)]
    return ClusterDetail(cluster=cluster_row(cluster), nodes=nodes)


def clusters_overview(overview: Overview, timeouts: Timeouts, lacking: Mapping[Scanner, str]) -> ClustersOverview:
    """The figures over all clusters; `lacking` says of scanners what this service is missing for them."""
    return ClustersOverview(
        clusters=overview.clusters,
        with_sensors=overview.with_sensors,
        nodes=overview.nodes,
        sensors_expected=overview.sensors_expected,
        sensors_running=overview.sensors_running,
        monitored_correctly=overview.is_monitored_correctly,
        failing=[_failing(cluster) for cluster in overview.failing],
        by_status=overview.by_status,
        by_provider=overview.by_provider,
        by_version=overview.by_version,
        coverage=[_coverage(scanner, count, lacking.get(scanner, "")) for scanner, count in overview.scanners.items()],
        default_retention_days=DEFAULT_RETENTION_DAYS,
        timeouts=TimeoutsInfo(
            heartbeat=HEARTBEAT.total_seconds(),
            agent=timeouts.agent.total_seconds(),
            installation=timeouts.installation.total_seconds(),
        ),
    )


def _controller(cluster: RatedCluster) -> ControllerInfo:
    controller = cluster.facts.controller
    return ControllerInfo(
        status=cluster.controller,
        version=controller.version if controller else "",
        node_name=controller.node_name if controller else "",
        last_seen_at=controller.last_seen_at if controller else None,
        started_at=controller.started_at if controller else None,
        problems=list(controller.problems) if controller else [],
    )


def _problems(cluster: RatedCluster) -> list[ProblemInfo]:
    return [ProblemInfo.model_validate(problem, from_attributes=True) for problem in find_problems(cluster)]


def _failing(cluster: RatedCluster) -> FailingCluster:
    facts = cluster.facts
    return FailingCluster(id=str(facts.id), name=facts.name, status=cluster.status, problems=_problems(cluster))


def _coverage(scanner: Scanner, clusters: int, lacking: str) -> ScannerCoverage:
    return ScannerCoverage(
        scanner=scanner,
        label=scanner.label,
        finds=scanner.finds,
        lacking=lacking,
        is_core=scanner in CORE,
        is_exposure=scanner in EXPOSURES,
        clusters=clusters,
    )


def _node(node: NodeFacts, status: NodeStatus) -> NodeRow:
    return NodeRow(
        id=node.uid,
        name=node.name,
        status=status,
        region=node.region,
        internal_ip=node.internal_ip,
        internal_dns=node.internal_dns,
        hostname=node.hostname,
        architecture=node.architecture,
        is_ready=node.is_ready,
        sensor_version=node.sensor.version if node.sensor else "",
        sensor_last_seen_at=node.sensor.last_seen_at if node.sensor else None,
        sensor_problems=list(node.sensor.problems) if node.sensor else [],
        sensor_kernel=node.sensor.kernel if node.sensor else "",
        sensor_tier=node.sensor.tier if node.sensor else "",
        sensor_hooks=list(node.sensor.hooks) if node.sensor else [],
        sensor_counters=dict(node.sensor.counters) if node.sensor else {},
    )
