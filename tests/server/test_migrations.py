"""Migrations lead to the tables, from nothing and back, and once however many start together."""

import asyncio
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server import migrations
from deadlight.server.settings import with_driver
from deadlight.server.tables import metadata

NAME = "test_migrations"

DROPPED: Mapping[str, set[tuple[str, str]]] = {}
"""By revision, the table and name of each column that it drops, once a whole release has been without use for it."""


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


def columns(connection: Connection) -> set[tuple[str, str]]:
    rows = connection.execute(
        text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    )
    return {(row.table_name, row.column_name) for row in rows}


def test_no_migration_takes_away_what_the_previous_release_uses(connection: Connection) -> None:
    """It still runs when the migration does, and for as long as replicas are replaced one by one."""
    config = migrations.alembic_config(connection)
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    before: set[tuple[str, str]] = set()
    for revision in revisions:
        command.upgrade(config, revision.revision)
        after = columns(connection)
        assert before - after == DROPPED.get(revision.revision, set()), revision.revision
        before = after
    assert ("layer", "facts") in before


def test_what_the_previous_release_knows_of_layers_survives_and_can_still_be_added_to(connection: Connection) -> None:
    config = migrations.alembic_config(connection)
    insert = text("INSERT INTO layer (digest, scanner_state, facts) VALUES (:digest, 'older', 'facts')")
    command.upgrade(config, "0010")
    connection.execute(insert, {"digest": "sha256:1"})
    command.upgrade(config, "head")
    connection.execute(insert, {"digest": "sha256:2"})
    command.downgrade(config, "0010")
    assert connection.execute(text("SELECT digest FROM layer ORDER BY 1")).scalars().all() == ["sha256:1", "sha256:2"]


def test_what_is_stored_of_containers_already_is_counted(connection: Connection) -> None:
    config = migrations.alembic_config(connection)
    command.upgrade(config, "0019")
    statement = text(
        """
        WITH one AS (INSERT INTO cluster (id, uid, name) VALUES (gen_random_uuid(), 'one', 'one') RETURNING id)
        INSERT INTO observation (cluster_id, container_id, grade, path, node_name, count, first_at, last_at, pid,
                                 process, arguments, changed)
        SELECT one.id, container_id, 'opened', path, '', 1, now(), now(), 1, '', '{}', false
        FROM one, (VALUES ('a', '/x'), ('a', '/y'), ('b', '/x')) AS seen(container_id, path)
        """
    )
    connection.execute(statement)
    command.upgrade(config, "head")
    counted = connection.execute(text("SELECT container_id, kept, refused FROM observed_container ORDER BY 1")).all()
    assert [tuple(row) for row in counted] == [("a", 2, 0), ("b", 1, 0)]


async def test_replicas_that_start_together_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrations.upgrade, with_driver(empty_url)) for _ in range(4)))
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
    assert rows == (1,)
