"""The images behind a manifest or index: which platforms, which digests."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Protocol, TypeVar

from deadlight.model.image import Platform
from deadlight.registry.documents import (
    IMAGE_CONFIG_TYPES,
    INDEX_TYPES,
    MANIFEST_TYPES,
    UNKNOWN_PLATFORM,
    Descriptor,
    ImageConfig,
    Manifest,
)
from deadlight.registry.errors import DigestMismatchError, MalformedAnswerError, NotFoundError
from deadlight.registry.limits import MAX_INDEX_MANIFESTS, MAX_MANIFESTS_READ
from deadlight.registry.manifests import NotModified
from deadlight.registry.records import SourceManifest

_ATTESTATION = "vnd.docker.reference.type"
"""The annotation that BuildKit puts on index entries that describe other entries."""

T = TypeVar("T")


class Contents(Protocol):
    """What reading needs of a registry; `RegistryClient` is it, and reads through here in turn."""

    name: str

    async def fetch_manifest(self, repository: str, reference: str) -> Manifest | NotModified:
        """The manifest of a digest."""
        ...

    async def fetch_config(self, repository: str, digest: str) -> ImageConfig:
        """The configuration of a digest."""
        ...


async def read_images(contents: Contents, repository: str, manifest: Manifest) -> tuple[SourceManifest, ...]:
    """The images of a manifest or index, in its order.

    Raises:
        UnavailableError: a part could not be asked for, or the index is nested too deep or too long. A part that
            the registry says it does not have is not an error: an index may list more than was copied here.
    """
    if not manifest.is_index:
        return (await _describe(contents, repository, manifest, None),)
    entries = await _list_entries(contents, repository, manifest)
    read = await _all(_read_entry(contents, repository, entry) for entry in entries[:MAX_MANIFESTS_READ])
    unread = (_unread(entry) for entry in entries[MAX_MANIFESTS_READ:])
    return (*(image for image in read if image is not None), *unread)


async def _list_entries(contents: Contents, repository: str, index: Manifest) -> list[Descriptor]:
    """The image entries of an index and of the indexes directly in it."""
    entries: list[Descriptor] = []
    for entry in filter(_may_be_image, index.manifests):
        if entry.media_type not in INDEX_TYPES:
            entries.append(entry)
            continue
        nested = await _get_manifest(contents, repository, entry.digest)
        if any(inner.media_type in INDEX_TYPES for inner in nested.manifests):
            raise MalformedAnswerError(contents.name, "it sends an index nested deeper than two levels")
        entries += filter(_may_be_image, nested.manifests)
        if len(entries) > MAX_INDEX_MANIFESTS:
            raise MalformedAnswerError(contents.name, f"it sends an index of more than {MAX_INDEX_MANIFESTS} manifests")
    return entries


async def _read_entry(contents: Contents, repository: str, entry: Descriptor) -> SourceManifest | None:
    """One image of an index; None for what turns out to be another kind of artifact."""
    try:
        manifest = await _get_manifest(contents, repository, entry.digest)
    except (NotFoundError, DigestMismatchError):
        return _unread(entry)
    if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIG_TYPES:
        return None
    return await _describe(contents, repository, manifest, entry.platform)


async def _describe(
    contents: Contents, repository: str, manifest: Manifest, platform: Platform | None
) -> SourceManifest:
    assert manifest.config is not None, "only an index has none"
    if platform is None:
        platform = await _find_platform(contents, repository, manifest.config)
    return SourceManifest(platform, manifest.digest, manifest.config.digest)


async def _find_platform(contents: Contents, repository: str, config: Descriptor) -> Platform:
    """The platform an image's configuration names. That a tag exists does not depend on it being readable."""
    if config.media_type not in IMAGE_CONFIG_TYPES:
        return UNKNOWN_PLATFORM
    try:
        platform = (await contents.fetch_config(repository, config.digest)).platform
    except (NotFoundError, DigestMismatchError, MalformedAnswerError):
        return UNKNOWN_PLATFORM
    return platform if platform.os and platform.architecture else UNKNOWN_PLATFORM


async def _get_manifest(contents: Contents, repository: str, digest: str) -> Manifest:
    manifest = await contents.fetch_manifest(repository, digest)
    assert isinstance(manifest, Manifest), "nothing to be unmodified since"
    return manifest


def _may_be_image(entry: Descriptor) -> bool:
    """Whether an index's entry can be an image: not an attestation, signature or other artifact."""
    is_manifest = entry.media_type in {"", *MANIFEST_TYPES, *INDEX_TYPES}
    return is_manifest and _ATTESTATION not in entry.annotations and entry.platform != UNKNOWN_PLATFORM


def _unread(entry: Descriptor) -> SourceManifest:
    return SourceManifest(entry.platform or UNKNOWN_PLATFORM, entry.digest, "")


async def _all(questions: Iterable[Awaitable[T]]) -> list[T]:
    """Every answer, asked together; the first error once all are through, so that none is left running."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
