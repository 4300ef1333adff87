"""Finding out what is in one image: read what no analyzer has read yet, put the layers together, store."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from deadlight.registry import RegistryError, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms, collect_sboms
from deadlight.registry.resolve import NotScannableError, ResolvedImage
from deadlight.scanner import LISTING, SCANNER_STATE, exposure_scanners, package_analyzers
from deadlight.server.registries.service import Registry, client_for
from deadlight.server.scans.due import Due, exposure_states
from deadlight.server.scans.exposures import store_exposures
from deadlight.server.scans.layer_process import (
    LayerOutcome,
    LayerRequest,
    SquashedImage,
    SquashRequest,
    read_layer,
    squash_layers,
)
from deadlight.server.scans.layers import KnownLayer, find_layers, forget_layers, store_layer
from deadlight.server.scans.processes import ProcessEndedError
from deadlight.server.scans.store import store_contents
from deadlight.server.services import Services

logger = logging.getLogger(__name__)


async def scan_resolved_image(
    services: Services, registry: Registry, repository: str, resolved: ResolvedImage, due: Due
) -> int:
    """Scan an image for what is due; returns how many of its layers had to be read.

    Raises:
        NotScannableError: a layer, or all of them together, cannot be read, and will not be next time.
        UnavailableError: the registry cannot be asked now.
    """
    layers, read = await _read_layers(services, registry, repository, resolved, due)
    sboms = await _collect_sboms(services, registry, repository, resolved) if due.packages else FoundSboms()
    squashed = await _squash(services, resolved, layers, due, sboms)
    async with services.engine.begin() as connection:
        if due.packages:
            await store_contents(connection, due.image_id, squashed, SCANNER_STATE)
        await store_exposures(connection, due.image_id, squashed.exposures, exposure_states(due.setup))
    logger.info("image scanned", extra={"image_id": due.image_id, "packages": len(squashed.packages)})
    return read


def _analyzer_versions(due: Due) -> dict[str, int]:
    """What has to have read every layer: what finds packages, and the scanners of the exposures that are due."""
    scanners = [scanner for scanner in exposure_scanners(due.setup) if scanner.category in due.categories]
    states = [LISTING, *(analyzer.state for analyzer in package_analyzers())]
    return dict([*states, *((scanner.name, scanner.version) for scanner in scanners)])


async def _read_layers(
    services: Services, registry: Registry, repository: str, resolved: ResolvedImage, due: Due
) -> tuple[list[tuple[str, Mapping[str, bytes]]], int]:
    """Digest and parts of every layer, lowest first, and how many had to be read."""
    analyzers = _analyzer_versions(due)
    digests = [item.digest for item in resolved.layers]
    async with services.engine.connect() as connection:
        known = await find_layers(connection, digests, analyzers)
    missing = {item.digest: item for item in resolved.layers if known[item.digest].missing}
    if missing:
        endpoint = await client_for(services, registry).signed_in_endpoint()
        requests = [
            LayerRequest(endpoint, repository, digest, item.media_type, item.size, known[digest].missing, due.setup)
            for digest, item in missing.items()
        ]
        outcomes = await asyncio.gather(*(_read_layer(services, registry.host, request) for request in requests))
        known = {**known, **await _keep(services, known, requests, outcomes, analyzers)}
    return [(digest, known[digest].parts) for digest in digests], len(missing)


async def _read_layer(services: Services, host: str, request: LayerRequest) -> LayerOutcome:
    """Read a layer in a process of its own; once more where that ended, for it need not have been the layer."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        with suppress(ProcessEndedError):
            async with services.pull_turns.of(host):
                return await loop.run_in_executor(services.processes, read_layer, request)
    return LayerOutcome(error=f"layer {request.digest}: the process that read it ended twice (out of memory or time?)")


async def _keep(
    services: Services,
    known: Mapping[str, KnownLayer],
    requests: Sequence[LayerRequest],
    outcomes: Sequence[LayerOutcome],
    analyzers: Mapping[str, int],
) -> dict[str, KnownLayer]:
    """Store what could be read, also when another layer of the image could not."""
    fresh: dict[str, KnownLayer] = {}
    async with services.engine.begin() as connection:
        for request, outcome in sorted(zip(requests, outcomes, strict=True), key=lambda pair: pair[0].digest):
            if outcome.parts:
                versions = {name: analyzers[name] for name in (*request.analyzers, LISTING[0])}
                await store_layer(connection, request.digest, versions, outcome.parts)
                fresh[request.digest] = KnownLayer({**known[request.digest].parts, **outcome.parts})
    for outcome in outcomes:
        if outcome.registry:
            raise UnavailableError(outcome.registry, outcome.error, retry_after_seconds=outcome.retry_after_seconds)
        if outcome.error:
            raise NotScannableError(outcome.error)
    return fresh


async def _collect_sboms(
    services: Services, registry: Registry, repository: str, resolved: ResolvedImage
) -> FoundSboms:
    """What others say is in it; the scan does not depend on it."""
    try:
        return await collect_sboms(client_for(services, registry), repository, resolved.digests)
    except RegistryError as error:
        return FoundSboms(problems=(f"SBOMs attached to it could not be looked for: {error}",))


async def _squash(
    services: Services,
    resolved: ResolvedImage,
    layers: Sequence[tuple[str, Mapping[str, bytes]]],
    due: Due,
    sboms: FoundSboms,
) -> SquashedImage:
    request = SquashRequest(layers, due.categories, resolved.config.settings, due.setup, sboms)
    try:
        squashed = await asyncio.get_running_loop().run_in_executor(services.processes, squash_layers, request)
    except ProcessEndedError:
        raise NotScannableError("the process that put its layers together ended (out of memory or time?)") from None
    if squashed.damaged:
        async with services.engine.begin() as connection:
            await forget_layers(connection, [digest for digest, _ in layers])
    if squashed.error:
        raise NotScannableError(squashed.error)
    return squashed
