"""What a scanner of exposures is: which files it reads, what it keeps of them, and what it makes of all of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from deadlight.ecosystems import UnreadableFileError
from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings

MAX_EXPOSURES = 1_000
"""Told of one image by one scanner."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What a scanner kept of one file of one layer."""

    path: str
    """Absolute, as a process in the container names it, symbolic links of the file system resolved."""
    content: bytes
    """What `take` returned."""
    layer_digest: str
    is_deleted: bool = False
    """Whether a later layer removed or replaced it; it can still be read by whoever pulls the image."""
    owner_purl: str = ""
    """The package that ships it; empty for what the image's builder added."""

    def decode(self, kind: type[T]) -> T:
        """What `take` encoded as MessagePack.

        Raises:
            UnreadableFileError: damaged, or of another version.
        """
        try:
            return msgspec.msgpack.decode(self.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UnreadableFileError(f"{self.path}: what was kept of it is damaged: scan the layer again") from None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a scanner found."""

    exposures: tuple[Exposure, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be read, each naming the path."""

    @classmethod
    def of(cls, exposures: Iterable[Exposure], problems: Iterable[str] = ()) -> "Judgement":
        """Each exposure once, the gravest first; what is more than `MAX_EXPOSURES` is only counted, as a problem."""
        found = sorted(dict.fromkeys(exposures), key=lambda exposure: -exposure.severity.rank)
        is_cut = len(found) > MAX_EXPOSURES
        told = f"{len(found)} exposures were found, of which the {MAX_EXPOSURES} gravest are told"
        return cls(tuple(found[:MAX_EXPOSURES]), (*([told] if is_cut else []), *problems))


def never(_path: str) -> bool:
    """For scanners whose files are small wherever they are what their name says."""
    return False


@dataclass(frozen=True, slots=True)
class ExposureScanner:
    """One way of finding exposures of one category.

    `wants` chooses files by path (relative to the root, no leading slash); it is asked once for every file of a layer.
    `take` is given such a file and returns what is kept of it, None where it is of no interest; it runs once for each
    layer, in time and memory bounded by the content's length, and what it returns is stored: it never holds a secret.
    `judge` receives everything that was kept of an image's layers, lowest first, and never raises for what they hold.
    """

    name: str
    version: int
    """Raise it whenever the same files would give another result: layers are then read again by this scanner alone."""
    category: ExposureCategory
    wants: Callable[[str], bool]
    take: Callable[[str, bytes], bytes | None]
    """From a file's path and content. Raises UnreadableFileError, with the reason, for what is damaged."""
    judge: Callable[[Sequence[KeptFile], ImageSettings], Judgement]
    tells_unread: Callable[[str], bool] = never
    """Whether it is worth a word that the file of this path was too large to be read."""
    max_bytes: int = 1 << 20
    """Larger files are left out; those of another kind than their name says mostly."""
