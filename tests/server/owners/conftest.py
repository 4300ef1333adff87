"""A service that only answers, over a fleet that tests write themselves."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.service import RunningService, running_service, service_settings


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[RunningService]:
    """Without background work."""
    async with running_service(service_settings(database_url), background=False) as running:
        yield running


@pytest.fixture
def engine(service: RunningService) -> AsyncEngine:
    """The service's own connections."""
    return service.services.engine
