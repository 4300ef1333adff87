"""How much a collection of documents may hold before it is taken for an attack or a mistake."""

from dataclasses import dataclass

from deadlight.advisories.errors import InvalidArchiveError
from deadlight.advisories.record import MAX_DOCUMENT_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one collection; sizes in bytes.

    `ratio` is expanded to stored size, of which real records reach a dozen. It counts from `ratio_from` bytes on, for a
    short text may well repeat itself.
    """

    members: int = 1_000_000
    document: int = MAX_DOCUMENT_BYTES
    total: int = 16 * 1024**3
    ratio: int = 500
    ratio_from: int = 1024 * 1024

    def is_bomb(self, expanded: int, stored: int) -> bool:
        """Whether data expands further than any text of use does."""
        return expanded > max(self.ratio_from, self.ratio * stored)


class Meter:
    """Counts what comes out of one collection, and raises InvalidArchiveError where it is more than the limits allow.

    `stored` is the size of a compressed collection, None where nothing is compressed.
    """

    def __init__(self, name: str, limits: Limits, stored: int | None = None) -> None:
        self._name = name
        self._limits = limits
        self._stored = stored
        self._members = 0
        self._expanded = 0

    def add_member(self) -> None:
        """Count one more document."""
        self._members += 1
        if self._members > self._limits.members:
            raise InvalidArchiveError(f"{self._name}: more than {self._limits.members} documents")

    def add_bytes(self, size: int, origin: str = "") -> None:
        """Count expanded bytes; `origin` is the member they come from."""
        self._expanded += size
        at = origin or self._name
        if self._expanded > self._limits.total:
            raise InvalidArchiveError(f"{at}: the collection expands to more than {self._limits.total} bytes")
        if self._stored is not None and self._limits.is_bomb(self._expanded, self._stored):
            raise InvalidArchiveError(f"{at}: the collection expands to more than {self._limits.ratio} times its size")
