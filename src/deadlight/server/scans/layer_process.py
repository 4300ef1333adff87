"""Reading layers in processes of their own: it keeps a processor busy, and the service has people to answer.

Functions here run in a worker process and return values rather than raise, because exceptions of libraries do not all
survive the way back.
"""

import asyncio
import io
import queue
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

import aiohttp
import msgspec

from deadlight.model.exposure import ExposureCategory
from deadlight.model.package import InstalledPackage
from deadlight.registry import Endpoint, RegistryClient, RegistryError, UnavailableError
from deadlight.scanner import (
    Analyzer,
    Examined,
    ExposureSetup,
    FileIndex,
    ImageSettings,
    InvalidFactsError,
    LayerError,
    LayerFacts,
    ScannerError,
    by_name,
    exposure_analyzer,
    exposure_scanners,
    find_exposures,
    package_analyzers,
    scan_layer,
    squash,
)

CHUNKS_AHEAD = 16
"""How many pieces of a layer (about 64 KiB each) may wait between the network and the scanner."""


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
    pipe = _Pipe()
    async with aiohttp.ClientSession() as session:
        pull = asyncio.create_task(_pull(RegistryClient(request.endpoint, session), request, pipe))
        try:
            facts = await asyncio.to_thread(_scan, pipe, request)
        except LayerError:
            await _raise_cause(pull)
            raise
        await pull  # the rest, a few bytes of padding, so that the whole is checked against its digest
        return facts


def _scan(pipe: "_Pipe", request: LayerRequest) -> LayerFacts:
    reader = cast(BinaryIO, io.BufferedReader(pipe, buffer_size=1 << 20))
    try:
        analyzers = by_name(_analyzers(request.setup), request.analyzers)
        return scan_layer(reader, digest=request.digest, media_type=request.media_type, analyzers=analyzers)
    finally:
        pipe.abandon()  # however it ended: who feeds a pipe that nobody reads would wait for ever


def _analyzers(setup: ExposureSetup) -> tuple[Analyzer, ...]:
    return (*package_analyzers(), *map(exposure_analyzer, exposure_scanners(setup)))


async def _raise_cause(pull: asyncio.Task[None]) -> None:
    """What went wrong with the transfer, where that is why the archive could not be read; else end the transfer."""
    done, _ = await asyncio.wait({pull}, timeout=1)
    if done:
        pull.result()
    pull.cancel()
    with suppress(asyncio.CancelledError):
        await pull


async def _pull(client: RegistryClient, request: LayerRequest, pipe: "_Pipe") -> None:
    try:
        blob = client.iter_blob(request.repository, request.digest, size_limit=request.size)
        async with aclosing(blob) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(pipe.feed, chunk)
    finally:
        await asyncio.to_thread(pipe.feed, b"")


class _Pipe(io.RawIOBase):
    """A bounded pipe from the event loop, which feeds it, to the thread that reads it as a file."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: queue.Queue[bytes] = queue.Queue(CHUNKS_AHEAD)
        self._rest = memoryview(b"")
        self._ended = False
        self._abandoned = False

    def feed(self, chunk: bytes) -> None:
        """Add a piece, or with an empty one end the file; waits for room, unless nobody reads any more."""
        while not self._abandoned:
            try:
                self._chunks.put(chunk, timeout=0.2)
            except queue.Full:
                continue
            return

    def abandon(self) -> None:
        """The reader is done: what still comes is dropped."""
        self._abandoned = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        if not self._rest and not self._ended:
            self._rest = memoryview(self._chunks.get())
            self._ended = not self._rest
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@dataclass(frozen=True, slots=True)
class SquashRequest:
    """An image to put together, and what to look for in it beside packages."""

    layers: Sequence[tuple[str, Mapping[str, bytes]]]
    """Digest and parts of each, lowest first."""
    categories: frozenset[ExposureCategory] = frozenset()
    settings: ImageSettings = field(default_factory=ImageSettings)
    setup: ExposureSetup = field(default_factory=ExposureSetup)


@dataclass(frozen=True, slots=True)
class SquashedImage:
    """What is stored of an image."""

    distribution: str = ""
    packages: tuple[InstalledPackage, ...] = ()
    """Without their files, which are in the index."""
    problems: tuple[str, ...] = ()
    file_index: bytes = b""
    calls: bytes = b""
    exposures: Mapping[ExposureCategory, Examined] = field(default_factory=dict)
    error: str = ""
    damaged: bool = False
    """Whether it is what was stored of the layers that cannot be read."""


def squash_layers(request: SquashRequest) -> SquashedImage:
    """Combine the stored facts of an image's layers."""
    try:
        contents = squash([LayerFacts.from_parts(digest, parts) for digest, parts in request.layers])
    except InvalidFactsError as error:
        return SquashedImage(error=str(error), damaged=True)
    except ScannerError as error:
        return SquashedImage(error=str(error))
    return SquashedImage(
        distribution=contents.distribution,
        packages=tuple(replace(package, files=()) for package in contents.packages),
        problems=contents.problems,
        file_index=FileIndex.of(contents).to_bytes(),
        calls=msgspec.msgpack.encode(contents.calls),
        exposures=find_exposures(contents.examined, request.settings, request.setup, request.categories),
    )
