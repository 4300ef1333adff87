"""A file that is hashed while it is read."""

import gzip
import io
import zlib
from collections.abc import Callable
from hashlib import sha256, sha512
from typing import BinaryIO, TypeVar, cast

from deadlight.registry.errors import DigestMismatchError, UnreadableImageError

MAX_BYTES = 20 * 1024**3
"""Of one file, after the gzip around it: the most a layer may have."""

_PIECE = 1 << 18

T = TypeVar("T")


def read_verified(
    file: BinaryIO, digest: str, source: str, read: Callable[[BinaryIO], T], *, expand: bool = False
) -> T:
    """What `read` makes of a file; it may stop before the end, the rest is hashed all the same.

    `source` names the folder or archive in errors. With `expand` the digest is that of what is inside of the gzip that
    some tools put around a layer which `docker save` leaves plain.

    Raises:
        DigestMismatchError: it does not hash to `digest`, also where that may be why `read` failed.
        UnreadableImageError: it cannot be read to its end.
    """
    is_gzip = expand and cast(io.BufferedReader, file).peek(2)[:2] == b"\x1f\x8b"
    hashing = _Hashing(cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_gzip else file, digest, source)
    try:
        result = read(cast(BinaryIO, io.BufferedReader(hashing, buffer_size=1 << 20)))
    except Exception:
        if not is_gzip:  # which may go on for ever
            hashing.finish()
        raise
    hashing.finish()
    return result


class _Hashing(io.RawIOBase):
    def __init__(self, file: BinaryIO, digest: str, source: str) -> None:
        super().__init__()
        self._file = file
        self._digest = digest
        self._source = source
        self._hasher = sha512() if digest.startswith("sha512:") else sha256()
        self._left = MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        piece = self._read(len(target))
        target[: len(piece)] = piece
        return len(piece)

    def finish(self) -> None:
        """Read what is left and compare."""
        while self._read(_PIECE):
            pass
        actual = f"{self._hasher.name}:{self._hasher.hexdigest()}"
        if actual != self._digest:
            raise DigestMismatchError(f"{self._source}: {self._digest} is damaged: its content has the digest {actual}")

    def _read(self, size: int) -> bytes:
        try:
            piece = self._file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableImageError(f"{self._source}: {self._digest} cannot be read: {error}") from error
        self._left -= len(piece)
        if self._left < 0:
            raise UnreadableImageError(f"{self._source}: {self._digest} has more than {MAX_BYTES} bytes")
        self._hasher.update(piece)
        return piece
