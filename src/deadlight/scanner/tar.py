"""Reading a tar stream of unknown origin in bounded memory.

The standard library's tarfile holds extended headers and sparse maps of any size in memory; on a real layer it takes
five times as long, more than undoing the compression does. Understood are the POSIX ustar and pax formats and GNU's
long names, which is what image builders write; the tests hold this reader to tarfile's reading of the same bytes.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum

import msgspec

from deadlight.scanner.decompression import ByteReader
from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.limits import Limits
from deadlight.scanner.tar_header import (
    header_path,
    is_intact,
    normalise_path,
    parse_number,
    parse_pax,
    parse_text,
    pax_size,
)

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAX_METADATA_HEADERS = 8
"""Extended headers in front of one member; writers need at most three."""


class Kind(IntEnum):
    """What a member of an archive is."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARD_LINK = 3


_KINDS = {b"1": Kind.HARD_LINK, b"2": Kind.SYMLINK, b"5": Kind.DIRECTORY}
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
"""Links, devices, folders and pipes: a size in their header counts nothing that follows (so also Go's reader)."""


class Member(msgspec.Struct, frozen=True, gc=False):
    """One entry of an archive."""

    path: str
    """Relative to the root, normalised; empty for the root itself."""
    kind: Kind
    target: str
    """Where a link points: as written for a symbolic link, normalised like `path` for a hard link."""
    size: int
    """Bytes of content in the archive."""
    executable: bool
    sparse: bool
    """Stored without its holes: the content in the archive is not the file's."""


class TarReader:
    """Iterates over the members of a tar stream; `read` gives the content of the member it stands at."""

    def __init__(self, source: ByteReader, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._unread = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        """Each member in the archive's order.

        Raises:
            ArchiveError: not a tar, damaged, cut short, paths that leave the root, or beyond the limits.
        """
        count = 0
        while (member := self._next_member()) is not None:
            count += 1
            if count > self._limits.max_members:
                raise ArchiveError(f"holds more than {self._limits.max_members} files, the most a layer may")
            yield member
            self._skip_content()

    def read(self) -> bytes:
        """The content of the current member, whose size the caller has checked."""
        content = self._source.read(self._unread)
        if len(content) < self._unread:
            raise ArchiveError("ends inside a file: the layer was cut short")
        self._unread = 0
        return content

    def read_large(self) -> memoryview:
        """The content of the current member, whose size the caller has checked, held in memory but once."""
        content = self._source.read_view(self._unread)
        if len(content) < self._unread:
            raise ArchiveError("ends inside a file: the layer was cut short")
        self._unread = 0
        return content

    def iter_pieces(self) -> Iterator[bytes]:
        """The content of the current member as it comes, for what need not hold all of it."""
        while self._unread:
            piece = self._source.read_some(self._unread)
            if not piece:
                raise ArchiveError("ends inside a file: the layer was cut short")
            self._unread -= len(piece)
            yield piece

    def peek(self, size: int) -> bytes:
        """The first bytes of the current member, which can still be read."""
        return self._source.peek(min(size, self._unread))

    def _next_member(self) -> Member | None:
        overrides: dict[str, str] = {}
        for _ in range(_MAX_METADATA_HEADERS):
            header = self._next_header()
            if header is None:
                return None
            flag = header[156:157]
            size = parse_number(header[124:136])
            match flag:
                case b"x" | b"X":
                    overrides |= parse_pax(self._metadata(size))
                case b"L":
                    overrides["path"] = parse_text(self._metadata(size))
                case b"K":
                    overrides["linkpath"] = parse_text(self._metadata(size))
                case b"g" | b"V":
                    # Defaults for the whole archive or its label: no image builder says anything there that we need.
                    self._metadata(size)
                case _:
                    return self._member(header, flag, size, overrides)
        raise ArchiveError(f"has more than {_MAX_METADATA_HEADERS} extended headers for one file")

    def _next_header(self) -> bytes | None:
        """The next header block; None at the end of the archive."""
        header = self._source.read(_BLOCK)
        if header == _ZEROS or (not header and self._source.proves_its_end):
            self._source.drain()
            return None
        if len(header) < _BLOCK:
            raise ArchiveError("ends without tar's end marker: the layer was cut short")
        if not is_intact(header):
            raise ArchiveError("is not a tar archive, or one of its headers is damaged")
        return header

    def _metadata(self, size: int) -> bytes:
        if size > self._limits.max_metadata_bytes:
            raise ArchiveError(f"has an extended header of {size} bytes (at most {self._limits.max_metadata_bytes})")
        self._stand_before(size)
        content = self.read()
        self._skip_content()
        return content

    def _member(self, header: bytes, flag: bytes, size: int, overrides: Mapping[str, str]) -> Member:
        if flag == b"S":
            self._skip_sparse_map(header)
        path = self._path(overrides.get("GNU.sparse.name") or overrides.get("path") or header_path(header))
        kind = _KINDS.get(flag, Kind.FILE)
        if kind is Kind.FILE and flag == b"\0" and path.endswith("/"):
            kind = Kind.DIRECTORY
        size = 0 if flag in _WITHOUT_DATA else pax_size(overrides, size)
        self._stand_before(size)
        return Member(
            path=normalise_path(path),
            kind=kind,
            target=self._target(kind, overrides.get("linkpath") or parse_text(header[157:257])),
            size=size,
            executable=bool(parse_number(header[100:108]) & 0o111),
            sparse=flag == b"S" or any(key.startswith("GNU.sparse.") for key in overrides),
        )

    def _path(self, path: str) -> str:
        if len(path) > self._limits.max_path_bytes:
            raise ArchiveError(f"has a path of {len(path)} characters (at most {self._limits.max_path_bytes})")
        if path.count("/") >= self._limits.max_path_depth:
            raise ArchiveError(f"has a path more than {self._limits.max_path_depth} folders deep: {path[:80]!r}")
        if "\0" in path:
            raise ArchiveError(f"has a path with a zero byte: {path[:80]!r}")
        return path

    def _target(self, kind: Kind, target: str) -> str:
        if kind is Kind.HARD_LINK:
            return normalise_path(self._path(target))
        return self._path(target) if kind is Kind.SYMLINK else ""

    def _skip_sparse_map(self, header: bytes) -> None:
        """GNU's old sparse format continues its map of holes in blocks before the content (tar manual, D.1)."""
        more = header[482]
        while more:
            block = self._source.read(_BLOCK)
            if len(block) < _BLOCK:
                raise ArchiveError("ends inside a sparse file: the layer was cut short")
            more = block[504]

    def _stand_before(self, size: int) -> None:
        self._unread, self._padding = size, -size % _BLOCK

    def _skip_content(self) -> None:
        left = self._unread + self._padding
        if self._source.skip(left) < left:
            raise ArchiveError("ends inside a file: the layer was cut short")
        self._unread = self._padding = 0
