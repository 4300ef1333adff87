"""A layer's compressed stream as a bounded stream of plain bytes."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import zstandard

from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.limits import Limits

# One interface; isal is twice as fast but exists for fewer processors. Typed loosely, for isal types its error wrongly.
gzip_library: Any
try:
    from isal import isal_zlib as gzip_library
except ImportError:
    gzip_library = zlib

_READ_BYTES = 256 * 1024
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024
"""The largest window zstd's own command line accepts."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Codec:
    name: str
    magic: bytes
    slice_bytes: int
    """Compressed bytes given at once, so that one call puts out at most about 64 MiB."""
    start: Callable[[], _Decompressor]
    error: type[Exception]


_CODECS = (
    # Deflate expands at most 1,032 to 1.
    _Codec("gzip", b"\x1f\x8b", 16 * 1024, lambda: gzip_library.decompressobj(31), gzip_library.error),
    # A zstd block of 4 bytes can stand for 128 KiB.
    _Codec(
        "zstd",
        b"\x28\xb5\x2f\xfd",
        2 * 1024,
        lambda: zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj(),
        zstandard.ZstdError,
    ),
)


def open_layer(stream: BinaryIO, limits: Limits) -> "ByteReader":
    """A reader of the plain bytes of a gzip, zstd or uncompressed stream, told apart by their first bytes.

    Reading raises ArchiveError for damaged or cut compressed data, and for more bytes than `limits` allow.
    """
    first = stream.read(_READ_BYTES)
    while first and len(first) < 4 and (more := stream.read(_READ_BYTES)):
        first += more
    chunks = _iter_chunks(first, stream)
    codec = next((codec for codec in _CODECS if first.startswith(codec.magic)), None)
    pieces = _iter_decoded(codec, chunks) if codec else ((len(chunk), chunk) for chunk in chunks)
    return ByteReader(_iter_bounded(pieces, limits), proves_its_end=codec is not None)


def _iter_bounded(pieces: Iterator[tuple[int, bytes]], limits: Limits) -> Iterator[bytes]:
    """Let plain bytes through as long as they and their compressed form stay within the limits."""
    taken = given = 0
    for consumed, piece in pieces:
        taken += consumed
        given += len(piece)
        if max(taken, given) > limits.max_layer_bytes:
            raise ArchiveError(f"holds more than {limits.max_layer_bytes} bytes, the most a layer may")
        if given > limits.expansion_floor_bytes and given > taken * limits.max_expansion:
            raise ArchiveError(f"expands more than {limits.max_expansion} to 1 ({taken} to {given} bytes): a zip bomb")
        yield piece


def _iter_chunks(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    chunk = first
    while chunk:
        yield chunk
        chunk = stream.read(_READ_BYTES)


def _iter_decoded(codec: _Codec, chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Pairs of compressed bytes consumed and the plain bytes they gave."""
    try:
        yield from _iter_frames(codec, chunks)
    except codec.error as error:
        raise ArchiveError(f"damaged {codec.name} data: {error}") from error


def _iter_frames(codec: _Codec, chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Decode one frame after another: eStargz and parallel compressors write many. Zeros between frames are padding."""
    decompressor = codec.start()
    for chunk in chunks:
        for start in range(0, len(chunk), codec.slice_bytes):
            data = chunk[start : start + codec.slice_bytes]
            consumed = len(data)
            while data:
                if decompressor.eof:
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    decompressor = codec.start()
                piece = decompressor.decompress(data)
                data = decompressor.unused_data if decompressor.eof else b""
                yield consumed, piece
                consumed = 0
    if not decompressor.eof:
        raise ArchiveError(f"{codec.name} data ends too early: the layer was cut short")


class ByteReader:
    """Reads and skips exact numbers of bytes from an iterator of pieces."""

    def __init__(self, pieces: Iterator[bytes], *, proves_its_end: bool) -> None:
        self.proves_its_end = proves_its_end
        """Whether the pieces raise when their source was cut short, as compressed formats with an end marker can."""
        self._pieces = pieces
        self._piece = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only where the stream ends."""
        end = self._position + size
        if end <= len(self._piece):
            data = self._piece[self._position : end]
            self._position = end
            return data
        parts = []
        while size and self._fill():
            part = self._piece[self._position : self._position + size]
            parts.append(part)
            self._position += len(part)
            size -= len(part)
        return b"".join(parts)

    def read_some(self, most: int) -> bytes:
        """The next bytes that are there, at least one and at most `most`; none where the stream ends."""
        if not self._fill():
            return b""
        part = self._piece[self._position : self._position + most]
        self._position += len(part)
        return part

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, which stay unread; fewer only where the stream ends."""
        head = self._piece[self._position : self._position + size]
        if len(head) < size:
            head = self.read(size)
            self._piece, self._position = head + self._piece[self._position :], 0
        return head

    def read_into(self, buffer: bytearray) -> int:
        """Fill a buffer, without a second copy in memory; gives how many bytes there were."""
        filled = 0
        while filled < len(buffer) and self._fill():
            part = memoryview(self._piece)[self._position : self._position + len(buffer) - filled]
            buffer[filled : filled + len(part)] = part
            self._position += len(part)
            filled += len(part)
        return filled

    def skip(self, size: int) -> int:
        """Pass over `size` bytes without keeping them; gives how many there were."""
        left = size
        while left and self._fill():
            step = min(left, len(self._piece) - self._position)
            self._position += step
            left -= step
        return size - left

    def drain(self) -> None:
        """Pass over everything that is left, so that damage at the end is noticed."""
        for _ in self._pieces:
            pass

    def _fill(self) -> bool:
        """Whether there is an unread byte, after fetching the next piece if need be."""
        while self._position >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._piece, self._position = piece, 0
        return True
