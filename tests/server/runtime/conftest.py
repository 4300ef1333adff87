"""A sensor whose batches are taken without a running service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Row
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.runtime.limits import ROOM, Room
from deadlight.server.runtime.service import take_observations

_numbers = count(1)


def seen(
    container_id: str, path: str, grade: Grade = Grade.EXECUTED, *, after: int = 0, **more: Any
) -> wire.Observation:
    """A process of a container used a file, some minutes after the start."""
    moment = STARTED + timedelta(minutes=after)
    values: dict[str, Any] = {"first_at": moment, "last_at": moment, "pid": 7, "process": "web"} | more
    return wire.Observation(container_id=container_id, grade=grade, path=path, **values)


def batch_of(*observations: wire.Observation, **more: Any) -> wire.ObservationBatch:
    """A batch that nobody has sent before, unless it is given a name."""
    return wire.ObservationBatch(
        **{"batch_id": f"batch-{next(_numbers)}", "node": "node-1", "observations": observations} | more
    )


@dataclass
class SensorOf:
    """The sensor of a cluster's node."""

    fleet: Fleet
    principal: AgentPrincipal
    room: Room = ROOM

    async def send(self, *observations: wire.Observation, **more: Any) -> wire.ObservationAck:
        """A batch, taken and committed."""
        async with self.fleet.engine.begin() as connection:
            return await take_observations(connection, self.principal, batch_of(*observations, **more), self.room)

    async def observations(self) -> Sequence[Row[Any]]:
        """What is stored."""
        return await self.fleet.rows("SELECT *, count AS times FROM observation ORDER BY path, grade")

    async def uses(self) -> dict[str, Row[Any]]:
        """The packages proven to be in use, by name."""
        rows = await self.fleet.rows(
            "SELECT package_use.*, name FROM package_use JOIN package ON package.id = package_id"
        )
        return {row.name: row for row in rows}


@pytest.fixture
async def sensor(fleet: Fleet) -> SensorOf:
    cluster_id = await fleet.add_cluster()
    await fleet.add_agent("sensor", "node-1")
    (row,) = await fleet.rows("SELECT id FROM agent")
    return SensorOf(fleet, AgentPrincipal(row.id, cluster_id, AgentKind.SENSOR, "node-1"))
