"""From an image to what is in it: layers read one after the other, put together, and what others state added."""

import asyncio
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from deadlight.cli.scanning.exposed import DONE, FAILED, NOT_SUPPORTED, Exposed, Outcome, worst_first
from deadlight.cli.scanning.scope import Scope
from deadlight.cli.scanning.sources import Source
from deadlight.model.exposure import ExposureCategory
from deadlight.model.package import InstalledPackage
from deadlight.registry import RegistryError
from deadlight.registry.attestations.sboms import FoundSboms
from deadlight.sbom.merging import SbomDocument, merge_stated
from deadlight.scanner import (
    Analyzer,
    Examined,
    ExposureSetup,
    FirstPartyCode,
    ImageContents,
    LayerFacts,
    exposure_analyzer,
    exposure_scanners,
    find_exposures,
    package_analyzers,
    read_rule_file,
    rule_notices,
    scan_layer,
    squash,
)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is in an image."""

    distribution: str
    packages: tuple[InstalledPackage, ...]
    problems: tuple[str, ...]
    calls: FirstPartyCode
    exposed: Exposed


async def inspect_image(source: Source, scope: Scope, advance: Callable[[int], None]) -> Inspected:
    """Read every layer once, also one that the image has twice; `advance` is told of bytes as they are read.

    Raises:
        RegistryError: a layer cannot be had, or is not what its digest says.
        ScannerError: a layer, or the file of more rules, cannot be read.
    """
    setup = ExposureSetup(secret_rules=read_rule_file(scope.secret_rules))
    contents = squash(await _read_layers(source, _analyzers(scope, setup), advance))
    examined = await asyncio.to_thread(
        find_exposures, contents.examined, source.image.config.settings, setup, sorted(scope.categories)
    )
    return _put_together(contents, await _collect_sboms(source), examined, rule_notices(setup))


def _analyzers(scope: Scope, setup: ExposureSetup) -> tuple[Analyzer, ...]:
    """Packages are always read: what they ship is told from what the image's builder added."""
    wanted = [scanner for scanner in exposure_scanners(setup) if scanner.category in scope.categories]
    return (*package_analyzers(), *map(exposure_analyzer, wanted))


async def _read_layers(
    source: Source, analyzers: tuple[Analyzer, ...], advance: Callable[[int], None]
) -> list[LayerFacts]:
    facts: dict[str, LayerFacts] = {}
    for layer in source.image.layers:
        if layer.digest not in facts:

            def read(stream: BinaryIO, digest: str = layer.digest, kind: str = layer.media_type) -> LayerFacts:
                counted = io.BufferedReader(_Counted(stream, advance), buffer_size=1 << 20)
                return scan_layer(cast(BinaryIO, counted), digest=digest, media_type=kind, analyzers=analyzers)

            facts[layer.digest] = await source.read_layer(layer, read)
    return [facts[layer.digest] for layer in source.image.layers]


def _put_together(
    contents: ImageContents,
    sboms: FoundSboms,
    examined: Mapping[ExposureCategory, Examined],
    notices: Iterable[str],
) -> Inspected:
    documents = [SbomDocument(item.digest, item.content) for item in sboms.documents]
    merged = merge_stated(contents.packages, documents, contents.distribution)
    exposed = Exposed(
        worst_first([exposure for part in examined.values() for exposure in part.exposures]),
        {category: _outcome(part) for category, part in examined.items()},
    )
    unread = [problem for part in examined.values() for problem in part.problems]
    problems = (
        *exposed.iter_problems(),
        *notices,
        *contents.problems,
        *sboms.problems,
        *merged.problems,
        *dict.fromkeys(unread),
    )
    return Inspected(contents.distribution, merged.packages, problems, contents.calls, exposed)


def _outcome(part: Examined) -> Outcome:
    if part.error:
        return Outcome(FAILED, part.error)
    return Outcome(NOT_SUPPORTED, part.not_supported) if part.not_supported else Outcome(DONE)


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
