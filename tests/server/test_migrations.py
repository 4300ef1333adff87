"""Migrations lead to the tables, from nothing and back, and once however many start together."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server import migrations
from deadlight.server.settings import with_driver
from deadlight.server.tables import metadata

NAME = "test_migrations"


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database nobody has prepared."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}")
        yield postgres.url(NAME)
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture
def connection(empty_url: str) -> Iterator[Connection]:
    engine = create_engine(with_driver(empty_url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def ours(connection: Connection) -> set[str]:
    return {name for name in inspect(connection).get_table_names() if not name.startswith(("pgqueuer", "alembic"))}


def test_migrating_an_empty_database_gives_the_tables_and_nothing_else(empty_url: str, connection: Connection) -> None:
    migrations.upgrade(with_driver(empty_url))
    assert ours(connection) == set(metadata.tables)
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences = [item for item in compare_metadata(context, metadata) if "pgqueuer" not in str(item)]
    assert differences == []


def test_migrating_again_changes_nothing(empty_url: str, connection: Connection) -> None:
    for _ in range(2):
        migrations.upgrade(with_driver(empty_url))
        asyncio.run(migrations.upgrade_job_queue(empty_url))
    assert ours(connection) == set(metadata.tables)


def test_migrations_can_be_undone_and_done_again(empty_url: str, connection: Connection) -> None:
    migrations.upgrade(with_driver(empty_url))
    command.downgrade(migrations.alembic_config(connection), "base")
    connection.commit()
    assert ours(connection) == set()
    migrations.upgrade(with_driver(empty_url))
    assert ours(connection) == set(metadata.tables)


async def test_replicas_that_start_together_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, with_driver(empty_url)) for _ in range(4)))
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert rows == (1,)
