"""Whose containers a sensor may speak of: those of its own node, and those that nobody knows yet."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.errors import BadRequestError

IS_HERE = """
    (pod.node_name IN ('', {told}.node_name)
     OR NOT EXISTS (SELECT FROM node WHERE node.cluster_id = {told}.cluster_id AND node.name = {told}.node_name
                                       AND node.removed_at IS NULL))
"""
"""Whether a `pod` is on the node of the sensor that told something, a row `told` with its `cluster_id` and `node_name`.

A sensor whose node is none of the inventory's is not held to it: its name is another one than the cluster has.
"""

_ELSEWHERE = text(
    f"""
    SELECT DISTINCT container.container_id
    FROM (SELECT CAST(:cluster_id AS uuid) AS cluster_id, CAST(:node_name AS text) AS node_name) AS sensor
    JOIN container ON container.cluster_id = sensor.cluster_id AND container.container_id = ANY(:container_ids)
                  AND container.container_id <> ''
    JOIN pod ON pod.id = container.pod_id
    WHERE NOT {IS_HERE.format(told="sensor")}
    """  # noqa: S608 - constants
)


async def find_elsewhere(
    connection: AsyncConnection, principal: AgentPrincipal, container_ids: Collection[str]
) -> frozenset[str]:
    """Those of the containers that run on another node than the sensor's."""
    if not container_ids:
        return frozenset()
    known = {"cluster_id": principal.cluster_id, "node_name": principal.node_name}
    found = await connection.execute(_ELSEWHERE, {**known, "container_ids": sorted(container_ids)})
    return frozenset(found.scalars())


def check_residence(items: Sequence[wire.Observation | wire.Detection], elsewhere: frozenset[str], name: str) -> None:
    """Refuse a batch of `name` that speaks of containers which are `elsewhere`; raises BadRequestError."""
    for number, item in enumerate(items):
        if item.container_id in elsewhere:
            raise BadRequestError(f"{name}[{number}].container_id {item.container_id!r} runs on another node")
