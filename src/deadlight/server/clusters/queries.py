"""Clusters from their rows: five statements, however many there are."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.scan_configuration import ScanConfiguration, Scanner
from deadlight.server.auth.registration import rate_token
from deadlight.server.clusters.health import ClusterFacts, ControllerFacts, NodeFacts, SensorFacts, TokenFacts
from deadlight.server.errors import NotFoundError

_CLUSTERS = text(
    """
    SELECT cluster.*, configuration.scanners, configuration.retention_days,
           configuration.changed_by AS configured_by, configuration.changed_at AS configured_at, now() AS now
    FROM cluster LEFT JOIN scan_configuration AS configuration ON configuration.cluster_id = cluster.id
    WHERE cluster.removed_at IS NULL AND (CAST(:cluster_ids AS uuid[]) IS NULL OR cluster.id = ANY(:cluster_ids))
    ORDER BY cluster.name, cluster.id
    """
)

_CONTROLLERS = text(
    """
    SELECT DISTINCT ON (cluster_id) * FROM agent
    WHERE kind = 'controller' AND revoked_at IS NULL AND cluster_id = ANY(:cluster_ids)
    ORDER BY cluster_id, last_seen_at DESC NULLS LAST
    """
)

_SENSORS_SINCE = text(
    """
    SELECT cluster_id, min(enrolled_at) AS since FROM agent
    WHERE kind = 'sensor' AND revoked_at IS NULL AND cluster_id = ANY(:cluster_ids) GROUP BY cluster_id
    """
)

_NODES = text(
    """
    SELECT node.cluster_id, node.uid, node.name, node.hostname, node.architecture, node.internal_dns,
           node.internal_ip, node.region, node.first_seen_at, node.sensor_disabled, node.ready,
           sensor.version AS sensor_version, sensor.last_seen_at AS sensor_last_seen_at,
           nullif(sensor.problems, '[]') AS sensor_problems, sensor.kernel AS sensor_kernel, sensor.tier AS sensor_tier,
           sensor.hooks AS sensor_hooks, sensor.counters AS sensor_counters
    FROM node
    LEFT JOIN (
        SELECT DISTINCT ON (cluster_id, node_name) cluster_id, node_name, version, last_seen_at, problems, kernel,
               tier, hooks, counters
        FROM agent
        WHERE kind = 'sensor' AND revoked_at IS NULL AND cluster_id = ANY(:cluster_ids)
        ORDER BY cluster_id, node_name, last_seen_at DESC NULLS LAST
    ) AS sensor ON sensor.cluster_id = node.cluster_id AND sensor.node_name = node.name
    WHERE node.cluster_id = ANY(:cluster_ids) AND node.removed_at IS NULL
    ORDER BY node.cluster_id, node.name
    """
)

_TOKENS = text(
    """
    SELECT DISTINCT ON (agent.cluster_id) agent.cluster_id, token.id, token.name, token.expires_at, token.revoked_at
    FROM agent JOIN registration_token AS token ON token.id = agent.registration_token_id
    WHERE agent.revoked_at IS NULL AND agent.cluster_id = ANY(:cluster_ids)
    ORDER BY agent.cluster_id, token.revoked_at DESC NULLS FIRST, token.expires_at DESC
    """
)

_NAMES = text(
    """
    SELECT id, name FROM cluster
    WHERE removed_at IS NULL
      AND (CAST(:after_name AS text) IS NULL OR (name, id) > (:after_name, CAST(:after_id AS uuid)))
    ORDER BY name, id LIMIT :limit
    """
)

_COUNT = text("SELECT count(*) FROM cluster WHERE removed_at IS NULL")


async def load_clusters(
    connection: AsyncConnection, cluster_ids: Sequence[UUID] | None = None
) -> tuple[list[ClusterFacts], datetime]:
    """Clusters by name, all or those with these ids, and the database's time, by which agents were heard of."""
    rows = (await connection.execute(_CLUSTERS, {"cluster_ids": cluster_ids})).all()
    if not rows:
        return [], (await connection.execute(text("SELECT now()"))).scalar_one()
    ids = {"cluster_ids": [row.id for row in rows]}
    controllers = {row.cluster_id: row for row in await connection.execute(_CONTROLLERS, ids)}
    since = {row.cluster_id: row.since for row in await connection.execute(_SENSORS_SINCE, ids)}
    tokens = {row.cluster_id: row for row in await connection.execute(_TOKENS, ids)}
    by_cluster = groupby(await connection.execute(_NODES, ids), key=lambda row: row.cluster_id)
    nodes = {cluster_id: tuple(_node(row) for row in found) for cluster_id, found in by_cluster}
    clusters = [
        _cluster(row, controllers.get(row.id), nodes.get(row.id, ()), since.get(row.id), tokens.get(row.id))
        for row in rows
    ]
    return clusters, rows[0].now


async def get_cluster(connection: AsyncConnection, cluster_id: UUID) -> tuple[ClusterFacts, datetime]:
    """A cluster and the database's time; raises NotFoundError."""
    found, now = await load_clusters(connection, [cluster_id])
    if not found:
        raise NotFoundError("no such cluster")
    return found[0], now


async def list_cluster_names(
    connection: AsyncConnection, after: tuple[str, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """Ids and names of clusters in their order, after one of them."""
    name, id_ = after or (None, None)
    return (await connection.execute(_NAMES, {"after_name": name, "after_id": id_, "limit": limit})).all()


async def count_clusters(connection: AsyncConnection) -> int:
    """How many there are."""
    count: int = (await connection.execute(_COUNT)).scalar_one()
    return count


def read_configuration(scanners: Sequence[str] | None, retention_days: int) -> ScanConfiguration:
    """A cluster's configuration from its row; the defaults where there is none."""
    if scanners is None:
        return ScanConfiguration()
    return ScanConfiguration(tuple(scanner for scanner in Scanner if scanner in scanners), retention_days)


def _cluster(
    row: Row[Any],
    controller: Row[Any] | None,
    nodes: tuple[NodeFacts, ...],
    sensors_since: datetime | None,
    token: Row[Any] | None,
) -> ClusterFacts:
    return ClusterFacts(
        id=row.id,
        name=row.name,
        provider=row.provider,
        regions=tuple(row.regions),
        kubernetes_version=row.version,
        created_at=row.created_at,
        demonstration=row.demonstration,
        controller=_controller(controller) if controller else None,
        nodes=nodes,
        sensors_since=sensors_since,
        token=_token(token, row.now) if token else None,
        configuration=read_configuration(row.scanners, row.retention_days),
        configured_by=row.configured_by or "",
        configured_at=row.configured_at,
    )


def _controller(row: Row[Any]) -> ControllerFacts:
    return ControllerFacts(
        row.version, row.last_seen_at, tuple(row.problems), node_name=row.node_name, started_at=row.started_at
    )


def _token(row: Row[Any], now: datetime) -> TokenFacts:
    return TokenFacts(row.id, row.name, row.expires_at, rate_token(row.expires_at, row.revoked_at, now))


def _node(row: Row[Any]) -> NodeFacts:
    sensor = None
    if row.sensor_version is not None:
        sensor = SensorFacts(
            version=row.sensor_version,
            last_seen_at=row.sensor_last_seen_at,
            problems=tuple(row.sensor_problems or ()),
            kernel=row.sensor_kernel,
            tier=row.sensor_tier,
            hooks=tuple(row.sensor_hooks),
            counters=row.sensor_counters,
        )
    return NodeFacts(
        uid=row.uid,
        name=row.name,
        hostname=row.hostname,
        architecture=row.architecture,
        internal_dns=row.internal_dns,
        internal_ip=row.internal_ip,
        region=row.region,
        first_seen_at=row.first_seen_at,
        sensor_disabled=row.sensor_disabled,
        is_ready=row.ready,
        sensor=sensor,
    )
