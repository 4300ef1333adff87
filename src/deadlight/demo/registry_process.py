"""The demonstration's registry: Debian's docker-registry where it is installed, else our own small one."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from deadlight.demo.children import Child, keep_running
from deadlight.demo.errors import DemoError
from deadlight.demo.images import BuiltImage, BuiltIndex
from deadlight.demo.registry import DemoRegistry, serve_registry

PROGRAM = "docker-registry"
READY_SECONDS = 20.0


@asynccontextmanager
async def running_registry(folder: Path, port: int) -> AsyncIterator[str]:
    """Serve on loopback until the block ends and yield the base URL; images are kept in `folder`, or in memory.

    Raises:
        DemoError: docker-registry does not start.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        async with serve_registry(DemoRegistry(), port=port) as url:
            yield url
        return
    child = Child((program, "serve", str(_write_config(folder, port))), folder / "log")
    running = asyncio.create_task(keep_running(child))
    try:
        url = f"http://127.0.0.1:{port}"
        await _until_ready(url, child.log)
        yield url
    finally:
        running.cancel()
        await asyncio.wait([running])


def _write_config(folder: Path, port: int) -> Path:
    """The configuration as JSON, which is YAML."""
    storage = {"filesystem": {"rootdirectory": str(folder / "images")}, "delete": {"enabled": True}}
    log = {"level": "error", "accesslog": {"disabled": True}}
    config = {"version": 0.1, "log": log, "storage": storage, "http": {"addr": f"127.0.0.1:{port}"}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yml"
    path.write_text(json.dumps(config))
    return path


async def _until_ready(url: str, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{url}/v2/") as response:
                        if response.ok:
                            return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoError(f"{PROGRAM} does not answer at {url}: {log} says why") from None


async def delete_image(
    session: aiohttp.ClientSession, registry_url: str, repository: str, built: BuiltImage | BuiltIndex
) -> None:
    """Delete an image with all its tags; one that is not there is as good as deleted. Raises DemoError."""
    top = built.index if isinstance(built, BuiltIndex) else built.manifest
    async with session.delete(URL(registry_url) / "v2" / repository / "manifests" / top.digest) as response:
        if response.status not in {202, 404}:
            raise DemoError(f"the registry does not delete {repository}: {response.status} {await response.text()}")
