"""What the tests of a file share: a database, the services on it, a browser, and the session of who is signed in.

Fixtures are the file's here because a browser and a service take longer to start than most tests to run.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState
from tests.support.console import Console, open_console, running_browser, signed_in
from tests.support.database import fresh_database
from tests.support.service import RunningService, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server.settings import Settings


@pytest.fixture(scope="module")
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of the file's own."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """Of the services; a file may have its own."""
    return service_settings(database_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(settings: Settings) -> AsyncIterator[RunningService]:
    """A running service that only answers; a file may fill it."""
    async with running_service(settings, background=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole_service(settings: Settings) -> AsyncIterator[RunningService]:
    """A running service with its background work."""
    async with running_service(settings) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all windows."""
    async with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def account() -> str:
    """Who is signed in; a file may have somebody else."""
    return "admin"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(browser: Browser, service: RunningService, account: str) -> StorageState:
    """What windows are opened with."""
    return await signed_in(browser, service.url, account)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(browser: Browser, service: RunningService, session: StorageState) -> AsyncIterator[Console]:
    """The one window of a file whose tests go on where the one before ended; it loads the console once."""
    async with open_console(browser, service.url, state=session) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def console(browser: Browser, service: RunningService, session: StorageState) -> AsyncIterator[Console]:
    """A window of the test's own."""
    async with open_console(browser, service.url, state=session) as opened:
        yield opened
