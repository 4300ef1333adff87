"""What an analyzer is: it reads one kind of file of a layer, and what it keeps is cached under its name and version."""

from collections.abc import Callable
from dataclasses import dataclass


def always(_path: str) -> bool:
    """For analyzers that want every executable, or tell of every file they wanted and could not read."""
    return True


def never(_path: str) -> bool:
    """For analyzers that want no file for its name, or none because it may be executed, or tell of none they missed."""
    return False


def keep_whole(_path: str, content: memoryview) -> bytes:
    """For analyzers that need all of a file when the image is put together."""
    return bytes(content)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of one layer an analyzer reads and keeps. What goes beyond is named and left out."""

    file_bytes: int
    """One file, held in memory while it is looked into."""
    read_bytes: int
    """All files of interest together; what this costs in time is the analyzer's to know."""
    kept_bytes: int
    """All that is kept of them."""
    files: int
    """How many files something is kept of."""


@dataclass(frozen=True, slots=True)
class Analyzer:
    """One row of the table of analyzers.

    `wants` chooses files by path (relative to the root, no leading slash), and `wants_executable` more of those that
    may be executed; they are asked for every file of a layer. `take` gets such a file and returns what is kept of it,
    None where it is of no interest; it raises UnreadableFileError, with the reason, for what is damaged.
    """

    name: str
    version: int
    """Raise it whenever the same file would give something else: layers are then read again by this analyzer alone."""
    wants: Callable[[str], bool]
    budget: Budget
    wants_executable: Callable[[str], bool] = never
    take: Callable[[str, memoryview], bytes | None] = keep_whole
    magic: bytes = b""
    """The first bytes of every file of interest; others are passed over before they are read."""
    keeps_sha256: bool = False
    """Whether the SHA-256 of a file is what is kept of it: it is made while the file passes, and `take` is not used."""
    tells_unread: Callable[[str], bool] = always
    """Whether it is worth a word that the file of this path was too large, or came too late, to be read."""

    @property
    def state(self) -> tuple[str, int]:
        """Name and version."""
        return self.name, self.version
