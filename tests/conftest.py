"""Fixtures every room may use."""

import gc
import os
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
from pgqueuer import QueueManager
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.support.database import fresh_database, make_template, running_server
from tests.support.machine import check_needs
from tests.support.receiver import Receiver, running_receiver
from tests.support.service import RunningService, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server.auth import passwords
from deadlight.server.settings import Settings

os.environ["DEADLIGHT_FEEDS"] = "none"
"""No service that a test starts, in this process or in one of its own, asks a public source for anything."""

passwords.hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
"""As real as the recommended one, which takes a tenth of a second for each of some hundred sign-ins on purpose."""

_verify_structure = QueueManager.verify_structure
_verified: list[QueueManager] = []


async def _verify_structure_once(self: QueueManager) -> None:
    """Every database is a copy of one template; looking for 17 things in the catalogue takes longer than most tests."""
    if not _verified:
        await _verify_structure(self)
        _verified.append(self)


QueueManager.verify_structure = _verify_structure_once  # type: ignore[method-assign]

hypothesis.settings.register_profile("house", deadline=None)  # how long an example takes is the machine's to know
hypothesis.settings.load_profile("house")


LONGEST = ("tests/e2e/", "tests/cli/", "tests/sensor/system/")
"""Start browsers, services, sensors and containers: few tests in a file, and the longest files."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: handed out last, it would keep one process at work and the others waiting."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: collecting garbage after a test need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, where the machine lacks what a test needs."""
    check_needs(item)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL server with a migrated template."""
    with running_server() as server:
        make_template(server)
        yield server


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of the test's own, with the schema of this version."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Of the services; a room or a file may have its own."""
    return service_settings(database_url)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[RunningService]:
    """A running service that only answers: what should follow, a test does itself."""
    async with running_service(settings, background=False) as running:
        yield running


@pytest.fixture
async def whole_service(settings: Settings) -> AsyncIterator[RunningService]:
    """A running service with its background work."""
    async with running_service(settings) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The receiving end of a webhook."""
    async with running_receiver() as running:
        yield running
