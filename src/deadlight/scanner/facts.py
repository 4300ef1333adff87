"""What one pass over a layer leaves behind, in parts that are stored and renewed one by one."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from deadlight.scanner.packed import pack, unpack
from deadlight.scanner.tar import Kind

LISTING = ("listing", 3)
"""Name and version of the part that lists files. Raise the number whenever the same layer would give another list."""

_LISTING_MARK = b"DLL1"
_KEPT_MARK = b"DLK1"
_LEVEL = 6


class Entry(NamedTuple):
    """A file, folder or link that a layer brings."""

    path: str
    kind: Kind
    target: str


class Listing(msgspec.Struct, frozen=True):
    """What a layer does to the file system below it. Paths are relative to the root."""

    entries: tuple[Entry, ...] = ()
    """In the archive's order."""
    whiteouts: tuple[str, ...] = ()
    """Paths of lower layers that this one removes."""
    opaque: tuple[str, ...] = ()
    """Folders of lower layers that this one empties."""


class Kept(msgspec.Struct, frozen=True):
    """What one analyzer keeps of a layer."""

    files: dict[str, bytes] = {}
    """What it took of each file, by path relative to the root."""
    unread: dict[str, str] = {}
    """Why a file it wanted was not read."""

    def __bool__(self) -> bool:
        return bool(self.files or self.unread)


NOTHING = Kept()
"""Of a layer that holds nothing for an analyzer."""


class LayerFacts(msgspec.Struct, frozen=True):
    """Everything later steps need of a layer."""

    digest: str
    listing: Listing = Listing()
    kept: dict[str, Kept] = {}
    """By analyzer's name; those that kept nothing are left out."""

    def of(self, analyzer: str) -> Kept:
        """What an analyzer kept."""
        return self.kept.get(analyzer, NOTHING)

    def iter_parts(self) -> Iterator[tuple[str, bytes]]:
        """Names and stored forms of the listing and of every part that is not empty."""
        yield LISTING[0], pack(_LISTING_MARK, self.listing, level=_LEVEL)
        for name, kept in self.kept.items():
            yield name, pack(_KEPT_MARK, kept, level=_LEVEL)

    @classmethod
    def from_parts(cls, digest: str, parts: Mapping[str, bytes]) -> "LayerFacts":
        """Read the stored parts of a layer.

        Raises:
            InvalidFactsError: damaged, or written by another version.
        """
        kept = {name: unpack(_KEPT_MARK, stored, Kept) for name, stored in parts.items() if name != LISTING[0]}
        return cls(digest, unpack(_LISTING_MARK, parts.get(LISTING[0], b""), Listing), kept)
