"""Agents' heartbeats, and what sensors are told in answer to theirs."""

import logging
from collections.abc import Collection

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.agents import record_heartbeat
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.auth.requests import Agent, read_message
from deadlight.server.detections.policy import follow_policy
from deadlight.server.inventory.elsewhere import find_elsewhere
from deadlight.server.runtime.pressure import measure_pressure
from deadlight.server.runtime.watch import find_strangers, follow_coverage
from deadlight.server.services import ServicesDep
from deadlight.server.turnstile import Turnstile

logger = logging.getLogger(__name__)

router = APIRouter()


@router.post("/agent/v1/heartbeat", tags=["agents"], include_in_schema=False)
async def post_heartbeat(request: Request, principal: Agent, services: ServicesDep) -> Response:
    """An agent lives: nothing to say to a controller, a `HeartbeatAck` for a sensor."""
    message = await read_message(request, wire.Heartbeat)
    async with services.engine.begin() as connection:
        await record_heartbeat(connection, principal, message)
        if principal.kind is AgentKind.CONTROLLER:
            return Response(status_code=204)
        ack = await compose_ack(connection, principal, message, services.strangers)
    return Response(wire.encode(ack), media_type="application/json")


async def compose_ack(
    connection: AsyncConnection, principal: AgentPrincipal, message: wire.Heartbeat, strangers: Turnstile
) -> wire.HeartbeatAck:
    """THE place where a sensor's answer comes together: every capability that has something to say is asked here."""
    refused = await _find_refused(connection, principal, {item.container_id for item in message.coverage}, strangers)
    coverage = [item for item in message.coverage if item.container_id not in refused]
    return wire.HeartbeatAck(
        policy=await follow_policy(connection, principal, message.policy),
        resend=await follow_coverage(connection, principal.cluster_id, coverage),
        wait_seconds=await measure_pressure(connection),
    )


async def _find_refused(
    connection: AsyncConnection, principal: AgentPrincipal, container_ids: Collection[str], strangers: Turnstile
) -> frozenset[str]:
    """Other nodes' containers, and those that nobody knows where there were too many new ones of them lately."""
    elsewhere = await find_elsewhere(connection, principal, container_ids)
    unknown = await find_strangers(connection, principal.cluster_id, container_ids)
    if not unknown or not strangers.delay(principal.agent_id, len(unknown)):
        return elsewhere
    logger.warning(
        "a sensor tells of too many containers that nobody knows",
        extra={"agent_id": str(principal.agent_id), "node": principal.node_name, "containers": len(unknown)},
    )
    return elsewhere | unknown
