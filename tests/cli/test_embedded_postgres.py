"""The embedded PostgreSQL: started, found again, never twice, and nothing committed is lost."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deadlight.cli.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dl-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path / "pg"
        EmbeddedPostgres(path / "pg").stop() if (path / "pg" / "data").exists() else None


def postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().splitlines()[0])


START = """
import sys
from pathlib import Path
from deadlight.cli.embedded_postgres import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).start()
"""

STARTER = """
import os, sys, time
from pathlib import Path
import psycopg
from deadlight.cli.embedded_postgres import EmbeddedPostgres
url = EmbeddedPostgres(Path(sys.argv[1])).start()
with psycopg.connect(url) as connection:
    connection.execute("CREATE TABLE kept (number int)")
    connection.execute("INSERT INTO kept VALUES (42)")
print("committed", flush=True)
time.sleep(600)
"""


def test_it_survives_the_death_of_its_starter_and_is_found_again_with_everything_committed(directory: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(directory)], stdout=subprocess.PIPE)
    assert starter.stdout
    assert starter.stdout.readline() == b"committed\n"
    first = postmaster(directory)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    url = EmbeddedPostgres(directory).start()
    assert postmaster(directory) == first
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(42,)]


def test_after_its_own_death_it_recovers_what_was_committed(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    os.kill(postmaster(directory), signal.SIGKILL)
    with psycopg.connect(EmbeddedPostgres(directory).start()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_two_starters_at_once_get_one_server(directory: Path) -> None:
    starters = [subprocess.Popen([sys.executable, "-c", START, str(directory)]) for _ in range(3)]
    assert [starter.wait(timeout=60) for starter in starters] == [0, 0, 0]
    assert EmbeddedPostgres(directory).is_running()


def test_stopping_stops_it_also_after_a_killed_starter(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    server.start()
    EmbeddedPostgres(directory).stop()
    assert not server.is_running()
    server.stop()


def test_other_users_of_the_machine_cannot_reach_it(directory: Path) -> None:
    server = EmbeddedPostgres(directory)
    server.start()
    assert stat.S_IMODE((directory / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "password").stat().st_mode) == 0o600
    url = server.url()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(url.split(":")[2].split("@")[0], "wrong"))


def test_a_path_too_long_for_a_socket_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="DEADLIGHT_HOME"):
        EmbeddedPostgres(tmp_path / ("x" * 100)).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_a_folder_that_the_servers_user_may_not_enter_is_refused_with_advice(directory: Path) -> None:
    directory.parent.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"who may not enter {directory.parent}: chmod"):
        EmbeddedPostgres(directory).start()


def test_a_server_that_cannot_start_says_why(directory: Path) -> None:
    server = EmbeddedPostgres(directory, settings={"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        server.start()
