"""rpm's own "ndb" database (`Packages.db`), which SUSE uses: slots that point to header blobs.

The format is only documented by rpm's source (lib/backend/ndb/rpmpkg.c, version 0). All numbers are little-endian;
places are counted in blocks of 16 bytes.
"""

import struct
import zlib
from collections.abc import Iterator

from deadlight.ecosystems.rpm.budget import Budget, UnreadableDatabaseError

_HEADER = struct.Struct("<4sIII")
_SLOT = struct.Struct("<4sIII")
_BLOB = struct.Struct("<4sIII")
_TAIL = struct.Struct("<II4s")
_BLOCK = 16
_PAGE = 4096
_HEADER_BYTES = 32


def iter_ndb_headers(content: bytes) -> Iterator[bytes]:
    """The header blob of each package.

    Raises:
        UnreadableDatabaseError: not an ndb database, or damaged from here on.
    """
    if len(content) < _HEADER_BYTES:
        raise UnreadableDatabaseError("is too short for an ndb database")
    magic, version, _generation, pages = _HEADER.unpack_from(content)
    if magic != b"RpmP" or version != 0:
        raise UnreadableDatabaseError("is not an ndb database of version 0")
    if pages * _PAGE > len(content):
        raise UnreadableDatabaseError(f"is cut short within its {pages} pages of slots")
    budget = Budget(len(content))
    for mark, package, block, blocks in _SLOT.iter_unpack(memoryview(content)[_HEADER_BYTES : pages * _PAGE]):
        if mark != b"Slot":
            raise UnreadableDatabaseError("has a damaged slot")
        if package:
            yield _blob(content, package, block * _BLOCK, blocks * _BLOCK, budget)


def _blob(content: bytes, package: int, start: int, size: int, budget: Budget) -> bytes:
    """One header, checked against the copy of its length and the Adler-32 that follow it."""
    where = f"package {package} of its slots"
    if start + size > len(content) or size < _BLOB.size + _TAIL.size:
        raise UnreadableDatabaseError(f"is cut short before the end of {where}")
    mark, found, _generation, length = _BLOB.unpack_from(content, start)
    padding = size - _BLOB.size - length - _TAIL.size
    if (mark, found) != (b"BlbS", package) or not 0 <= padding < _BLOCK:
        raise UnreadableDatabaseError(f"has something else at {where}")
    budget.take(length)
    tail = start + size - _TAIL.size
    if _TAIL.unpack_from(content, tail) != (zlib.adler32(memoryview(content)[start:tail]), length, b"BlbE"):
        raise UnreadableDatabaseError(f"has a wrong checksum at {where}")
    return content[start + _BLOB.size : start + _BLOB.size + length]
