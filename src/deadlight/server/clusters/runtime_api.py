"""Clusters in the public Runtime API, in the documented shapes."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from deadlight.server.assessment.runtime_schemas import Pagination, RuntimeListRequest
from deadlight.server.auth.requests import Admin
from deadlight.server.clusters.api import timeouts_of
from deadlight.server.clusters.health import NodeFacts, NodeStatus, RatedCluster, rate
from deadlight.server.clusters.queries import count_clusters, get_cluster, list_cluster_names, load_clusters
from deadlight.server.db.engine import autocommit
from deadlight.server.db.paging import Text, decode_key, encode_key
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/runtime/api/v1", tags=["runtime"])


class ClusterOut(BaseModel):
    """A cluster as listed."""

    id: str
    name: str
    monitored_at: datetime
    controller_version: str
    controller_status: str
    controller_last_updated: datetime | None
    provider: str
    regions: list[str]
    nodes_count: int
    running_nodes_count: int
    failed_nodes_count: int
    failed_to_install_nodes_count: int
    disabled_nodes_count: int
    demonstration: bool


class ClustersOut(BaseModel):
    """A page of clusters."""

    total_count: int
    pagination: Pagination
    clusters: list[ClusterOut]


class NodeOut(BaseModel):
    """A node."""

    id: str
    name: str
    hostname: str
    architecture: str
    internal_dns: str
    internal_ip: str
    region: str
    monitored_at: datetime
    sensor_installed: bool
    sensor_last_updated: datetime | None
    sensor_version: str
    sensor_problems: list[str]
    status: str


class ClusterDetailOut(BaseModel):
    """A cluster with its nodes."""

    cluster: ClusterOut
    nodes: list[NodeOut]


@router.post("/clusters", operation_id="listClusters")
async def post_clusters(body: RuntimeListRequest, _: Admin, services: ServicesDep) -> ClustersOut:
    """Clusters with the health of their agents."""
    limit = body.checked_limit()
    key = decode_key(body.next_key, "clusters", (Text, UUID)) if body.next_key else None
    async with autocommit(services.engine) as connection:
        names = await list_cluster_names(connection, (key[0], key[1]) if key else None, limit + 1)
        page = names[:limit]
        facts, now = await load_clusters(connection, [row.id for row in page])
        total = await count_clusters(connection)
    next_key = encode_key("clusters", [page[-1].name, page[-1].id]) if len(names) > limit else ""
    rated = [rate(item, now, timeouts_of(services.settings)) for item in facts]
    return ClustersOut(
        total_count=total,
        pagination=Pagination(limit=limit, next_key=next_key),
        clusters=[_cluster(item) for item in rated],
    )


@router.get("/cluster/{cluster_id}", operation_id="getCluster")
@router.get("/clusters/{cluster_id}/", include_in_schema=False)
async def get_cluster_detail(cluster_id: UUID, _: Admin, services: ServicesDep) -> ClusterDetailOut:
    """A cluster with its nodes."""
    async with autocommit(services.engine) as connection:
        facts, now = await get_cluster(connection, cluster_id)
    rated = rate(facts, now, timeouts_of(services.settings))
    nodes = [_node(node, status) for node, status in zip(facts.nodes, rated.nodes, strict=True)]
    return ClusterDetailOut(cluster=_cluster(rated), nodes=nodes)


def _cluster(cluster: RatedCluster) -> ClusterOut:
    facts = cluster.facts
    return ClusterOut(
        id=str(facts.id),
        name=facts.name,
        monitored_at=facts.created_at,
        controller_version=facts.controller.version if facts.controller else "",
        controller_status=cluster.controller,
        controller_last_updated=facts.controller.last_seen_at if facts.controller else None,
        provider=facts.provider,
        regions=list(facts.regions),
        nodes_count=len(facts.nodes),
        running_nodes_count=cluster.count(NodeStatus.MONITORED_WITH_SENSOR),
        failed_nodes_count=cluster.count(NodeStatus.FAILED),
        failed_to_install_nodes_count=cluster.count(NodeStatus.INSTALLATION_FAILED),
        disabled_nodes_count=cluster.count(NodeStatus.DISABLED),
        demonstration=facts.demonstration,
    )


def _node(node: NodeFacts, status: NodeStatus) -> NodeOut:
    sensor = node.sensor
    return NodeOut(
        id=node.uid,
        name=node.name,
        hostname=node.hostname,
        architecture=node.architecture,
        internal_dns=node.internal_dns,
        internal_ip=node.internal_ip,
        region=node.region,
        monitored_at=node.first_seen_at,
        sensor_installed=sensor is not None,
        sensor_last_updated=sensor.last_seen_at if sensor else None,
        sensor_version=sensor.version if sensor else "",
        sensor_problems=list(sensor.problems) if sensor else [],
        status=status,
    )
