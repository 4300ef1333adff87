"""Scanning an image: resolve it, read the layers nobody has read yet, squash, store."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference, Platform
from deadlight.model.scan_configuration import Scanner
from deadlight.registry import Descriptor, Endpoint, RegistryClient, RegistryError, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms, collect_sboms
from deadlight.registry.resolve import NotScannableError, ResolvedImage, resolve_image
from deadlight.scanner import SCANNER_STATE
from deadlight.server.jobs.queue import Job, RetryLaterError, enqueue
from deadlight.server.registries.service import Registry, client_for, find_distrust, find_registry
from deadlight.server.scans.configuration import expire_results, find_switched_off
from deadlight.server.scans.layer_process import LayerOutcome, LayerRequest, read_layer, squash_layers
from deadlight.server.scans.processes import ProcessEndedError
from deadlight.server.scans.store import (
    begin_scan,
    end_scan,
    find_layers,
    leave_out,
    queue_scan,
    record_scanned,
    requeue_scans,
    store_contents,
    store_image,
    store_layer,
)
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.inventory import image_tag

logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=30)


class ScanImage(Job, frozen=True):
    """Find out what is in a running image."""

    name: ClassVar[str] = "scan_image"
    image_tag_id: int


async def scan_image(services: Services, job: ScanImage) -> None:
    """Scan one image. Idempotent: layers and images that are known are not read again.

    Raises:
        RetryLaterError: the registry cannot be asked now.
    """
    async with services.engine.begin() as connection:
        attempts = await begin_scan(connection, job.image_tag_id)
        if attempts is None:
            return  # another job has done it, or the image tag has been removed
        target = (await connection.execute(select(image_tag).where(image_tag.c.id == job.image_tag_id))).one()
        registry = await find_registry(connection, target.registry)
    try:
        await _scan(services, registry, target)
    except UnavailableError as error:
        await _wait(services, target, attempts, error)
    except (RegistryError, UndecipherableError) as error:
        await _end(services, target, "failed", str(error))
    except Exception as error:
        await _end(services, target, "failed", f"unexpected {type(error).__name__}: the service's log says more")
        raise


async def _scan(services: Services, registry: Registry | None, target: Row[Any]) -> None:
    distrust = find_distrust(registry, target.registry, target.repository)
    if registry is None or distrust:
        await _end(services, target, "skipped", f"{distrust}, to have its images scanned")
        return
    client = client_for(services, registry)
    platform = Platform.parse(target.platform)
    resolved = await resolve_image(client, target.repository, target.tag, target.digest, platform)
    async with services.engine.begin() as connection:
        image = await store_image(connection, target.id, resolved)
    if image.scanner_state == SCANNER_STATE:
        await _finish(services, target.id, image.id, 0)
        return
    facts, scanned = await _read_layers(services, registry, target.repository, resolved)
    sboms = await _collect_sboms(client, target.repository, resolved)
    await _squash(services, target.id, image.id, facts, sboms)
    await _finish(services, target.id, image.id, scanned)


async def _read_layers(
    services: Services, registry: Registry, repository: str, resolved: ResolvedImage
) -> tuple[list[bytes], int]:
    """The facts of every layer, lowest first, and how many had to be read."""
    digests = [item.digest for item in resolved.layers]
    async with services.engine.connect() as connection:
        known = await find_layers(connection, digests, SCANNER_STATE)
    missing = {item.digest: item for item in resolved.layers if item.digest not in known}
    endpoint = await client_for(services, registry).signed_in_endpoint()
    requests = [_request(endpoint, repository, item) for item in missing.values()]
    outcomes = await asyncio.gather(*(_read_layer(services, request) for request in requests))
    fresh = await _keep(services, list(missing), outcomes)
    return [(fresh.get(digest) or known[digest]) for digest in digests], len(fresh)


async def _read_layer(services: Services, request: LayerRequest) -> LayerOutcome:
    """Read a layer in a process of its own; once more where that ended, for it need not have been the layer."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        with suppress(ProcessEndedError):
            return await loop.run_in_executor(services.processes, read_layer, request)
    return LayerOutcome(error=f"layer {request.digest}: the process that read it ended twice (out of memory?)")


def _request(endpoint: Endpoint, repository: str, item: Descriptor) -> LayerRequest:
    return LayerRequest(endpoint, repository, item.digest, item.media_type, item.size)


async def _keep(services: Services, digests: Sequence[str], outcomes: Sequence[LayerOutcome]) -> dict[str, bytes]:
    """Store what could be read, also when another layer of the image could not."""
    fresh = {digest: outcome.facts for digest, outcome in zip(digests, outcomes, strict=True) if outcome.facts}
    async with services.engine.begin() as connection:
        for digest in sorted(fresh):
            await store_layer(connection, digest, SCANNER_STATE, fresh[digest])
    for outcome in outcomes:
        if outcome.registry:
            raise UnavailableError(outcome.registry, outcome.error, retry_after_seconds=outcome.retry_after_seconds)
        if outcome.error:
            raise NotScannableError(outcome.error)
    return fresh


async def _collect_sboms(client: RegistryClient, repository: str, resolved: ResolvedImage) -> FoundSboms:
    """What others say is in it; the scan does not depend on it."""
    try:
        return await collect_sboms(client, repository, resolved.digests)
    except RegistryError as error:
        return FoundSboms(problems=(f"SBOMs attached to it could not be looked for: {error}",))


async def _squash(
    services: Services, image_tag_id: int, image_id: int, facts: Sequence[bytes], sboms: FoundSboms
) -> None:
    loop = asyncio.get_running_loop()
    try:
        squashed = await loop.run_in_executor(services.processes, squash_layers, facts, sboms)
    except ProcessEndedError:
        raise NotScannableError("the process that put its layers together ended (out of memory?)") from None
    if squashed.error:
        raise NotScannableError(squashed.error)
    async with services.engine.begin() as connection:
        await store_contents(connection, image_id, squashed, SCANNER_STATE)
    logger.info(
        "image scanned",
        extra={"image_tag_id": image_tag_id, "image_id": image_id, "packages": len(squashed.packages)},
    )


async def _finish(services: Services, image_tag_id: int, image_id: int, layers_scanned: int) -> None:
    async with services.engine.begin() as connection:
        await end_scan(connection, image_tag_id, "done", layers_scanned=layers_scanned)
        await record_scanned(connection, image_id)


async def _end(services: Services, target: Row[Any], status: str, error: str) -> None:
    """Note why there is no result, for people who see many images' reasons side by side."""
    reference = ImageReference(target.registry, target.repository, target.tag, "" if target.tag else target.digest)
    async with services.engine.begin() as connection:
        await end_scan(connection, target.id, status, f"{reference}: {error}")


async def _wait(services: Services, target: Row[Any], attempts: int, error: UnavailableError) -> None:
    """Note why it waits, and come back later for as long as the image is wanted."""
    await _end(services, target, "waiting", str(error))
    pause = min(FIRST_RETRY * float(2 ** min(attempts - 1, 16)), LONGEST_RETRY)
    asked = timedelta(seconds=error.retry_after_seconds or 0)
    raise RetryLaterError(max(pause, min(asked, LONGEST_RETRY)), str(error))


async def retry_scans(connection: AsyncConnection, *, host: str | None = None, image_tag_id: int | None = None) -> None:
    """Scan again what could not be scanned, of a registry, or of one image tag that somebody asks for."""
    wanted = set(await requeue_scans(connection, host, image_tag_id))
    if host is not None:
        switched_off = await find_switched_off(connection, Scanner.SCA, wanted)
        await leave_out(connection, switched_off)
        wanted -= switched_off
    await enqueue(connection, [ScanImage(id_) for id_ in sorted(wanted)])


_STALE = text(
    """
    SELECT DISTINCT scan.image_tag_id
    FROM scan
    JOIN image_tag_image ON image_tag_image.image_tag_id = scan.image_tag_id
    JOIN image ON image.id = image_tag_image.image_id
    JOIN container ON container.image_tag_id = scan.image_tag_id
    LEFT JOIN scan_configuration AS configuration ON configuration.cluster_id = container.cluster_id
    WHERE scan.status = 'done' AND image.scanner_state <> :state
      AND container.state = 'running' AND container.removed_at IS NULL
      AND (configuration.cluster_id IS NULL OR 'sca' = ANY(configuration.scanners)) LIMIT 200
    """
)


async def rescan_stale(services: Services) -> None:
    """Running images whose result has expired, or whose layers were read by the scanner before an upgrade."""
    async with services.engine.begin() as connection:
        await expire_results(connection)
        stale = (await connection.execute(_STALE, {"state": SCANNER_STATE})).scalars().all()
        for image_tag_id in stale:
            await queue_scan(connection, image_tag_id)
        await enqueue(connection, [ScanImage(image_tag_id) for image_tag_id in stale])
