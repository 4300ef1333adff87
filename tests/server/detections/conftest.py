"""A sensor whose detections are taken without a running service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Row
from tests.support.detections import batch_of
from tests.support.fleet import Fleet

from deadlight.model import wire
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.detections.intake import place_waiting, take_detections


@dataclass
class SensorOf:
    """The sensor of a cluster's node."""

    fleet: Fleet
    principal: AgentPrincipal

    async def send(self, *detections: wire.Detection, **more: Any) -> wire.ObservationAck:
        """A batch, taken and committed."""
        async with self.fleet.engine.begin() as connection:
            return await take_detections(connection, self.principal, batch_of(*detections, **more))

    async def place(self) -> int:
        """What the schedule does every few seconds."""
        async with self.fleet.engine.begin() as connection:
            return await place_waiting(connection)

    async def wait_long(self) -> None:
        """As if what waits had waited for an hour."""
        await self.fleet.rows("UPDATE detection_report SET received_at = received_at - interval '1 hour'")

    async def detections(self) -> Sequence[Row[Any]]:
        """What is stored."""
        return await self.fleet.rows("SELECT *, count AS times FROM detection ORDER BY rule, program, id")

    async def told(self) -> list[dict[str, Any]]:
        """The events that workers get."""
        return [data for _, data in await self.fleet.events("ThreatDetected")]


@pytest.fixture
async def sensor(fleet: Fleet) -> SensorOf:
    cluster_id = await fleet.add_cluster()
    await fleet.add_agent("sensor", "node-1")
    (row,) = await fleet.rows("SELECT id FROM agent")
    return SensorOf(fleet, AgentPrincipal(row.id, cluster_id, AgentKind.SENSOR, "node-1"))
