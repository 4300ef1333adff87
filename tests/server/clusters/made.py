"""Clusters as agents leave them, written without agents."""

from typing import Any

from tests.support.fleet import Fleet
from tests.support.service import RunningService


async def listed(service: RunningService, query: str = "") -> dict[str, Any]:
    """The clusters of the inventory by name, in its order."""
    answer = await service.get(f"/api/v1/clusters?{query}")
    return {cluster["name"]: cluster for cluster in answer["clusters"]}


async def seen(fleet: Fleet, seconds: float, *, cluster: str, node: str | None = None) -> None:
    """Agents of a cluster, or the sensor of one of its nodes, were last heard of so long ago."""
    await fleet.rows(
        """
        UPDATE agent SET last_seen_at = now() - :seconds * interval '1 second', enrolled_at = now() - interval '1 day'
        FROM cluster WHERE cluster.id = cluster_id AND cluster.name = :cluster
          AND (CAST(:node AS text) IS NULL OR node_name = :node)
        """,
        seconds=seconds,
        cluster=cluster,
        node=node,
    )


async def three_clusters(fleet: Fleet) -> None:
    """One with a failed sensor, one with a controller only, and one whose controller has stopped."""
    await fleet.add_cluster("east", provider="AWS", regions=["eu-west-1"], version="1.33")
    await fleet.add_agent("controller", cluster="east", version="1.2", started_at="2026-11-01T12:00:00Z")
    for name, more in (("a", {}), ("b", {}), ("c", {}), ("d", {"sensor_disabled": True}), ("e", {})):
        await fleet.add_node(name, cluster="east", region="eu-west-1a", **more)
    for name in ("a", "b"):
        await fleet.add_agent("sensor", name, cluster="east", version="1.1")
    await seen(fleet, 1, cluster="east")
    await seen(fleet, 600, cluster="east", node="b")
    await fleet.rows("UPDATE node SET first_seen_at = now() - interval '1 hour' WHERE name <> 'e'")
    await fleet.add_cluster("west", provider="Google", regions=["us-east1", "us-west1"])
    await fleet.add_agent("controller", cluster="west", version="1.2")
    await fleet.add_node("w", cluster="west")
    await seen(fleet, 1, cluster="west")
    await fleet.add_cluster("quiet", provider="AWS")
    await fleet.add_agent("controller", cluster="quiet", version="1.0")
    await seen(fleet, 7200, cluster="quiet")
