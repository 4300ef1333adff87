"""A whole Deadlight for benchmarks: real processes on an embedded PostgreSQL of their own."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.client.rest import ApiError, NotReachedError, RestClient


@dataclass
class Process:
    """A process that a benchmark may kill and start again."""

    name: str
    module: str
    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                *self.arguments,
                env={**os.environ, "DEADLIGHT_FEEDS": "none", **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """Kill it as the kernel does when memory runs out: it gets no chance to do anything."""
        assert self.running
        self.running.send_signal(signal.SIGKILL)
        await self.running.wait()

    async def stop(self) -> None:
        """Ask it to end."""
        if self.running is None or self.running.returncode is not None:
            return
        self.running.terminate()
        try:
            async with asyncio.timeout(15):
                await self.running.wait()
        except TimeoutError:
            await self.kill()


@dataclass
class Deployment:
    """Where everything is."""

    folder: Path
    url: str
    database_url: str
    token: str
    registration_token: str
    service: Process
    processes: list[Process] = field(default_factory=list)

    async def start(self, name: str, module: str, arguments: list[str], **environment: str) -> Process:
        """Start another process that ends with the deployment."""
        process = Process(name, module, arguments, environment, self.folder / f"{name}.log")
        await process.start()
        self.processes.append(process)
        return process

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement.encode()).fetchall()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dlb-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def deployment(port: int, **settings: str) -> AsyncIterator[Deployment]:
    """The service on a fresh database, until the block ends."""
    with _folder() as folder:
        postgres = EmbeddedPostgres(folder / "pg")
        environment = {
            "DEADLIGHT_DATABASE_URL": postgres.start(),
            "DEADLIGHT_SECRET_KEY": "a secret key for benchmarks, long enough",
            "DEADLIGHT_PORT": str(port),
            "DEADLIGHT_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DEADLIGHT_DENIED_DESTINATIONS": "none",
            **settings,
        }
        started = await _bootstrap(environment)
        service = Process("service", "deadlight.server", [], environment, folder / "service.log")
        await service.start()
        running = Deployment(
            folder=folder,
            url=f"http://127.0.0.1:{port}",
            database_url=environment["DEADLIGHT_DATABASE_URL"],
            token=started["api_token"],
            registration_token=started["registration_token"],
            service=service,
            processes=[service],
        )
        try:
            await until_ready(running.url)
            yield running
        finally:
            await asyncio.gather(*(process.stop() for process in reversed(running.processes)))
            postgres.stop()


async def _bootstrap(environment: Mapping[str, str]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deadlight.server",
        "bootstrap",
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    answer: dict[str, str] = json.loads(output)
    return answer


async def until_ready(url: str) -> None:
    """Wait for the service."""
    async with asyncio.timeout(60), RestClient(url) as client:
        while True:
            try:
                await client.get("/api/v1/system/readiness")
            except (NotReachedError, ApiError):
                await asyncio.sleep(0.05)
            else:
                return
