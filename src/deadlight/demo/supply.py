"""The images as the registry has them, and what kubelets would report of them if they pulled now."""

import asyncio
from collections.abc import Mapping

import aiohttp

from deadlight.demo import catalogue
from deadlight.demo.clusters import ImageIds, pulled, side_loaded
from deadlight.demo.images import push_image
from deadlight.demo.recipes import DemoImage, build
from deadlight.demo.registry_process import delete_image
from deadlight.demo.signing import SigningKey, signature_tag

PUSHES_AT_ONCE = 4


class Supply:
    """Pushes and deletes images; `image_ids` has an entry for every reference that anybody may run."""

    def __init__(self, session: aiohttp.ClientSession, registry_urls: Mapping[str, str], key: SigningKey) -> None:
        """`registry_urls` says by host where each registry really is."""
        self._session = session
        self._urls = registry_urls
        self._key = key
        self._signing = asyncio.Lock()
        """Signatures share a blob, and a registry may mix up two uploads of one blob at the same time."""
        self.image_ids: dict[str, ImageIds] = {}

    async def stock(self) -> None:
        """Push what the registries have at first, whatever they have now. Raises PushError."""
        free = asyncio.Semaphore(PUSHES_AT_ONCE)

        async def push(image: DemoImage) -> None:
            async with free:
                await self.push(image)

        async with asyncio.TaskGroup() as tasks:
            for image in (*catalogue.PUBLISHED, catalogue.QUEUE_EXPORTER):
                tasks.create_task(push(image))
        self.image_ids[catalogue.NETSHOOT.reference] = side_loaded(build(catalogue.NETSHOOT))

    async def push(self, image: DemoImage) -> None:
        """Push an image under its tag, which then is this one, signed where it is to be. Raises PushError."""
        built = await asyncio.to_thread(build, image)
        url = self._urls[image.host]
        pushed = await push_image(self._session, url, image.repository, image.tag, built)
        if image in catalogue.SIGNED:
            signature = self._key.sign(f"{image.host}/{image.repository}", pushed.digest)
            async with self._signing:
                await push_image(self._session, url, image.repository, signature_tag(pushed.digest), signature)
        self.image_ids[image.reference] = pulled(image, built)

    async def delete(self, image: DemoImage) -> None:
        """Delete an image from its registry; nodes that have it keep it."""
        built = await asyncio.to_thread(build, image)
        await delete_image(self._session, self._urls[image.host], image.repository, built)
