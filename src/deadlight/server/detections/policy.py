"""What the sensors of a cluster look for and stop: put together for each node, named by its content, and who has it.

A node's policy also names its containers, so that its version is of use to its sensor alone. People count in changes:
a cluster's policy is known by the number of the last change of rules, or of the cluster's blocking. Exceptions are no
business of sensors.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.detections.blocking import node_policy
from deadlight.server.detections.rule_book import disabled_rules, list_book, sent_rules

VERSION_BYTES = 8

BEHIND_SHOWN = 50
"""Sensors that are named in a cluster."""

_LAST_CHANGE = text(
    """
    SELECT coalesce(max(id), 0) FROM threat_change
    WHERE subject = 'rule' OR subject = 'blocking' AND name = (SELECT name FROM cluster WHERE id = :cluster_id)
    """
)

_CONFIRM = text(
    "UPDATE agent SET threat_change_id = :change WHERE id = :id AND threat_change_id IS DISTINCT FROM :change"
)

# Since when a sensor lacks something: the first change that it does not have in force.
_STANDING = text(
    """
    WITH wanted AS (
        SELECT cluster.id AS cluster_id, cluster.name AS cluster, cluster.demonstration,
               greatest((SELECT coalesce(max(id), 0) FROM threat_change WHERE subject = 'rule'),
                        coalesce(max(blocking.id), 0)) AS policy
        FROM cluster LEFT JOIN threat_change AS blocking ON blocking.subject = 'blocking'
                                                        AND blocking.name = cluster.name
        WHERE cluster.removed_at IS NULL GROUP BY cluster.id
    ), behind AS (
        SELECT agent.cluster_id, agent.node_name AS node, agent.threat_change_id AS policy, agent.last_seen_at,
               CASE WHEN agent.threat_change_id IS NOT NULL THEN (
                   SELECT min(at) FROM threat_change
                   WHERE id > agent.threat_change_id
                     AND (subject = 'rule' OR subject = 'blocking' AND name = wanted.cluster)) END AS since,
               row_number() OVER (PARTITION BY agent.cluster_id ORDER BY agent.node_name, agent.id) AS place
        FROM agent JOIN wanted USING (cluster_id)
        WHERE agent.kind = 'sensor' AND agent.revoked_at IS NULL
          AND (agent.threat_change_id IS NULL OR agent.threat_change_id < wanted.policy)
    )
    SELECT wanted.*,
           (SELECT count(*) FROM agent WHERE agent.cluster_id = wanted.cluster_id AND kind = 'sensor'
                                         AND revoked_at IS NULL) AS sensors,
           (SELECT count(*) FROM behind WHERE behind.cluster_id = wanted.cluster_id) AS behind_count,
           (SELECT coalesce(jsonb_agg(behind ORDER BY place), '[]') FROM behind
            WHERE behind.cluster_id = wanted.cluster_id AND place <= :shown) AS behind
    FROM wanted ORDER BY cluster, cluster_id
    """
)


async def build_policy(connection: AsyncConnection, principal: AgentPrincipal) -> wire.SensorPolicy:
    """The policy of a sensor's node. Its version follows from everything else in it."""
    book = await list_book(connection)
    policy = wire.SensorPolicy(
        version="",
        rules=tuple(wire.CustomRule(id=item.id, source=item.source) for item in sent_rules(book)),
        disabled_rules=tuple(disabled_rules(book)),
        severities={item.id: item.severity for item in book if item.severity is not None},
        blocking=await node_policy(connection, principal.cluster_id, principal.node_name),
    )
    digest = blake2b(msgspec.json.encode(policy, order="sorted"), digest_size=VERSION_BYTES).hexdigest()
    return msgspec.structs.replace(policy, version=digest)


async def follow_policy(connection: AsyncConnection, principal: AgentPrincipal, in_force: str) -> str:
    """The version of the policy that a sensor should have; where that is the one `in_force`, it is noted.

    The number of the last change is read first: what is changed meanwhile is not taken for something that it has.
    """
    change = (await connection.execute(_LAST_CHANGE, {"cluster_id": principal.cluster_id})).scalar_one()
    version = (await build_policy(connection, principal)).version
    if in_force == version:
        await connection.execute(_CONFIRM, {"change": change, "id": principal.agent_id})
    return version


async def list_standing(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Clusters with their policy, how many of their sensors have it, and the first of those that do not."""
    return (await connection.execute(_STANDING, {"shown": BEHIND_SHOWN})).all()
