"""Windows over the truth that integrity and findings keep, with every event handled as the relay would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Row, text
from tests.server.integrity.conftest import Judge
from tests.support.fleet import Fleet
from tests.support.osv import import_records
from tests.support.rematching import follow_advisories
from tests.support.service import service_settings

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.events.relay import Following
from deadlight.server.findings.service import assess_image
from deadlight.server.subscriptions import subscriptions


@dataclass
class Ledger:
    """The windows of a fleet."""

    fleet: Fleet
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.judge = Judge(self.fleet)
        self._subscriptions = subscriptions(service_settings("postgresql://unused"))

    async def handle_events(self) -> None:
        """Handle what has been recorded, in order, until there is nothing left; each in a transaction of its own."""
        pending = text("SELECT * FROM event WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE")
        while True:
            async with self.fleet.engine.begin() as connection:
                row = (await connection.execute(pending)).first()
                if row is None:
                    return
                event = Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)
                for handler in self._subscriptions.get(event.type, ()):
                    handle = handler.handle if isinstance(handler, Following) else handler
                    await handle(connection, event)
                await connection.execute(text("UPDATE event SET status = 'handled' WHERE id = :id"), {"id": row.id})

    async def change(self, workload_id: int) -> None:
        """The workload has changed, and all that follows has happened."""
        await self.fleet.rows(
            """
            INSERT INTO event (type, key, data) SELECT 'WorkloadChanged', 'workload:' || workload.id,
                jsonb_build_object('workload_id', workload.id, 'status', status, 'status_before', status,
                                   'image_tag_ids', image_tag_ids, 'image_tag_ids_before', image_tag_ids,
                                   'removed', removed_at IS NOT NULL, 'first_sync', false)
            FROM workload WHERE id = :id
            """,
            id=workload_id,
        )
        await self.handle_events()

    async def assess(self, image_id: int) -> None:
        """The image has been scanned and its vulnerabilities matched."""
        async with self.fleet.engine.begin() as connection:
            await assess_image(connection, image_id)
        await self.handle_events()

    async def learn(self, *records: dict[str, Any]) -> None:
        """Advisories have been imported, and what they concern is matched again."""
        await import_records(self.fleet.engine, *records)
        for kind, data in await self.fleet.events("AdvisoriesChanged"):
            assert kind
            buckets = [(ecosystem, name) for ecosystem, name in data["buckets"]]
            await follow_advisories(self.fleet.engine, buckets)
        await self.handle_events()

    async def run_image(self, workload_id: int, *image_tag_ids: int) -> None:
        """The workload's containers run these images now, or none."""
        await self.fleet.rows(
            "UPDATE workload SET image_tag_ids = :ids WHERE id = :id", ids=sorted(image_tag_ids), id=workload_id
        )
        await self.change(workload_id)

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
