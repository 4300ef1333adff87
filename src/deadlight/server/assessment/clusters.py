"""Clusters and nodes with the health of their agents."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.runtime_schemas import ClusterOut, NodeOut
from deadlight.server.db.paging import Text, decode_key, encode_key
from deadlight.server.errors import NotFoundError


class NodeStatus(StrEnum):
    """What is known of a node's sensor, in the documented spellings."""

    MONITORED = "monitored"
    """No sensor was installed: the cluster has a controller only."""
    MONITORED_WITH_SENSOR = "monitored_with_sensor"
    FAILED = "failed"
    """Its sensor has gone silent."""
    INSTALLATION_FAILED = "installation_failed"
    """Other nodes have sensors, this one has never had one."""
    DISABLED = "disabled"
    """Labelled not to have one."""


_CLUSTERS = text(
    """
    SELECT cluster.*, controller.version AS controller_version, controller.last_seen_at AS controller_last_seen_at,
           coalesce(controller.last_seen_at > now() - CAST(:agent_timeout AS interval), false) AS controller_running
    FROM cluster
    LEFT JOIN LATERAL (
        SELECT version, last_seen_at FROM agent
        WHERE agent.cluster_id = cluster.id AND agent.kind = 'controller' AND agent.revoked_at IS NULL
        ORDER BY last_seen_at DESC NULLS LAST LIMIT 1) AS controller ON true
    WHERE (CAST(:cluster_id AS uuid) IS NULL OR cluster.id = :cluster_id)
      AND (CAST(:after_name AS text) IS NULL OR (cluster.name, cluster.id) > (:after_name, CAST(:after_id AS uuid)))
    ORDER BY cluster.name, cluster.id LIMIT :limit
    """
)

_NODES = text(
    """
    SELECT node.*, sensor.id AS sensor_id, sensor.version AS sensor_version, sensor.last_seen_at AS sensor_last_seen_at,
           sensor.problems AS sensor_problems,
           coalesce(sensor.last_seen_at > now() - CAST(:agent_timeout AS interval), false) AS sensor_running,
           EXISTS (SELECT FROM agent WHERE agent.cluster_id = node.cluster_id AND agent.kind = 'sensor'
                   AND agent.revoked_at IS NULL) AS cluster_has_sensors
    FROM node
    LEFT JOIN LATERAL (
        SELECT id, version, last_seen_at, problems FROM agent
        WHERE agent.cluster_id = node.cluster_id AND agent.kind = 'sensor' AND agent.node_name = node.name
          AND agent.revoked_at IS NULL
        ORDER BY last_seen_at DESC NULLS LAST LIMIT 1) AS sensor ON true
    WHERE node.cluster_id = ANY(:cluster_ids) AND node.removed_at IS NULL
    ORDER BY node.name
    """
)

_COUNT = text("SELECT count(*) FROM cluster")


def rate_node(row: Row[Any]) -> NodeStatus:
    """The status of a node of `_NODES`. Pure."""
    if row.sensor_disabled:
        return NodeStatus.DISABLED
    if row.sensor_running:
        return NodeStatus.MONITORED_WITH_SENSOR
    if row.sensor_id is not None:
        return NodeStatus.FAILED
    return NodeStatus.INSTALLATION_FAILED if row.cluster_has_sensors else NodeStatus.MONITORED


async def list_clusters(
    connection: AsyncConnection, agent_timeout: timedelta, limit: int, next_key: str
) -> tuple[list[ClusterOut], int, str]:
    """A page of clusters by name, how many there are in all, and the key of the next page."""
    after = decode_key(next_key, "clusters", (Text, UUID)) if next_key else [None, None]
    parameters = {
        "agent_timeout": agent_timeout,
        "cluster_id": None,
        "after_name": after[0],
        "after_id": after[1],
        "limit": limit + 1,
    }
    rows = (await connection.execute(_CLUSTERS, parameters)).all()
    page = rows[:limit]
    nodes = await _list_nodes(connection, [row.id for row in page], agent_timeout)
    key = encode_key("clusters", [page[-1].name, page[-1].id]) if len(rows) > limit else ""
    total = (await connection.execute(_COUNT)).scalar_one()
    return [_cluster(row, [node for node in nodes if node.cluster_id == row.id]) for row in page], total, key


async def get_cluster(
    connection: AsyncConnection, cluster_id: UUID, agent_timeout: timedelta
) -> tuple[ClusterOut, list[NodeOut]]:
    """A cluster with its nodes; raises NotFoundError."""
    parameters = dict.fromkeys(("after_name", "after_id")) | {
        "agent_timeout": agent_timeout,
        "cluster_id": cluster_id,
        "limit": 1,
    }
    row = (await connection.execute(_CLUSTERS, parameters)).first()
    if row is None:
        raise NotFoundError("no such cluster")
    nodes = await _list_nodes(connection, [cluster_id], agent_timeout)
    return _cluster(row, nodes), [_node(node) for node in nodes]


async def _list_nodes(
    connection: AsyncConnection, cluster_ids: Sequence[UUID], agent_timeout: timedelta
) -> Sequence[Row[Any]]:
    parameters = {"cluster_ids": list(cluster_ids), "agent_timeout": agent_timeout}
    return (await connection.execute(_NODES, parameters)).all()


def _cluster(row: Row[Any], nodes: Sequence[Row[Any]]) -> ClusterOut:
    statuses = [rate_node(node) for node in nodes]
    return ClusterOut(
        id=str(row.id),
        name=row.name,
        monitored_at=row.created_at,
        controller_version=row.controller_version or "",
        controller_status="running" if row.controller_running else "stopped",
        controller_last_updated=row.controller_last_seen_at,
        provider=row.provider,
        regions=list(row.regions),
        nodes_count=len(nodes),
        running_nodes_count=statuses.count(NodeStatus.MONITORED_WITH_SENSOR),
        failed_nodes_count=statuses.count(NodeStatus.FAILED),
        failed_to_install_nodes_count=statuses.count(NodeStatus.INSTALLATION_FAILED),
        disabled_nodes_count=statuses.count(NodeStatus.DISABLED),
        demonstration=row.demonstration,
    )


def _node(row: Row[Any]) -> NodeOut:
    return NodeOut(
        id=row.uid,
        name=row.name,
        hostname=row.hostname,
        architecture=row.architecture,
        internal_dns=row.internal_dns,
        internal_ip=row.internal_ip,
        region=row.region,
        monitored_at=row.first_seen_at,
        sensor_installed=row.sensor_id is not None,
        sensor_last_updated=row.sensor_last_seen_at,
        sensor_version=row.sensor_version or "",
        sensor_problems=list(row.sensor_problems or ()),
        status=rate_node(row).value,
    )
