"""Fixtures for the service's rooms."""

import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.fleet import Fleet

from deadlight.server.__main__ import open_services
from deadlight.server.db.engine import create_engine
from deadlight.server.services import Services
from deadlight.server.settings import Settings, with_driver


@pytest.fixture
def database_url(database_url: str) -> Iterator[str]:
    """A database of the test's own, left without half-open connections.

    A connection attempt that was cancelled half-way stays open until it is collected as garbage, and PostgreSQL drops
    no database before every backend has answered, those that still wait for a password included.
    """
    yield database_url
    gc.collect()


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
