"""From an image to what is in it: layers read one after the other, put together, and what others state added."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from deadlight.cli.scanning.sources import Source
from deadlight.model.package import InstalledPackage
from deadlight.registry import RegistryError
from deadlight.registry.attestations.sboms import FoundSboms
from deadlight.sbom.merging import SbomDocument, merge_stated
from deadlight.scanner import FirstPartyCode, LayerFacts, scan_layer, squash


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is in an image."""

    distribution: str
    packages: tuple[InstalledPackage, ...]
    problems: tuple[str, ...]
    calls: FirstPartyCode


async def inspect_image(source: Source, advance: Callable[[int], None]) -> Inspected:
    """Read every layer once, also one that the image has twice; `advance` is told of bytes as they are read.

    Raises:
        RegistryError: a layer cannot be had, or is not what its digest says.
        ScannerError: a layer cannot be read.
    """
    facts: dict[str, LayerFacts] = {}
    for layer in source.image.layers:
        if layer.digest not in facts:

            def read(stream: BinaryIO, digest: str = layer.digest, kind: str = layer.media_type) -> LayerFacts:
                counted = io.BufferedReader(_Counted(stream, advance), buffer_size=1 << 20)
                return scan_layer(cast(BinaryIO, counted), digest=digest, media_type=kind)

            facts[layer.digest] = await source.read_layer(layer, read)
    contents = squash([facts[layer.digest] for layer in source.image.layers])
    sboms = await _collect_sboms(source)
    documents = [SbomDocument(item.digest, item.content) for item in sboms.documents]
    merged = merge_stated(contents.packages, documents, contents.distribution)
    problems = (*contents.problems, *sboms.problems, *merged.problems)
    return Inspected(contents.distribution, merged.packages, problems, contents.calls)


async def _collect_sboms(source: Source) -> FoundSboms:
    """What is attached; a scan does not depend on it."""
    try:
        return await source.collect_sboms()
    except RegistryError as error:
        return FoundSboms(problems=(f"SBOMs attached to it could not be looked for: {error}",))


class _Counted(io.RawIOBase):
    """A stream that tells how much of it is read."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        piece = self._stream.read(len(target))
        target[: len(piece)] = piece
        self._advance(len(piece))
        return len(piece)
