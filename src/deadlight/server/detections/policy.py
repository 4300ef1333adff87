"""What the sensors of a cluster look for and stop: put together for each node, and named by its content."""

from hashlib import blake2b

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.detections.blocking import node_policy
from deadlight.server.detections.rule_book import disabled_rules, list_book, sent_rules

VERSION_BYTES = 8


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


async def find_version(connection: AsyncConnection, principal: AgentPrincipal) -> str:
    """The version of the policy that a sensor should have."""
    return (await build_policy(connection, principal)).version
