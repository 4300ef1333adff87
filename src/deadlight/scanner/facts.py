"""What one pass over a layer leaves behind, and its compact stored form."""

from typing import NamedTuple

import msgspec

from deadlight.scanner.applicability.python_source import SourceFacts
from deadlight.scanner.packed import pack, unpack
from deadlight.scanner.tar import Kind

_MARK = b"DLF1"


class Entry(NamedTuple):
    """A file, folder or link that a layer brings."""

    path: str
    kind: Kind
    target: str


class LayerFacts(msgspec.Struct, frozen=True):
    """Everything later steps need of a layer. Paths are relative to the root."""

    digest: str
    scanner_state: str
    """The `SCANNER_STATE` these facts were made under."""
    entries: tuple[Entry, ...] = ()
    """In the archive's order."""
    whiteouts: tuple[str, ...] = ()
    """Paths of lower layers that this one removes."""
    opaque: tuple[str, ...] = ()
    """Folders of lower layers that this one empties."""
    documents: dict[str, bytes] = {}
    """The files that cataloguers asked for whole."""
    excerpts: dict[str, dict[str, bytes]] = {}
    """What cataloguers keep of larger files: by path, then by the cataloguer's name."""
    sources: dict[str, SourceFacts] = {}
    """What first-party source files call."""
    unread_documents: dict[str, str] = {}
    """Why a file that a cataloguer asked for was not read."""
    unread_sources: dict[str, str] = {}
    """Why a source file was not analysed."""

    def to_bytes(self) -> bytes:
        """The stored form."""
        return pack(_MARK, self, level=6)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "LayerFacts":
        """Read the stored form.

        Raises:
            InvalidFactsError: damaged, or written by another version.
        """
        return unpack(_MARK, stored, cls)
