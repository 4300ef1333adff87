"""Why a running image is not what its tag is: both are fetched once a mismatch has opened, and compared."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import msgspec
from sqlalchemy import Row, text

from deadlight.model.image import Platform
from deadlight.registry import (
    ImageConfig,
    Manifest,
    NotFoundError,
    RegistryClient,
    RegistryError,
    UnavailableError,
    resolve_platform,
)
from deadlight.registry.documents import IMAGE_CONFIG_TYPES
from deadlight.server.db.engine import autocommit
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.integrity.differences import ImageDescription, compare_images, describe, not_compared
from deadlight.server.jobs.queue import Job, RetryLaterError
from deadlight.server.registries.service import client_for, find_registry
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services

RETRY = timedelta(minutes=1)
"""Pause before a registry that could not be asked is asked again, for as long as the violation is open."""

_MISMATCH = text(
    """
    SELECT image_tag.*, violation.evidence ->> 'registry_digest' AS expected_digest,
           image.config, image.layer_digests
    FROM violation JOIN image_tag ON image_tag.id = violation.image_tag_id
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image ON image.id = image_tag_image.image_id
    WHERE violation.id = :violation_id AND (closed_at IS NULL OR violation.evidence -> 'differences' IS NULL)
    """
)

_STORE = text(
    """
    UPDATE violation SET evidence = evidence || jsonb_build_object('differences', CAST(:differences AS jsonb))
    WHERE id = :violation_id
    """
)


class CompareImages(Job, frozen=True):
    """Find out in which layers and settings the running image differs from the expected one."""

    name: ClassVar[str] = "compare_images"
    priority: ClassVar[int] = -1
    violation_id: int


class NotComparableError(Exception):
    """One of the images cannot be described; the text says which and why."""


async def run_compare_images(services: Services, job: CompareImages) -> None:
    """Compare the images of a mismatch and add the differences to its evidence. Idempotent.

    Raises:
        RetryLaterError: the registry cannot be asked now.
    """
    async with autocommit(services.engine) as connection:
        mismatch = (await connection.execute(_MISMATCH, {"violation_id": job.violation_id})).first()
        registry = await find_registry(connection, mismatch.registry) if mismatch else None
    if mismatch is None or registry is None or not registry.trusts(mismatch.repository):
        return  # over, or nobody to be asked any more
    try:
        differences = await _compare(client_for(services, registry), mismatch)
    except UnavailableError as error:
        await _store(services, job.violation_id, not_compared(str(error)))
        raise RetryLaterError(RETRY, str(error)) from error
    except (NotComparableError, RegistryError, UndecipherableError) as error:
        differences = not_compared(str(error))
    await _store(services, job.violation_id, differences)


async def _store(services: Services, violation_id: int, differences: Mapping[str, Any]) -> None:
    document = msgspec.json.encode(without_zero_bytes(differences)).decode()
    async with services.engine.begin() as connection:
        await connection.execute(_STORE, {"violation_id": violation_id, "differences": document})


async def _compare(client: RegistryClient, mismatch: Row[Any]) -> dict[str, Any]:
    platform = Platform.parse(mismatch.platform)
    expected = await _describe(client, mismatch.repository, mismatch.expected_digest, platform)
    if expected is None:
        raise NotComparableError("the registry does not have the expected image any more")
    running = await _describe(client, mismatch.repository, mismatch.digest, platform) or _describe_scanned(mismatch)
    if running is None:
        raise NotComparableError(
            "the registry does not have the running image, and it has not been scanned: its layers are not known"
        )
    return compare_images(running, expected)


async def _describe(
    client: RegistryClient, repository: str, digest: str, platform: Platform
) -> ImageDescription | None:
    """The image of a platform behind a digest; None where the registry does not have it."""
    try:
        chosen = resolve_platform(await client.fetch_pinned_record(repository, digest), platform)
        if chosen is None:
            raise NotComparableError(f"the registry has {repository}@{digest}, but not for {platform}")
        manifest = await client.fetch_manifest(repository, chosen.digest)
        assert isinstance(manifest, Manifest), "asked without an ETag"
        if manifest.config is None or manifest.config.media_type not in IMAGE_CONFIG_TYPES:
            raise NotComparableError(f"{repository}@{chosen.digest} is not a container image")
        config = await client.fetch_config(repository, manifest.config.digest)
    except NotFoundError:
        return None
    return describe(((layer.digest, layer.size) for layer in manifest.layers), config)


def _describe_scanned(mismatch: Row[Any]) -> ImageDescription | None:
    """The running image as its scan found it, when the registry still had it."""
    if not mismatch.layer_digests:
        return None
    try:
        config = msgspec.convert(mismatch.config, ImageConfig)
    except msgspec.ValidationError:
        return None  # written by another version
    return describe(((digest, None) for digest in mismatch.layer_digests), config)
