"""What the sensors of a cluster look for and stop: put together for each node that asks for it, and who has it.

Every heartbeat asks for a policy's version, so that it follows from the last change of rules and not from the rules
themselves, and from what is stopped on the node: its containers are in there, which makes it of use to its sensor
alone. People count in changes: a cluster's policy is known by the number of the last change of rules, or of the
cluster's blocking. Exceptions are no business of sensors.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight import __version__
from deadlight.model import wire
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.detections.blocking import node_policy, read_blocking
from deadlight.server.detections.rule_book import disabled_rules, list_book, sent_rules

VERSION_BYTES = 8

BEHIND_SHOWN = 50
"""Sensors that are named in a cluster."""

_BASIS = text(
    """
    SELECT coalesce(rule.id, 0) AS rule_change, rule.at AS rules_changed_at,
           greatest(coalesce(rule.id, 0), (SELECT max(id) FROM threat_change
                                           WHERE subject = 'blocking' AND name = cluster.name)) AS change,
           (SELECT threat_change_id FROM agent WHERE id = :agent_id) AS confirmed,
           blocking_policy.mode, blocking_policy.drift, blocking_policy.mismatch, blocking_policy.included,
           blocking_policy.excluded
    FROM cluster
    LEFT JOIN LATERAL (SELECT id, at FROM threat_change WHERE subject = 'rule' ORDER BY id DESC LIMIT 1) AS rule ON true
    LEFT JOIN blocking_policy ON blocking_policy.cluster_id = cluster.id AND cluster.removed_at IS NULL
    WHERE cluster.id = :cluster_id
    """
)

_CONFIRM = text("UPDATE agent SET threat_change_id = :change WHERE id = :id")

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
    """The policy of a sensor's node. A change meanwhile may be in it already, and has it fetched once more."""
    basis, blocking = await _read_basis(connection, principal)
    book = await list_book(connection)
    return wire.SensorPolicy(
        version=name_version(basis.rule_change, basis.rules_changed_at, blocking),
        rules=tuple(wire.CustomRule(id=item.id, source=item.source) for item in sent_rules(book)),
        disabled_rules=tuple(disabled_rules(book)),
        severities={item.id: item.severity for item in book if item.severity is not None},
        blocking=blocking,
    )


async def follow_policy(connection: AsyncConnection, principal: AgentPrincipal, in_force: str) -> str:
    """The version of the policy that a sensor should have; where that is the one `in_force`, it is noted.

    The number of the last change is read first: what is changed meanwhile is not taken for something that it has.
    """
    basis, blocking = await _read_basis(connection, principal)
    version = name_version(basis.rule_change, basis.rules_changed_at, blocking)
    if in_force == version and basis.confirmed != basis.change:
        await connection.execute(_CONFIRM, {"change": basis.change, "id": principal.agent_id})
    return version


def name_version(rule_change: int, rules_changed_at: datetime | None, blocking: wire.BlockingPolicy) -> str:
    """What tells policies of a node apart.

    When the rules were changed tells changes of equal number apart, of which one was lost with a restored database;
    our own version tells apart what we bring along and can use.
    """
    told = msgspec.json.encode([__version__, rule_change, rules_changed_at, blocking])
    return blake2b(told, digest_size=VERSION_BYTES).hexdigest()


async def _read_basis(connection: AsyncConnection, principal: AgentPrincipal) -> tuple[Row[Any], wire.BlockingPolicy]:
    """What a version follows from: the last changes, and what is stopped on the sensor's node."""
    known = {"cluster_id": principal.cluster_id, "agent_id": principal.agent_id}
    basis = (await connection.execute(_BASIS, known)).one()
    return basis, await node_policy(connection, principal.cluster_id, principal.node_name, read_blocking(basis))


async def list_standing(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Clusters with their policy, how many of their sensors have it, and the first of those that do not."""
    return (await connection.execute(_STANDING, {"shown": BEHIND_SHOWN})).all()
