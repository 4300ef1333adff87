"""The images as the registry has them, and what kubelets would report of them if they pulled now."""

import asyncio

import aiohttp

from deadlight.demo import catalogue
from deadlight.demo.clusters import ImageIds, pulled, side_loaded
from deadlight.demo.images import push_image
from deadlight.demo.recipes import DemoImage, build
from deadlight.demo.registry_process import delete_image

PUSHES_AT_ONCE = 4


class Supply:
    """Pushes and deletes images; `image_ids` has an entry for every reference that anybody may run."""

    def __init__(self, session: aiohttp.ClientSession, registry_url: str) -> None:
        self._session = session
        self._url = registry_url
        self.image_ids: dict[str, ImageIds] = {}

    async def stock(self) -> None:
        """Push what the registry has at first, whatever it has now. Raises PushError."""
        free = asyncio.Semaphore(PUSHES_AT_ONCE)

        async def push(image: DemoImage) -> None:
            async with free:
                await self.push(image)

        async with asyncio.TaskGroup() as tasks:
            for image in catalogue.PUBLISHED:
                tasks.create_task(push(image))
        self.image_ids[catalogue.NETSHOOT.reference] = side_loaded(build(catalogue.NETSHOOT))
        self.image_ids[catalogue.QUEUE_EXPORTER.reference] = pulled(
            catalogue.QUEUE_EXPORTER, build(catalogue.QUEUE_EXPORTER)
        )

    async def push(self, image: DemoImage) -> None:
        """Push an image under its tag, which then is this one. Raises PushError."""
        built = await asyncio.to_thread(build, image)
        await push_image(self._session, self._url, image.repository, image.tag, built)
        self.image_ids[image.reference] = pulled(image, built)

    async def delete(self, image: DemoImage) -> None:
        """Delete an image from the registry; nodes that have it keep it."""
        await delete_image(self._session, self._url, image.repository, await asyncio.to_thread(build, image))
