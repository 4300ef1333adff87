"""Windows over the truth that integrity and findings keep, with every event handled as the relay would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Row, text
from tests.server.integrity.conftest import Judge
from tests.support.fleet import Fleet

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.findings.service import assess_image
from deadlight.server.integrity.handlers import follow_workload
from deadlight.server.ledger.handlers import follow_exposure, follow_scanned_image

FOLLOWED_BY = {
    EventType.WORKLOAD_CHANGED: (follow_workload, follow_exposure),
    EventType.IMAGE_SCANNED: (follow_scanned_image,),
    EventType.INTEGRITY_VIOLATION_DETECTED: (follow_exposure,),
    EventType.INTEGRITY_VIOLATION_CLOSED: (follow_exposure,),
    EventType.UNTRUSTED_REGISTRY_DETECTED: (follow_exposure,),
    EventType.UNTRUSTED_REGISTRY_CLOSED: (follow_exposure,),
    EventType.VULNERABILITIES_CHANGED: (follow_exposure,),
}
"""What concerns windows in `deadlight.server.subscriptions`."""


@dataclass
class Ledger:
    """The windows of a fleet."""

    fleet: Fleet
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.fleet)

    async def handle_events(self) -> None:
        """Handle what has been recorded, in order, until there is nothing left; each in a transaction of its own."""
        pending = text("SELECT * FROM event WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE")
        while True:
            async with self.fleet.engine.begin() as connection:
                row = (await connection.execute(pending)).first()
                if row is None:
                    return
                event = Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)
                for handler in FOLLOWED_BY.get(event.type, ()):
                    await handler(connection, event)
                await connection.execute(text("UPDATE event SET status = 'handled' WHERE id = :id"), {"id": row.id})

    async def change(self, workload_id: int) -> None:
        """The workload has changed, and all that follows has happened."""
        await self.fleet.rows(
            """
            INSERT INTO event (type, key, data) SELECT 'WorkloadChanged', 'workload:' || workload.id,
                jsonb_build_object('workload_id', workload.id) FROM workload WHERE id = :id
            """,
            id=workload_id,
        )
        await self.handle_events()

    async def assess(self, image_id: int) -> None:
        """The image has been scanned and its vulnerabilities matched."""
        async with self.fleet.engine.begin() as connection:
            await assess_image(connection, image_id)
        await self.handle_events()

    async def windows(self, risk: str = "") -> Sequence[Row[Any]]:
        """All windows in the order they were opened, of one risk where that is given."""
        return await self.fleet.rows(
            "SELECT * FROM exposure_window WHERE risk = :risk OR :risk = '' ORDER BY id", risk=risk
        )

    async def window(self, risk: str = "") -> Row[Any]:
        """The only one."""
        (row,) = await self.windows(risk)
        return row


@pytest.fixture
def ledger(fleet: Fleet) -> Ledger:
    """Windows without agents, registries and scans."""
    return Ledger(fleet)
