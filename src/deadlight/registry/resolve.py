"""From what a node or a person calls an image to the manifest whose layers are to be read."""

from dataclasses import dataclass
from typing import Protocol

from deadlight.model.image import Platform
from deadlight.registry.documents import IMAGE_CONFIG_TYPES, Descriptor, ImageConfig, Manifest
from deadlight.registry.errors import NotFoundError, RegistryError
from deadlight.registry.manifests import NotModified
from deadlight.registry.records import SourceRecord, resolve_platform


class NotScannableError(RegistryError):
    """There is nothing to scan; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An image of one platform."""

    digest: str
    config: ImageConfig
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str]
    index_digest: str = ""
    """Of the index it was found through; empty without one."""

    @property
    def digests(self) -> tuple[str, ...]:
        """What others attach things to: the manifest, and the index it is part of."""
        return tuple(filter(None, (self.digest, self.index_digest)))


class Images(Protocol):
    """What is asked of a registry, or of images in files."""

    async def fetch_manifest(self, repository: str, reference: str) -> Manifest | NotModified:
        """The manifest of a tag or digest."""
        ...

    async def fetch_config(self, repository: str, digest: str) -> ImageConfig:
        """The configuration of a digest."""
        ...

    async def fetch_source_record(self, repository: str, tag: str) -> SourceRecord:
        """What a tag is now."""
        ...

    async def fetch_pinned_record(self, repository: str, digest: str) -> SourceRecord:
        """What is behind a digest."""
        ...


async def resolve_image(
    images: Images,
    repository: str,
    tag: str,
    running_digest: str,
    platform: Platform,
    *,
    called: str = "the registry",
) -> ResolvedImage:
    """Find the manifest behind a running digest: an index, a manifest or, for a loaded image, a configuration.

    `called` is what people know `images` by. Images in files have no repository.

    Raises:
        NotScannableError: the registry does not have it, or not for this platform, or it is something else.
        UnavailableError, DigestMismatchError: as the registry's client.
    """
    try:
        record = await _find_record(images, repository, tag, running_digest)
        chosen = resolve_platform(record, platform)
        if chosen is None:
            raise NotScannableError(f"{called} has {_other_platforms(record, platform)}")
        manifest = await images.fetch_manifest(repository, chosen.digest)
        assert isinstance(manifest, Manifest), "asked without an ETag"
        if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIG_TYPES:
            raise NotScannableError(f"{_name(record, chosen.digest)} is not a container image")
        config = await images.fetch_config(repository, manifest.config.digest)
    except NotFoundError as error:
        if not repository:
            raise NotScannableError(f"{error}, so the image cannot be read: it was not saved or copied whole") from None
        raise NotScannableError(
            f"{called} does not have {repository}@{running_digest}, so its layers cannot be read: push the image "
            "that is running, or deploy the one that is there"
        ) from None
    annotations = {**record.annotations, **manifest.annotations}
    return ResolvedImage(
        manifest.digest, config, manifest.layers, annotations, record.digest if record.is_index else ""
    )


def _other_platforms(record: SourceRecord, platform: Platform) -> str:
    there = ", ".join(sorted({str(manifest.platform) for manifest in record.manifests})[:20])
    return f"{_name(record, record.digest)}, but not for {platform}{f', only for {there}' if there else ''}"


def _name(record: SourceRecord, digest: str) -> str:
    return f"{record.repository}@{digest}" if record.repository else digest


async def _find_record(images: Images, repository: str, tag: str, running_digest: str) -> SourceRecord:
    """What the registry has under the running digest; or under the tag, if that is how its configuration is found."""
    try:
        return await images.fetch_pinned_record(repository, running_digest)
    except NotFoundError:
        if not tag:
            raise
    record = await images.fetch_source_record(repository, tag)
    if not any(manifest.config_digest == running_digest for manifest in record.manifests):
        raise NotFoundError(f"{repository}:{tag} has become another image")
    return record
