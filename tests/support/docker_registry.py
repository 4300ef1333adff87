"""Debian's docker-registry as a process of its own: the real server on the other side of the registry's API."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from tests.support.machine import demand, find_docker_registry

CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@asynccontextmanager
async def running_docker_registry(folder: Path) -> AsyncIterator[str]:
    """Serve until the block ends; yields its URL. Skips, or fails by the rule for runc, where it is not installed."""
    program = find_docker_registry()
    demand("runc", "" if program else "docker-registry was not found (apt-get install docker-registry)")
    port = _free_port()
    config = folder / "registry.yml"
    config.write_text(CONFIG.format(folder=folder / "storage", port=port))
    process = await asyncio.create_subprocess_exec(program, "serve", str(config), stderr=asyncio.subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_serving(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_serving(url: str) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/v2/"):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
