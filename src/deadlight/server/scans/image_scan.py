"""Finding out what is in one image: read what no analyzer has read yet, put the layers together, store."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from deadlight.registry import Endpoint, RegistryError, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms, collect_sboms
from deadlight.registry.documents import Descriptor
from deadlight.registry.resolve import NotScannableError, ResolvedImage
from deadlight.scanner import LISTING, SCANNER_STATE, InvalidRuleError, exposure_scanners, image_analyzers
from deadlight.server.db.engine import autocommit
from deadlight.server.registries.service import Registry, client_for
from deadlight.server.scans.due import Due, exposure_states, setup_of
from deadlight.server.scans.exposures import store_exposures
from deadlight.server.scans.layer_process import (
    LayerOutcome,
    LayerRequest,
    SquashedImage,
    SquashRequest,
    prepare,
    read_layer,
    squash_layers,
)
from deadlight.server.scans.layers import KnownLayer, find_layers, forget_layers, store_layer
from deadlight.server.scans.processes import ProcessEndedError, ProcessError
from deadlight.server.scans.store import store_contents
from deadlight.server.services import Services

logger = logging.getLogger(__name__)

PREPARED = "the processes that read layers are ready"
"""What the log says then."""


async def prepare_processes(services: Services) -> None:
    """Start the processes that read layers, so that the first image need not wait for that, and leave.

    One after the other: this takes no more than one processor from what the service does meanwhile.
    """
    loop = asyncio.get_running_loop()
    try:
        for _ in range(services.settings.scan_processes):
            await loop.run_in_executor(services.processes, prepare, setup_of(services.settings))
    except (ProcessError, OSError, InvalidRuleError) as error:
        logger.warning("processes that read layers could not be prepared, the first scans will be slower: %s", error)
    else:
        logger.info(PREPARED)


async def scan_resolved_image(
    services: Services, registry: Registry, repository: str, resolved: ResolvedImage, due: Due
) -> int:
    """Scan an image for what is due; returns how many of its layers had to be read.

    Raises:
        NotScannableError: a layer, or all of them together, cannot be read, and will not be next time.
        UnavailableError: the registry cannot be asked now.
    """
    layers, read = await _read_layers(_Reader(services, registry, repository, due), resolved.layers)
    sboms = await _collect_sboms(services, registry, repository, resolved) if due.packages else FoundSboms()
    squashed = await _squash(services, resolved, layers, due, sboms)
    async with services.engine.begin() as connection:
        if due.packages:
            await store_contents(connection, due.image_id, squashed, SCANNER_STATE)
        await store_exposures(connection, due.image_id, squashed.exposures, exposure_states(due.setup))
    logger.info("image scanned", extra={"image_id": due.image_id, "packages": len(squashed.packages)})
    return read


def _analyzer_versions(due: Due) -> dict[str, int]:
    """What has to have read every layer: what every image is scanned for, and the exposures that are due."""
    scanners = [scanner for scanner in exposure_scanners(due.setup) if scanner.category in due.categories]
    states = [LISTING, *(analyzer.state for analyzer in image_analyzers())]
    return dict([*states, *((scanner.name, scanner.version) for scanner in scanners)])


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads layers of one repository, for these versions of analyzers."""

    services: Services
    registry: Registry
    repository: str
    due: Due

    @property
    def analyzers(self) -> Mapping[str, int]:
        """What has to have read every layer, with its version."""
        return _analyzer_versions(self.due)

    async def find(self, digests: Sequence[str]) -> Mapping[str, KnownLayer]:
        """What is known of layers."""
        async with autocommit(self.services.engine) as connection:
            return await find_layers(connection, digests, self.analyzers)

    async def read(self, item: Descriptor, endpoint: Endpoint) -> bool:
        """Read what is missing of a layer and store it; False where another image's scan has just done so.

        An image of another registry does not wait for it: that registry may be quicker.
        """
        async with self.services.layer_turns.of(f"{self.registry.host} {item.digest}"):
            missing = (await self.find([item.digest]))[item.digest].missing
            if missing:
                request = LayerRequest(
                    endpoint, self.repository, item.digest, item.media_type, item.size, missing, self.due.setup
                )
                await self._store(request, await _run(self.services, self.registry.host, request))
            return bool(missing)

    async def _store(self, request: LayerRequest, outcome: LayerOutcome) -> None:
        if outcome.registry:
            raise UnavailableError(outcome.registry, outcome.error, retry_after_seconds=outcome.retry_after_seconds)
        if outcome.error:
            raise NotScannableError(outcome.error)
        versions = {name: self.analyzers[name] for name in (*request.analyzers, LISTING[0])}
        async with self.services.engine.begin() as connection:
            await store_layer(connection, request.digest, versions, outcome.parts)


async def _read_layers(
    reader: _Reader, layers: Sequence[Descriptor]
) -> tuple[list[tuple[str, Mapping[str, bytes]]], int]:
    """Digest and parts of every layer, lowest first, and how many had to be read.

    All that can be read are, also when another layer of the image cannot.
    """
    digests = [item.digest for item in layers]
    known = await reader.find(digests)
    missing = {item.digest: item for item in layers if known[item.digest].missing}
    read = 0
    if missing:
        endpoint = await client_for(reader.services, reader.registry).signed_in_endpoint()
        results = await asyncio.gather(
            *(reader.read(item, endpoint) for item in missing.values()), return_exceptions=True
        )
        _raise_any(results)
        read = results.count(True)
        known = {**known, **await reader.find(list(missing))}
    return [(digest, known[digest].parts) for digest in digests], read


def _raise_any(results: Sequence[bool | BaseException]) -> None:
    """Raise what went wrong, what a registry cannot do now before what will never be: it is tried again."""
    raised = [result for result in results if isinstance(result, BaseException)]
    if raised:
        raise min(raised, key=lambda error: not isinstance(error, UnavailableError))


async def _run(services: Services, host: str, request: LayerRequest) -> LayerOutcome:
    """Read a layer in a process of its own; once more where that ended, for it need not have been the layer."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        with suppress(ProcessEndedError):
            async with services.pull_turns.of(host):
                return await loop.run_in_executor(services.processes, read_layer, request)
    return LayerOutcome(error=f"layer {request.digest}: the process that read it ended twice (out of memory or time?)")


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
