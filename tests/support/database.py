"""Real PostgreSQL for tests: one server per test process, one migrated template, one database per test."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server import migrations
from deadlight.server.auth.accounts import create_user
from deadlight.server.auth.principals import Role
from deadlight.server.db.engine import create_engine
from deadlight.server.settings import with_driver

TEMPLATE = "deadlight_template"
PASSWORD = "a password for tests"
"""Of the accounts `viewer`, `operator` and `admin`, which every test's database has."""

ROOM = 2 << 30
"""Bytes that a server of tests may need, with a margin."""

SPEED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "file_copy_method": "clone",
    "autovacuum": "off",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "scram_iterations": "1",
}
"""Tests give up surviving a power cut, statistics of tables that are gone in seconds, and a password that is slow to
guess: deriving its key is most of what a client does to connect."""


@contextmanager
def running_server() -> Iterator[EmbeddedPostgres]:
    """A server in a folder of its own; short, because a socket's path is limited."""
    directory = Path(tempfile.mkdtemp(prefix="dl-", dir=quickest_folder()))
    directory.chmod(0o755)
    server = EmbeddedPostgres(directory, settings=SPEED)
    try:
        server.start()
        _derive_keys_quickly(server)
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _derive_keys_quickly(server: EmbeddedPostgres) -> None:
    """The role's password was stored before there was a server to have settings."""
    with _administration(server) as connection:
        password = connection.info.password
        connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(sql.Literal(password)))


def quickest_folder() -> str:
    """Where to keep the data of a test: memory where there is enough.

    Every test's database is copied file by file, which takes a third of the time there.
    """
    memory = Path("/dev/shm")
    is_roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return str(memory) if is_roomy else "/tmp"


def make_template(server: EmbeddedPostgres) -> None:
    """A database with the schema of this version, from which each test's is copied."""
    with _administration(server) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
    url = server.url(TEMPLATE)
    migrations.upgrade(with_driver(url))
    asyncio.run(migrations.upgrade_job_queue(url))
    asyncio.run(_add_accounts(with_driver(url)))


async def _add_accounts(url: str) -> None:
    """Made once, because hashing a password takes a while on purpose."""
    engine = create_engine(url, application="tests")
    async with engine.begin() as connection:
        for role in Role:
            await create_user(connection, role.value, PASSWORD, role, must_change_password=False)
    await engine.dispose()


_numbers = count(1)

KEPT = 16
"""Databases that nobody uses any more are dropped together."""

_used: dict[EmbeddedPostgres, list[str]] = defaultdict(list)


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database nobody has used and nobody will use again."""
    name = f"test_{next(_numbers)}"
    with _administration(server) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY".encode())
    try:
        yield server.url(name)
    finally:
        _used[server].append(name)
        if len(_used[server]) >= KEPT:
            _drop(server, _used.pop(server))


def _drop(server: EmbeddedPostgres, names: list[str]) -> None:
    """What is left of tests is collected before, which takes longer than many of them.

    A connection attempt that was cancelled half-way stays open until it is collected as garbage, and PostgreSQL drops
    no database before every backend has answered, those that still wait for a password included.
    """
    gc.collect()
    with _administration(server) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _administration(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(server.url("postgres"), autocommit=True)
