"""Reading layers in processes of their own: it keeps a processor busy, and the service has people to answer.

Functions here run in a worker process and return values rather than raise, because exceptions of libraries do not all
survive the way back.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import aiohttp
import msgspec

from deadlight.model.exposure import ExposureCategory
from deadlight.model.image import ImageSettings
from deadlight.model.package import InstalledPackage
from deadlight.registry import Endpoint, RegistryClient, RegistryError, UnavailableError
from deadlight.registry.attestations.sboms import FoundSboms
from deadlight.registry.blob_files import read_as_file
from deadlight.sbom.merging import SbomDocument, merge_stated
from deadlight.scanner import (
    Analyzer,
    Examined,
    ExecutableIndex,
    ExposureSetup,
    FileIndex,
    InvalidFactsError,
    LayerError,
    LayerFacts,
    ScannerError,
    by_name,
    exposure_analyzer,
    exposure_scanners,
    find_exposures,
    image_analyzers,
    scan_layer,
    squash,
)


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """A layer to pull and read."""

    endpoint: Endpoint
    repository: str
    digest: str
    media_type: str
    size: int
    analyzers: frozenset[str]
    """By name; the listing comes with any of them."""
    setup: ExposureSetup


@dataclass(frozen=True, slots=True)
class LayerOutcome:
    """The layer's facts, or why there are none."""

    parts: Mapping[str, bytes] = field(default_factory=dict)
    """By analyzer, without those that kept nothing."""
    error: str = ""
    registry: str = ""
    """The host that could not be asked, where that is why; it may be possible later."""
    retry_after_seconds: float | None = None
    """How long that host wants to be left alone, where it says so."""


def prepare(setup: ExposureSetup) -> None:
    """Have ready what reading needs beside the layer. Most of it is done before this begins: importing this module."""
    _analyzers(setup)


def read_layer(request: LayerRequest) -> LayerOutcome:
    """Pull a layer and read it on the way: neither the archive nor its files are ever stored."""
    try:
        return LayerOutcome(dict(asyncio.run(_pull_and_scan(request)).iter_parts()))
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
            client, request.repository, request.digest, request.size, lambda stream: _scan(stream, request)
        )


def _scan(stream: BinaryIO, request: LayerRequest) -> LayerFacts:
    analyzers = by_name(_analyzers(request.setup), request.analyzers)
    return scan_layer(stream, digest=request.digest, media_type=request.media_type, analyzers=analyzers)


def _analyzers(setup: ExposureSetup) -> tuple[Analyzer, ...]:
    return (*image_analyzers(), *map(exposure_analyzer, exposure_scanners(setup)))


@dataclass(frozen=True, slots=True)
class SquashRequest:
    """An image to put together, and what to look for in it beside packages."""

    layers: Sequence[tuple[str, Mapping[str, bytes]]]
    """Digest and parts of each, lowest first."""
    categories: frozenset[ExposureCategory] = frozenset()
    settings: ImageSettings = field(default_factory=ImageSettings)
    setup: ExposureSetup = field(default_factory=ExposureSetup)
    sboms: FoundSboms = field(default_factory=FoundSboms)
    """What others attached to it."""


@dataclass(frozen=True, slots=True)
class SquashedImage:
    """What is stored of an image."""

    distribution: str = ""
    packages: tuple[InstalledPackage, ...] = ()
    """Without their files, which are in the index."""
    problems: tuple[str, ...] = ()
    file_index: bytes = b""
    executable_index: bytes = b""
    calls: bytes = b""
    exposures: Mapping[ExposureCategory, Examined] = field(default_factory=dict)
    error: str = ""
    damaged: bool = False
    """Whether it is what was stored of the layers that cannot be read."""


def squash_layers(request: SquashRequest) -> SquashedImage:
    """Combine the stored facts of an image's layers."""
    try:
        contents = squash([LayerFacts.from_parts(digest, parts) for digest, parts in request.layers])
        executables = ExecutableIndex.of(contents)
    except InvalidFactsError as error:
        return SquashedImage(error=str(error), damaged=True)
    except ScannerError as error:
        return SquashedImage(error=str(error))
    documents = [SbomDocument(item.digest, item.content) for item in request.sboms.documents]
    merged = merge_stated(contents.packages, documents, contents.distribution)
    return SquashedImage(
        distribution=contents.distribution,
        packages=tuple(replace(package, files=()) for package in merged.packages),
        problems=(*request.sboms.problems, *merged.problems, *contents.problems),
        file_index=FileIndex.of(contents).to_bytes(),
        executable_index=executables.to_bytes(),
        calls=msgspec.msgpack.encode(contents.calls),
        exposures=find_exposures(contents.examined, request.settings, request.setup, request.categories),
    )
