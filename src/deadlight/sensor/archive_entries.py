"""Which entry of a Java archive was read last, by the position in its file (PKWARE's APPNOTE.TXT 4.3). Pure.

A JVM reads the directory of each archive of its class path, then the manifest, and then the classes that it loads, each
with a seek and a read: the position is where the last read ended. An archive is the container's: what is read of it is
bounded, and nothing that it says is trusted.
"""

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from deadlight.model.observation import ARCHIVES, INSIDE
from deadlight.sensor.errors import SensorError

MAX_DIRECTORY_BYTES = 16 * 1024 * 1024
"""Of one archive. A fat jar of 100,000 classes has 12 MB."""

_PIECE = 256 * 1024
"""Read of a directory at once."""

_END = struct.Struct("<4s8x2L2x")
_END_MAGIC = b"PK\x05\x06"
_MAX_COMMENT = 65_535
_LOCATOR = struct.Struct("<4s4xQ4x")
_LOCATOR_MAGIC = b"PK\x06\x07"
_END_64 = struct.Struct("<4s36x2Q")
_END_64_MAGIC = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6xH8x2L3H8xL")
_ENTRY_MAGIC = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s22x2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_EXTRA = struct.Struct("<2H")
_OF_ZIP_64 = 1
_ELSEWHERE = 0xFFFFFFFF
"""In the place of a number that a zip64 record has."""
_STORED = 0

_MANIFEST = "META-INF/MANIFEST.MF"
_DESCRIPTIVE = re.compile(
    r"META-INF/(?!versions/|resources/|native/).*|(?:META-INF/versions/[^/]*/)?module-info\.class", re.DOTALL
)

ReadAt = Callable[[int, int], bytes]
"""The bytes at an offset, so many or as many as there are; may raise OSError."""


class ArchiveError(SensorError):
    """No zip archive, a damaged one, or one with a larger directory than is looked at."""


class _Entry(NamedTuple):
    offset: int
    stored: bool
    packed_bytes: int
    name: bytes


class _Directory(NamedTuple):
    start: int
    end: int
    shift: int
    """What to add to offsets: a program may stand before the archive."""


def proves_use(entry: str) -> bool:
    """Whether having read an entry shows that something of the archive is used.

    What class loaders, service loaders and frameworks read of every archive to learn what there is does not: nearly all
    of META-INF, and the descriptions of modules.
    """
    return _DESCRIPTIVE.fullmatch(entry.rpartition(INSIDE)[2]) is None


def hides_use(entry: str) -> bool:
    """Whether other entries may have been read before one that proves nothing.

    Of the manifest that is not so: a JVM reads it when it opens the archive, and before each class of a new package.
    """
    return not proves_use(entry) and entry.rpartition(INSIDE)[2] != _MANIFEST


def find_entry(read_at: ReadAt, size: int, position: int) -> str | None:
    """The entry whose content was read up to `position`, in an archive of `size` bytes.

    In an archive that lies uncompressed in the archive, the entry of that one: `<archive>!/<entry>`. None where the
    position is in a directory, or where no more than an entry's header was read.

    Raises:
        ArchiveError: it cannot be told.
    """
    entry = _find(_window(read_at, 0, size), size, position)
    if entry is None:
        return None
    name = entry.name.decode("utf-8", "replace")
    if not entry.stored or not name.lower().endswith(ARCHIVES):
        return name
    header = _row(_LOCAL, _LOCAL_MAGIC, _window(read_at, 0, size)(entry.offset, _LOCAL.size))
    begin = entry.offset + _LOCAL.size + sum(header)
    inner = _find(_window(read_at, begin, entry.packed_bytes), entry.packed_bytes, position - begin)
    return name + INSIDE + inner.name.decode("utf-8", "replace") if inner else None


def _window(read_at: ReadAt, begin: int, size: int) -> ReadAt:
    """Reads a part of the file as if that was all there is."""

    def read(offset: int, length: int) -> bytes:
        within = 0 <= offset < size and length > 0
        return read_at(begin + offset, min(length, size - offset)) if within else b""

    return read


def _find(read_at: ReadAt, size: int, position: int) -> _Entry | None:
    directory = _find_directory(read_at, size)
    if position > directory.start:
        return None
    found = _Entry(-1, stored=False, packed_bytes=0, name=b"")
    rest, place = b"", directory.start
    while place < directory.end:
        piece = read_at(place, min(_PIECE, directory.end - place))
        if not piece:
            raise ArchiveError("an archive that was cut short")
        place += len(piece)
        found, rest = _nearest(found, rest + piece, position - directory.shift)
    found = found._replace(offset=found.offset + directory.shift)
    return found if found.name and position > found.offset + _LOCAL.size + len(found.name) else None


def _nearest(found: _Entry, rows: bytes, position: int) -> tuple[_Entry, bytes]:
    """The last entry that begins before a position, of `found` and the rows of a directory; and the row that is cut."""
    begin = 0
    while begin + _ENTRY.size <= len(rows):
        magic, method, packed, unpacked, name, extra, comment, offset = _ENTRY.unpack_from(rows, begin)
        if magic != _ENTRY_MAGIC:
            raise ArchiveError("an archive with a damaged directory")
        end = begin + _ENTRY.size + name + extra
        if end + comment > len(rows):
            break
        if _ELSEWHERE in (packed, offset):
            packed, offset = _large(rows[end - extra : end], unpacked, packed, offset)
        if found.offset < offset < position:
            found = _Entry(offset, method == _STORED, packed, rows[begin + _ENTRY.size : end - extra])
        begin = end + comment
    return found, rows[begin:]


def _large(extra: bytes, unpacked: int, packed: int, offset: int) -> tuple[int, int]:
    """Packed size and offset of an entry whose numbers do not all fit in its row: the extra field has the others."""
    while len(extra) >= _EXTRA.size:
        kind, length = _EXTRA.unpack_from(extra)
        content, extra = extra[_EXTRA.size : _EXTRA.size + length], extra[_EXTRA.size + length :]
        if kind == _OF_ZIP_64:
            numbers = iter(number for (number,) in struct.iter_unpack("<Q", content[: len(content) // 8 * 8]))
            values = [next(numbers, 0) if value == _ELSEWHERE else value for value in (unpacked, packed, offset)]
            return values[1], values[2]
    return packed, offset


def _find_directory(read_at: ReadAt, size: int) -> _Directory:
    tail_bytes = min(size, _END.size + _MAX_COMMENT)
    tail = read_at(size - tail_bytes, tail_bytes)
    found = tail.rfind(_END_MAGIC)
    end = size - tail_bytes + found
    length, offset = _row(_END, _END_MAGIC, tail[found:] if found >= 0 else b"")
    if _ELSEWHERE in (length, offset):
        (place,) = _row(_LOCATOR, _LOCATOR_MAGIC, read_at(max(0, end - _LOCATOR.size), _LOCATOR.size))
        end = min(place, size)
        length, offset = _row(_END_64, _END_64_MAGIC, read_at(end, _END_64.size))
    start = end - length
    if start < 0 or length > MAX_DIRECTORY_BYTES:
        raise ArchiveError(f"an archive of {size} bytes with a directory of {length} that ends at {end}")
    return _Directory(start, end, start - offset)


def _row(form: struct.Struct, magic: bytes, content: bytes) -> tuple[int, ...]:
    if len(content) < form.size or not content.startswith(magic):
        raise ArchiveError("no zip archive, or a damaged one")
    return form.unpack_from(content)[1:]
