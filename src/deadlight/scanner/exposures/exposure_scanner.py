"""What a scanner of exposures is: which files it reads, what it keeps of them, and what it makes of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.image import ImageSettings


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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a scanner found."""

    exposures: tuple[Exposure, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be read, each naming the path."""


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
