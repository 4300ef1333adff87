"""A service without background work: nothing here waits for it."""

from collections.abc import AsyncIterator

import pytest
from tests.support.service import RunningService, running_service, service_settings


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[RunningService]:
    """A running service that only answers."""
    async with running_service(service_settings(database_url), background=False) as running:
        yield running
