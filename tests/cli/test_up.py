"""`deadlight up` as a user starts it: real processes on a folder of its own."""

import asyncio
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from tests.support.database import quickest_folder, running_server
from tests.support.service import eventually

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.client.errors import ClientError
from deadlight.client.rest import ApiError, RestClient

pytestmark = pytest.mark.timeout(180)

CHOSEN = "a password of my own"


@dataclass
class Up:
    """A running `deadlight up` and what it has said."""

    process: asyncio.subprocess.Process
    port: int
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def says(self, pattern: str) -> re.Match[str]:
        """Read on until it says something; fails when it ends before."""
        assert self.process.stderr
        async with asyncio.timeout(90):
            while True:
                line = (await self.process.stderr.readline()).decode()
                assert line, f"ended without saying {pattern!r}: {self.said}"
                self.said.append(line)
                if found := re.search(pattern, line):
                    return found

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end, reading what it still says."""
        self.process.send_signal(number)
        assert self.process.stderr
        self.said += (await self.process.stderr.read()).decode().splitlines()
        return await self.process.wait()


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dl-", dir=quickest_folder()) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path
        if (path / "postgres" / "data").exists():
            EmbeddedPostgres(path / "postgres").stop()


@pytest.fixture
async def start(home: Path, tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    running: list[Up] = []

    async def start_up(*arguments: str, **environment: str) -> Up:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deadlight.cli.main",
            "up",
            f"--port={port}",
            *arguments,
            env={
                **os.environ,
                "DEADLIGHT_HOME": str(home),
                "XDG_CONFIG_HOME": str(tmp_path),
                "KUBECONFIG": "/nonexistent",
                **environment,
            },
            stderr=asyncio.subprocess.PIPE,
        )
        running.append(Up(process, port))
        return running[-1]

    yield start_up
    for up in running:
        if up.process.returncode is None:
            await up.end(signal.SIGTERM)


def postgres_processes(home: Path) -> list[int]:
    """Servers on this data folder, the dead that nobody took note of left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"/bin/postgres" in line and str(home / "postgres").encode() in line:
            found.append(int(process.name))
    return found


@pytest.mark.req("F3")
async def test_a_first_start_prints_a_password_for_one_sign_in_and_the_next_goes_on_after_a_kill(
    home: Path, start: Callable[..., object]
) -> None:
    up = await start()  # type: ignore[misc]
    password = (await up.says(r"one-time password (\S+)"))[1]
    await up.says("no Kubernetes cluster in reach")
    await sign_in_for_the_first_time(up, password)
    (server,) = postgres_processes(home)
    with psycopg.connect(EmbeddedPostgres(home / "postgres").url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    await up.end(signal.SIGKILL)

    async def service_is_gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", up.port)) != 0

    await eventually(service_is_gone)
    assert postgres_processes(home) == [server]
    again = await start("--no-cluster")  # type: ignore[misc]
    await again.says("attaching to the embedded PostgreSQL")
    await again.says("console at")
    assert not any("one-time password" in line for line in again.said)
    assert postgres_processes(home) == [server]
    with psycopg.connect(EmbeddedPostgres(home / "postgres").url()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(42,)]
    async with RestClient(again.url) as client:
        assert (await client.sign_in("admin", CHOSEN))["role"] == "admin"
    second = await start("--no-cluster")  # type: ignore[misc]
    await second.says("already running")
    assert await second.process.wait() == 1
    assert await again.end(signal.SIGINT) == 0
    assert postgres_processes(home) == []


async def sign_in_for_the_first_time(up: Up, password: str) -> None:
    """Nothing is possible before a password of one's own is chosen, and nothing is there but what was asked for."""
    async with RestClient(up.url) as client:
        session = await client.sign_in("admin", password)
        assert session["must_change_password"]
        with pytest.raises(ApiError, match="choose your own") as refused:
            await client.get("/api/v1/funnel")
        assert refused.value.code == "password_change_required"
        await client.request("PUT", "/api/v1/password", {"old_password": password, "new_password": CHOSEN})
        assert (await client.get("/api/v1/funnel"))["installation_status"] == "no_runtime_installed"
        assert (await client.get("/api/v1/clusters"))["clusters"] == []  # it never adds the demonstration unasked


async def test_a_service_that_dies_is_started_again_on_the_users_own_database(
    home: Path, start: Callable[..., object]
) -> None:
    with running_server() as database:
        up = await start("--no-cluster", DEADLIGHT_DATABASE_URL=database.url())  # type: ignore[misc]
        await up.says("console at")
        assert postgres_processes(home) == []
        (service,) = [int(pid) for pid in _children(up.process.pid)]
        os.kill(service, signal.SIGKILL)
        await up.says("starting it again")

        async def answers() -> bool:
            try:
                async with RestClient(up.url) as client:
                    return bool(await client.get("/api/v1/system/readiness"))
            except ClientError:
                return False

        await eventually(answers)
        assert await up.end(signal.SIGTERM) == 0
        assert database.is_running()


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
