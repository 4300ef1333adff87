"""Images in a served registry, and the job that scans them, run by the test itself."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Row
from tests.support.fleet import Fleet
from tests.support.registries import ServedRegistry, serve_registry

from deadlight.demo.images import BuiltImage, BuiltIndex
from deadlight.server.inventory.image_tags import ImageTagKey
from deadlight.server.inventory.rows import ensure_image_tags
from deadlight.server.jobs.queue import RetryLaterError
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import save_registry
from deadlight.server.scans.jobs import ScanImage, scan_image
from deadlight.server.scans.processes import IsolatedProcesses
from deadlight.server.scans.store import queue_scan
from deadlight.server.services import Services


@dataclass
class Scans:
    """Runs scans of images in one registry, and tells what came of them."""

    services: Services
    registry: ServedRegistry
    fleet: Fleet

    async def trust(self, registry: ServedRegistry | None = None, **more: Any) -> None:
        """Add the registry, or another one."""
        added = registry or self.registry
        body = RegistryIn(host=added.host, url=added.url, **more)
        async with self.services.engine.begin() as connection:
            await save_registry(connection, self.services.cipher, body)

    async def observe(
        self, image: BuiltImage | BuiltIndex, repository: str = "shop/web", *, registry: ServedRegistry | None = None
    ) -> int:
        """Push an image and note that it runs; the id of the image tag."""
        pushed = await (registry or self.registry).push(image, repository=repository)
        return await self.observe_digest(pushed.digest, repository, registry=registry)

    async def observe_digest(
        self,
        digest: str,
        repository: str = "shop/web",
        *,
        tag: str = "1.0.0",
        platform: str = "linux/amd64",
        registry: ServedRegistry | None = None,
    ) -> int:
        """Note that an image runs under a digest."""
        key = ImageTagKey((registry or self.registry).host, repository, tag, digest, platform, "")
        async with self.services.engine.begin() as connection:
            image_tag_id = (await ensure_image_tags(connection, [key]))[key]
            await queue_scan(connection, image_tag_id)
        return image_tag_id

    async def run(self, image_tag_id: int) -> Row[Any]:
        """Scan to the end; the scan's row."""
        await scan_image(self.services, ScanImage(image_tag_id))
        return await self.row(image_tag_id)

    async def put_off(self, image_tag_id: int) -> tuple[Row[Any], RetryLaterError]:
        """Scan where that cannot be done now; the scan's row and when the job wants to run again."""
        with pytest.raises(RetryLaterError) as later:
            await scan_image(self.services, ScanImage(image_tag_id))
        return await self.row(image_tag_id), later.value

    async def row(self, image_tag_id: int) -> Row[Any]:
        """How the scan of an image stands."""
        (row,) = await self.fleet.rows("SELECT * FROM scan WHERE image_tag_id = :id", id=image_tag_id)
        return row

    async def image(self, image_tag_id: int) -> Row[Any]:
        """What is stored of the image itself."""
        query = "SELECT image.* FROM image_tag_image JOIN image ON image.id = image_id WHERE image_tag_id = :id"
        (row,) = await self.fleet.rows(query, id=image_tag_id)
        return row

    async def packages(self, image_tag_id: int) -> Sequence[Row[Any]]:
        """The packages found in it, by name."""
        query = """
            SELECT package.*, location, layer_digest, owner.name AS owner
            FROM image_tag_image JOIN image_package USING (image_id) JOIN package ON package.id = package_id
            LEFT JOIN package AS owner ON owner.id = owner_package_id WHERE image_tag_id = :id ORDER BY package.name
            """
        return await self.fleet.rows(query, id=image_tag_id)

    def blobs_asked(self) -> list[str]:
        """The digests of layers and configurations that were pulled, in order."""
        return [path.rpartition("/")[2] for _, path in self.registry.asked if "/blobs/" in path]


@pytest.fixture(scope="session")
def processes() -> Iterator[IsolatedProcesses]:
    """One scanning process for all tests: what one of them does to it, the next has to live with."""
    executor = IsolatedProcesses(1)
    yield executor
    executor.shutdown()


@pytest.fixture
async def registry() -> AsyncIterator[ServedRegistry]:
    """A registry on loopback."""
    async with serve_registry() as served:
        yield served


@pytest.fixture
def untrusted(services: Services, registry: ServedRegistry, fleet: Fleet, processes: IsolatedProcesses) -> Scans:
    """Scans in a service to which nobody has added the registry."""
    return Scans(replace(services, processes=processes), registry, fleet)


@pytest.fixture
async def scans(untrusted: Scans) -> Scans:
    """Scans in a service to which the registry has been added."""
    await untrusted.trust()
    return untrusted
