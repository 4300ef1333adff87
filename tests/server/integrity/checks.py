"""Checks of images in a registry on loopback."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from tests.support.fleet import Fleet
from tests.support.images import text_image
from tests.support.registries import ServedRegistry

from deadlight.registry import Limits
from deadlight.registry.connection import connect
from deadlight.server.integrity.jobs import CheckSource, check_source
from deadlight.server.integrity.rechecks import CheckSources, check_sources
from deadlight.server.integrity.sources import SourceKey, ensure_source
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import change_registry, find_registry, save_registry
from deadlight.server.services import Services

WEB, PUSHED = text_image("running"), text_image("pushed later")
DIGEST = WEB.manifest.digest


@dataclass
class Checks:
    """Checks `shop/web:1.0.0`, or another reference, in a registry on loopback."""

    services: Services
    registry: ServedRegistry
    fleet: Fleet
    registry_id: int = 0

    async def trust(self, **more: Any) -> None:
        """Add the registry, or change how it was added."""
        body = RegistryIn(host=self.registry.host, url=self.registry.url, **more)
        async with self.services.engine.begin() as connection:
            if self.registry_id:
                await change_registry(connection, self.services.cipher, self.registry_id, body)
            else:
                self.registry_id = await save_registry(connection, self.services.cipher, body)

    async def deploy(self, digest: str = DIGEST, *, tag: str = "1.0.0", name: str = "web", **more: str) -> int:
        """A workload that runs an image of the registry; the image tag's id."""
        image_tag_id = await self.fleet.add_image_tag(tag=tag, digest=digest, registry=self.registry.host, **more)
        await self.fleet.deploy(image_tag_id, name=name)
        return image_tag_id

    async def check(self, reference: str = "1.0.0") -> None:
        """Run the job."""
        async with self.services.engine.begin() as connection:
            source_id = await ensure_source(connection, SourceKey(self.registry.host, "shop/web", reference))
        await check_source(self.services, CheckSource(source_id))

    async def check_all(self) -> None:
        """Run the job that checks everything of the registry in one go."""
        ids = [row.id for row in await self.fleet.rows("SELECT id FROM source_record ORDER BY id")]
        await check_sources(self.services, CheckSources(self.registry.host, ids))

    async def verdict(self, image_tag_id: int) -> Row[Any]:
        """What the image tag is now."""
        (row,) = await self.fleet.rows("SELECT * FROM verdict WHERE image_tag_id = :id", id=image_tag_id)
        return row

    async def source(self) -> Row[Any]:
        """What is kept of the registry's answers."""
        (row,) = await self.fleet.rows("SELECT *, next_check_at - now() AS pause FROM source_record")
        return row

    async def hurry(self) -> None:
        """Wait for the registry no longer than a test can."""
        async with self.services.engine.connect() as connection:
            added = await find_registry(connection, self.registry.host)
        assert added is not None
        address = added.address(self.services.cipher)
        limits = Limits(request_seconds=0.2, attempts=2)
        self.services.registries[address] = connect(address, self.services.http, limits=limits)
