"""Workers of a service, as people set them up over the API."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from tests.support.mail import MailServer, running_mail_server
from tests.support.service import RunningService, service_settings

from deadlight.model.event import EventType
from deadlight.server.settings import Settings

ATTEMPTS = 3
"""How often the service of these tests tries to deliver."""


def webhook(url: str, **more: Any) -> dict[str, Any]:
    """A destination."""
    return {"type": "webhook", "config": {"url": url, **more}}


class Workers:
    """Workers and their alerts."""

    def __init__(self, service: RunningService) -> None:
        self.service = service

    async def add(
        self,
        *destinations: dict[str, Any],
        events: tuple[EventType, ...] = (EventType.WORKLOAD_CHANGED,),
        criteria: str = "",
        **more: Any,
    ) -> int:
        """The id of a new worker; it listens to changes of workloads unless told otherwise."""
        body = {
            "name": f"worker {uuid4()}",
            "event_types": [item.value for item in events],
            "criteria": criteria,
            "destinations": destinations,
            **more,
        }
        added = await self.service.post("/api/v1/workers", body)
        return int(added["id"])

    async def get(self, worker_id: int) -> Any:
        """The worker and how it fares."""
        return await self.service.get(f"/api/v1/workers/{worker_id}")

    async def alerts(self, **query: Any) -> list[dict[str, Any]]:
        """Newest first."""
        conditions = "&".join(f"{name}={value}" for name, value in query.items())
        page = await self.service.get(f"/api/v1/alerts?{conditions}")
        found: list[dict[str, Any]] = page["alerts"]
        return found

    async def alert(self, alert_id: str) -> Any:
        """An alert with every attempt."""
        return await self.service.get(f"/api/v1/alerts/{alert_id}")

    async def test(self, worker_id: int, event_type: EventType = EventType.WORKLOAD_CHANGED) -> str:
        """The id of the (first) alert that a test makes."""
        sent = await self.service.post(f"/api/v1/workers/{worker_id}/test", {"event_type": event_type.value})
        return str(sent["alert_ids"][0])


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    """The receiving end of an e-mail."""
    async with running_mail_server() as server:
        yield server


@pytest.fixture
def settings(database_url: str, mail_server: MailServer) -> Settings:
    """With a mail server, and soon tired of trying."""
    return service_settings(database_url, delivery_attempts=ATTEMPTS, smtp_url=mail_server.url)


@pytest.fixture
def workers(service: RunningService) -> Workers:
    """Workers of the service."""
    return Workers(service)
