"""Reading layers in processes of their own: it keeps a processor busy, and the service has people to answer.

Functions here run in a worker process and return values rather than raise, because exceptions of libraries do not all
survive the way back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import aiohttp
import msgspec

from deadlight.model.package import InstalledPackage
from deadlight.registry import Endpoint, RegistryClient, RegistryError, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms
from deadlight.registry.blob_files import read_as_file
from deadlight.sbom.merging import SbomDocument, merge_stated
from deadlight.scanner import FileIndex, LayerError, LayerFacts, ScannerError, scan_layer, squash

NO_SBOMS = FoundSboms()


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """A layer to pull and read."""

    endpoint: Endpoint
    repository: str
    digest: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class LayerOutcome:
    """The layer's facts, or why there are none."""

    facts: bytes = b""
    error: str = ""
    registry: str = ""
    """The host that could not be asked, where that is why; it may be possible later."""
    retry_after_seconds: float | None = None
    """How long that host wants to be left alone, where it says so."""


def read_layer(request: LayerRequest) -> LayerOutcome:
    """Pull a layer and read it on the way: neither the archive nor its files are ever stored."""
    try:
        return LayerOutcome(asyncio.run(_pull_and_scan(request)).to_bytes())
    except LayerError as error:
        return LayerOutcome(error=str(error))
    except UnavailableError as error:
        return LayerOutcome(error=error.reason, registry=error.registry, retry_after_seconds=error.retry_after_seconds)
    except RegistryError as error:
        return LayerOutcome(error=f"layer {request.digest}: {error}")


async def _pull_and_scan(request: LayerRequest) -> LayerFacts:
    async with aiohttp.ClientSession() as session:
        client = RegistryClient(request.endpoint, session)
        return await read_as_file(
            client,
            request.repository,
            request.digest,
            request.size,
            lambda stream: scan_layer(stream, digest=request.digest, media_type=request.media_type),
        )


@dataclass(frozen=True, slots=True)
class SquashedImage:
    """What is stored of an image."""

    distribution: str = ""
    packages: tuple[InstalledPackage, ...] = ()
    """Without their files, which are in the index."""
    problems: tuple[str, ...] = ()
    file_index: bytes = b""
    calls: bytes = b""
    error: str = ""


def squash_layers(stored: Sequence[bytes], sboms: FoundSboms = NO_SBOMS) -> SquashedImage:
    """Combine the stored facts of an image's layers, lowest first, and add what SBOMs attached to it state."""
    try:
        contents = squash([LayerFacts.from_bytes(facts) for facts in stored])
    except ScannerError as error:
        return SquashedImage(error=str(error))
    documents = [SbomDocument(item.digest, item.content) for item in sboms.documents]
    merged = merge_stated(contents.packages, documents, contents.distribution)
    return SquashedImage(
        distribution=contents.distribution,
        packages=tuple(replace(package, files=()) for package in merged.packages),
        problems=(*sboms.problems, *merged.problems, *contents.problems),
        file_index=FileIndex.of(contents).to_bytes(),
        calls=msgspec.msgpack.encode(contents.calls),
    )
