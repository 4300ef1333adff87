"""Bring a database to this version's schema. Law: a migration runs while the previous release still serves.

So: add first, fill later, drop a release after nothing reads it; never rename in place. What is no longer used stays in
the tables until then, with a comment that says so; its drop is a row in `tests/server/test_migrations.py`, which holds
migrations to this. Locks are waited for at most four seconds, so that a migration fails rather than stops the service
behind it.
"""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy import Connection, create_engine, text

MIGRATION_LOCK = 0x6465_6164_6C69_6768
"""Advisory lock: two replicas that start together migrate once."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file; `connection` is used where given."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def upgrade(url: str) -> None:
    """Apply every migration that is missing. `url` is SQLAlchemy's (`postgresql+psycopg://`)."""
    engine = create_engine(url, connect_args={"options": "-c timezone=UTC -c lock_timeout=4s"})
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.commit()
        try:
            command.upgrade(alembic_config(connection), "head")
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
    engine.dispose()


async def upgrade_job_queue(conninfo: str) -> None:
    """Install or converge the job queue's own tables (they belong to the library, not to our migrations)."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        queries = Queries.from_psycopg_connection(connection)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await connection.execute(QueryBuilderEnvironment().build_install_query())
        await connection.execute("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
