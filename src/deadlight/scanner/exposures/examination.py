"""Showing scanners of exposures what was kept for them of an image's layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.image import ImageSettings
from deadlight.model.package import InstalledPackage
from deadlight.scanner.analyzer import Analyzer, Budget
from deadlight.scanner.exposures.exposure_scanner import ExposureScanner, Judgement, KeptFile
from deadlight.scanner.exposures.ownership import Ownership
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import FileSystem
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits


def exposure_analyzer(scanner: ExposureScanner, limits: Limits = DEFAULT_LIMITS) -> Analyzer:
    """The part of a scanner that reads layers, as a row of the table of analyzers."""
    return Analyzer(
        scanner.name,
        scanner.version,
        scanner.wants,
        Budget(scanner.max_bytes, limits.max_examined_bytes, limits.max_excerpts_bytes, limits.max_documents),
        take=partial(_take, scanner),
        tells_unread=scanner.tells_unread,
    )


def _take(scanner: ExposureScanner, path: str, content: memoryview) -> bytes | None:
    """A scanner that fails on a file has not read that file: packages and other scanners go on."""
    try:
        return scanner.take(path, bytes(content))
    except UnreadableFileError:
        raise
    except Exception as error:
        raise UnreadableFileError(f"the scanner {scanner.name} failed on it ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class ExaminedImage:
    """An image put together."""

    tree: FileSystem
    layers: Sequence[LayerFacts]
    """Lowest first."""
    packages: Sequence[InstalledPackage]
    owners: Mapping[str, int]
    """By absolute path, the index of the package that ships a file."""


NOTHING_EXAMINED = ExaminedImage(FileSystem(DEFAULT_LIMITS), (), (), {})
"""Of contents that were not put together from layers."""


def examine(
    scanner: ExposureScanner, image: ExaminedImage, settings: ImageSettings, limits: Limits = DEFAULT_LIMITS
) -> Judgement:
    """Have a scanner judge everything it kept of an image."""
    return with_unread(scanner.judge(list_kept(scanner.name, image), settings), scanner.name, image, limits)


def with_unread(judgement: Judgement, name: str, image: ExaminedImage, limits: Limits = DEFAULT_LIMITS) -> Judgement:
    """A judgement that also tells what the analyzer of this name could not read."""
    problems = [*_iter_unread(name, image.layers), *judgement.problems]
    return replace(judgement, problems=bounded(problems, limits.max_problems))


def list_kept(name: str, image: ExaminedImage) -> list[KeptFile]:
    """Everything that the analyzer of this name kept of an image, lowest layer first."""
    return list(_iter_kept(name, image))


def _iter_kept(name: str, image: ExaminedImage) -> Iterator[KeptFile]:
    ownership = Ownership(name, image.layers, image.packages, image.owners)
    for number, layer in enumerate(image.layers):
        for archived, content in layer.of(name).files.items():
            found = image.tree.find_file(archived)
            is_visible = found is not None and (found[1].layer, found[1].path) == (number, archived)
            path = found[0] if found is not None and is_visible else f"/{archived}"
            owner = ownership.owner_of(path, number, archived)
            yield KeptFile(path, content, layer.digest, is_deleted=not is_visible, owner_purl=owner)


def _iter_unread(name: str, layers: Sequence[LayerFacts]) -> Iterator[str]:
    for layer in layers:
        for path, reason in layer.of(name).unread.items():
            yield f"{path} in layer {layer.digest}: {reason}"


def bounded(problems: Sequence[str], limit: int) -> tuple[str, ...]:
    """The first problems, and how many more there are."""
    more = len(problems) - limit
    return (*problems[:limit], *([f"and {more} more problems"] if more > 0 else []))
