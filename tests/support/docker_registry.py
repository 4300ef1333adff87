"""Debian's docker-registry as a process of its own: the real server on the other side of the registry's API."""

import asyncio
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tests.support.machine import demand, find_docker_registry
from tests.support.patience import PATIENCE_SECONDS

CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
{more}"""


@dataclass(frozen=True)
class DockerRegistry:
    """A registry that serves, and the folder of its configuration."""

    url: str
    config: Path
    program: str

    @property
    def host(self) -> str:
        """As image references name it."""
        return self.url.removeprefix("http://")

    async def collect_garbage(self) -> None:
        """Remove what no manifest names any more, as its administrator does."""
        arguments = ("garbage-collect", "--delete-untagged", str(self.config))
        process = await asyncio.create_subprocess_exec(self.program, *arguments, stdout=DEVNULL, stderr=DEVNULL)
        assert await process.wait() == 0


@asynccontextmanager
async def serving_docker_registry(folder: Path, *, port: int = 0, more: str = "") -> AsyncIterator[DockerRegistry]:
    """Serve until the block ends; `more` is added to the configuration.

    Skips, or fails by the rule for runc, where it is not installed.
    """
    program = find_docker_registry()
    demand("runc", "" if program else "docker-registry was not found (apt-get install docker-registry)")
    port = port or free_port()
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(folder=folder / "storage", port=port, more=more))
    process = await asyncio.create_subprocess_exec(program, "serve", str(config), stdout=DEVNULL, stderr=DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_serving(url)
        yield DockerRegistry(url, config, program)
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def running_docker_registry(folder: Path) -> AsyncIterator[str]:
    """The same, of which only the URL matters."""
    async with serving_docker_registry(folder) as registry:
        yield registry.url


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_serving(url: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/v2/"):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
