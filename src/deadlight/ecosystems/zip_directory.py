"""Zip archives in memory, read by their directory (PKWARE's APPNOTE.TXT 4.3): bounded, and nothing is trusted.

The standard library's zipfile keeps a kilobyte for every file an archive says it has, which may be millions.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from deadlight.ecosystems.ecosystem import UnreadableFileError

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_MAX_COMMENT = 65_535
_ENTRY = struct.Struct("<4s6H3L5H2L")
_ENTRY_MAGIC = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 1
_STORED, _DEFLATED = 0, 8
_MAX_FILES = 250_000
"""Files in one archive; the largest fat jars have 100,000."""


@dataclass(frozen=True, slots=True)
class ZippedFile:
    """A file as the archive's directory describes it."""

    name: str
    method: int
    encrypted: bool
    packed_bytes: int
    offset: int


@dataclass(frozen=True, slots=True)
class ZipDirectory:
    """Where the files of an archive are told of, and what to add to their offsets (a program may stand before it)."""

    content: memoryview
    start: int
    end: int
    shift: int

    def __iter__(self) -> Iterator[ZippedFile]:
        """The files in the directory's order.

        Raises:
            UnreadableFileError: damaged, or more files than any archive has.
        """
        position = self.start
        for _ in range(_MAX_FILES):
            if position >= self.end:
                return
            row = _row(_ENTRY, _ENTRY_MAGIC, self.content, position)
            name_bytes, extra_bytes, comment_bytes = row[10:13]
            begin = position + _ENTRY.size
            position = begin + name_bytes + extra_bytes + comment_bytes
            name = bytes(self.content[begin : begin + name_bytes]).decode("utf-8", "replace")
            yield ZippedFile(name, row[4], bool(row[3] & _ENCRYPTED), row[8], row[16] + self.shift)
        raise UnreadableFileError(f"is an archive of more than {_MAX_FILES} files: those after them are unknown")

    def read(self, file: ZippedFile, limit: int) -> memoryview:
        """A file's content, cut after `limit` bytes (at least 1); of a file that is not compressed it is no copy.

        Raises:
            UnreadableFileError: damaged, encrypted, or compressed with another method than deflate.
        """
        row = _row(_LOCAL, _LOCAL_MAGIC, self.content, file.offset)
        begin = file.offset + _LOCAL.size + row[9] + row[10]
        packed = self.content[begin : begin + file.packed_bytes]
        if len(packed) < file.packed_bytes:
            raise UnreadableFileError("is an archive that was cut short")
        if file.encrypted or file.method not in {_STORED, _DEFLATED}:
            raise UnreadableFileError("is encrypted, or compressed with another method than deflate")
        if file.method == _STORED:
            return packed[:limit]
        try:
            return memoryview(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit))
        except zlib.error as error:
            raise UnreadableFileError(f"holds damaged data: {error}") from error


def open_zip(content: memoryview) -> ZipDirectory:
    """Find the directory at the end of an archive.

    Raises:
        UnreadableFileError: no zip archive, cut short, or of 4 GiB and more.
    """
    tail = max(0, len(content) - _END.size - _MAX_COMMENT)
    found = bytes(content[tail:]).rfind(_END_MAGIC)
    if found < 0:
        raise UnreadableFileError("is no zip archive, or was cut short")
    end = tail + found
    size, offset = _row(_END, _END_MAGIC, content, end)[5:7]
    start = end - size
    if size and bytes(content[offset : offset + 4]) == _ENTRY_MAGIC:
        # Between the directory and this record a zip64 archive has others.
        start = offset
    if start < 0:
        raise UnreadableFileError("is a zip archive whose directory is not where it says")
    return ZipDirectory(content, start, start + size, start - offset)


def _row(form: struct.Struct, magic: bytes, content: memoryview, position: int) -> tuple[int, ...]:
    if not 0 <= position <= len(content) - form.size or bytes(content[position : position + 4]) != magic:
        raise UnreadableFileError("is a damaged zip archive")
    return form.unpack_from(content, position)
