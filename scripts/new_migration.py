"""Write a migration from what the tables say that the last one does not. Usage: new_migration.py NAME."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.server import migrations
from deadlight.server.settings import with_driver


def main(name: str) -> None:
    """Compare a database of the last migration with the tables and write the difference."""
    versions = Path(migrations.__file__).parent / "versions"
    number = f"{len(list(versions.glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory(prefix="dl-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder))
        url = server.start()
        try:
            migrations.upgrade(with_driver(url))
            asyncio.run(migrations.upgrade_job_queue(url))
            with create_engine(with_driver(url)).connect() as connection:
                command.revision(migrations.alembic_config(connection), name, autogenerate=True, rev_id=number)
        finally:
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit(__doc__)
    main(sys.argv[1])
