"""Where an image is read from: a registry, with the user's own credentials, or files."""

import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import aiohttp

from deadlight.cli.scanning.docker_credentials import load_credentials
from deadlight.model import proxies
from deadlight.model.image import ImageReference, Platform
from deadlight.registry import Descriptor, Endpoint, NotFoundError, RegistryClient, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms, collect_sboms
from deadlight.registry.blob_files import read_as_file
from deadlight.registry.resolve import NotScannableError, ResolvedImage, resolve_image
from deadlight.registry.stored.images import StoredImages
from deadlight.registry.stored.opening import open_stored_images

T = TypeVar("T")


class Source(Protocol):
    """One image of one platform, and how its parts are had."""

    image: ResolvedImage
    kind: str
    """`registry`, `oci-layout` or `docker-archive`."""
    name: str
    """What people call the image, without its tag."""
    tag: str

    async def read_layer(self, layer: Descriptor, read: Callable[[BinaryIO], T]) -> T:
        """What `read` makes of a layer, which is checked against its digest."""
        ...

    async def collect_sboms(self) -> FoundSboms:
        """The bills of materials that are attached to it."""
        ...


class _InRegistry:
    kind = "registry"

    def __init__(self, client: RegistryClient, reference: ImageReference, image: ResolvedImage) -> None:
        self.image = image
        self.name = reference.name
        self.tag = reference.tag
        self._client = client
        self._repository = reference.repository

    async def read_layer(self, layer: Descriptor, read: Callable[[BinaryIO], T]) -> T:
        return await read_as_file(self._client, self._repository, layer.digest, layer.size, read)

    async def collect_sboms(self) -> FoundSboms:
        return await collect_sboms(self._client, self._repository, self.image.digests)


class _InFiles:
    def __init__(self, images: StoredImages, image: ResolvedImage, tag: str) -> None:
        self.image = image
        self.name = images.name
        self.tag = tag
        self.kind = images.kind
        self._images = images

    async def read_layer(self, layer: Descriptor, read: Callable[[BinaryIO], T]) -> T:
        return await self._images.read_layer("", layer, read)

    async def collect_sboms(self) -> FoundSboms:
        return await collect_sboms(self._images, "", self.image.digests)


async def open_files(path: Path, wanted: str, platform: Platform) -> Source:
    """The image in a folder or archive; raises RegistryError, saying what is wrong with it and what to do."""
    images = open_stored_images(path)
    digest = images.choose(wanted)
    image = await resolve_image(images, "", "", digest, platform, called=images.name)
    return _InFiles(images, image, images.name_of(digest))


@asynccontextmanager
async def open_reference(reference: ImageReference, platform: Platform) -> AsyncIterator[Source]:
    """The image that a registry has; raises RegistryError, saying why it cannot be had and what to do."""
    credentials = load_credentials(reference.registry)
    endpoint = Endpoint(
        reference.registry,
        url=f"http://{reference.registry}" if _is_this_machine(reference.registry) else "",
        username=credentials.username,
        password=credentials.password,
    )
    async with aiohttp.ClientSession(trust_env=proxies.are_set()) as session:
        client = RegistryClient(endpoint, session)
        try:
            image = await _resolve(client, reference, platform)
        except UnavailableError as error:
            wants_more = "(401" in error.reason or "(403" in error.reason
            raise NotScannableError(
                f"{error}: {credentials.note}" if wants_more and credentials.note else str(error)
            ) from None
        yield _InRegistry(client, reference, image)


async def _resolve(client: RegistryClient, reference: ImageReference, platform: Platform) -> ResolvedImage:
    repository, tag = reference.repository, reference.tag
    try:
        digest = reference.digest or (await client.head_manifest(repository, tag)).digest
        return await resolve_image(client, repository, tag, digest, platform, called=reference.registry)
    except NotFoundError:
        raise NotScannableError(f"{reference.registry} does not have {reference}") from None


def _is_this_machine(host: str) -> bool:
    """Registries of this machine are asked without TLS, as docker does."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
