"""docker-registry processes full of tags: each tag names a manifest of its own, as large as usual."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from deadlight.demo.images import Blob, BuiltImage, ImageSpec, build_image, push_image
from deadlight.registry.documents import OCI_MANIFEST

TAGS_A_REPOSITORY = 100
MANIFEST_BYTES = 2_500
"""About what a manifest of ten layers has."""

PUSHES_AT_ONCE = 16

_CONFIG = """\
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True, slots=True)
class Tag:
    """A name and what it was pushed as."""

    repository: str
    name: str
    digest: str


@dataclass
class TaggedRegistry:
    """A registry process and its tags."""

    url: str
    http: aiohttp.ClientSession
    tags: list[Tag] = field(default_factory=list)

    @property
    def host(self) -> str:
        """As image references name it."""
        return self.url.removeprefix("http://")

    async def fill(self, tags: int) -> None:
        """Push so many tags."""
        image = build_image(ImageSpec(layers=[{"app": b"the one layer of all"}]))
        places = [divmod(number, TAGS_A_REPOSITORY) for number in range(tags)]
        names = [(f"team/app-{repository}", f"1.0.{tag}") for repository, tag in places]
        for repository in sorted({repository for repository, _ in names}):
            await push_image(self.http, self.url, repository, "base", image)
        self.tags = await self._push_all(image, names, "")

    async def change(self, tags: int) -> None:
        """Have so many tags name another image."""
        image = build_image(ImageSpec(layers=[{"app": b"the one layer of all"}]))
        await self._push_all(image, [(tag.repository, tag.name) for tag in self.tags[:tags]], "changed")

    async def _push_all(self, image: BuiltImage, names: list[tuple[str, str]], mark: str) -> list[Tag]:
        waiting, pushed = iter(names), []

        async def push_in_turn() -> None:
            for repository, name in waiting:
                manifest = _manifest(image, f"{repository}:{name} {mark}")
                url = f"{self.url}/v2/{repository}/manifests/{name}"
                headers = {"Content-Type": OCI_MANIFEST}
                async with self.http.put(url, data=manifest.content, headers=headers) as response:
                    assert response.status == 201, await response.text()
                pushed.append(Tag(repository, name, manifest.digest))

        await asyncio.gather(*(push_in_turn() for _ in range(PUSHES_AT_ONCE)))
        return pushed


def _manifest(image: BuiltImage, mark: str) -> Blob:
    """The image's manifest made one of its own, and as large as usual."""
    document = json.loads(image.manifest.content)
    padding = "x" * (MANIFEST_BYTES - len(image.manifest.content) - len(mark))
    document["annotations"] = {"mark": mark, "padding": padding}
    return replace(image.manifest, content=json.dumps(document).encode())


@asynccontextmanager
async def tagged_registry(folder: Path, port: int, tags: int) -> AsyncIterator[TaggedRegistry]:
    """Serve a registry with so many tags until the block ends. Ends the process where there is no docker-registry."""
    program = shutil.which("docker-registry", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin")
    if program is None:
        raise SystemExit("docker-registry was not found (apt-get install docker-registry)")
    config = folder / "registry.yml"
    config.write_text(_CONFIG.format(folder=folder / "storage", port=port))
    process = await asyncio.create_subprocess_exec(program, "serve", str(config), stdout=DEVNULL, stderr=DEVNULL)
    async with aiohttp.ClientSession() as http:
        registry = TaggedRegistry(f"http://127.0.0.1:{port}", http)
        try:
            await _until_serving(registry)
            await registry.fill(tags)
            yield registry
        finally:
            process.terminate()
            await process.wait()


async def _until_serving(registry: TaggedRegistry) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with registry.http.get(f"{registry.url}/v2/"):
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
