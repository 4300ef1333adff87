"""Fixtures for the service's rooms."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.fleet import Fleet

from deadlight.server.composition import open_services
from deadlight.server.db.engine import create_engine
from deadlight.server.services import Services
from deadlight.server.settings import Settings, with_driver


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Connections to a database of the test's own, for tests that need no running service."""
    engine = create_engine(with_driver(database_url), application="tests")
    yield engine
    await engine.dispose()


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """What the parts of a service share, for tests that do their work themselves."""
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
def fleet(engine: AsyncEngine) -> Fleet:
    """Rows of clusters, workloads and images."""
    return Fleet(engine)
