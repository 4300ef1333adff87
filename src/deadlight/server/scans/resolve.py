"""From what a node says it runs to the manifest whose layers are to be read."""

from dataclasses import dataclass

from deadlight.model.image import Platform
from deadlight.registry import (
    Descriptor,
    ImageConfig,
    Manifest,
    NotFoundError,
    RegistryClient,
    SourceRecord,
    resolve_platform,
)
from deadlight.registry.documents import IMAGE_CONFIG_TYPES


class NotScannableError(Exception):
    """There is nothing to scan; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An image of one platform."""

    digest: str
    config: ImageConfig
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str]


async def resolve_image(
    client: RegistryClient, repository: str, tag: str, running_digest: str, platform: Platform
) -> ResolvedImage:
    """Find the manifest behind a running digest: an index, a manifest or, for a loaded image, a configuration.

    Raises:
        NotScannableError: the registry does not have it, or not for this platform, or it is something else.
        UnavailableError, DigestMismatchError: as the registry's client.
    """
    try:
        record = await _find_record(client, repository, tag, running_digest)
        chosen = resolve_platform(record, platform)
        if chosen is None:
            raise NotScannableError(f"the registry has {repository}@{record.digest}, but not for {platform}")
        manifest = await client.fetch_manifest(repository, chosen.digest)
        assert isinstance(manifest, Manifest), "asked without an ETag"
        if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIG_TYPES:
            raise NotScannableError(f"{repository}@{chosen.digest} is not a container image")
        config = await client.fetch_config(repository, manifest.config.digest)
    except NotFoundError:
        raise NotScannableError(
            f"the registry does not have {repository}@{running_digest}, so its layers cannot be read: push the image "
            "that is running, or deploy the one that is there"
        ) from None
    return ResolvedImage(manifest.digest, config, manifest.layers, {**record.annotations, **manifest.annotations})


async def _find_record(client: RegistryClient, repository: str, tag: str, running_digest: str) -> SourceRecord:
    """What the registry has under the running digest; or under the tag, if that is how its configuration is found."""
    try:
        return await client.fetch_pinned_record(repository, running_digest)
    except NotFoundError:
        if not tag:
            raise
    record = await client.fetch_source_record(repository, tag)
    if not any(manifest.config_digest == running_digest for manifest in record.manifests):
        raise NotFoundError(f"{repository}:{tag} has become another image")
    return record
