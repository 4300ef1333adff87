"""A layer's compressed stream as a bounded stream of plain bytes."""

import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, BinaryIO

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
_PIECE_BYTES = 512 * 1024
"""The most plain bytes that a call gives where it can be told; less would have threads wait for one another more."""
_PIECES_AHEAD = 4
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024
"""The largest window zstd's own command line accepts."""


@dataclass(frozen=True, slots=True)
class _Codec:
    name: str
    magic: bytes
    slice_bytes: int
    """Compressed bytes given at once where a frame begins, for what belongs to the next is copied."""
    most_bytes: int
    """The same further on in a frame."""
    start: Callable[[], Any]
    decompress: Callable[[Any, bytes], Iterator[bytes]]
    """What a slice gives, in pieces of at most about 64 MiB."""
    error: type[Exception]


def _inflate(decompressor: Any, data: bytes) -> Iterator[bytes]:
    """What the library holds back for want of room, it gives when it is asked again."""
    held_back = True
    while (data or held_back) and not decompressor.eof:
        piece = decompressor.decompress(data, _PIECE_BYTES)
        data, held_back = decompressor.unconsumed_tail, len(piece) == _PIECE_BYTES
        yield piece


_CODECS = (
    _Codec(
        "gzip",
        b"\x1f\x8b",
        16 * 1024,
        _READ_BYTES,
        lambda: gzip_library.decompressobj(31),
        _inflate,
        gzip_library.error,
    ),
    # A zstd block of 4 bytes can stand for 128 KiB.
    _Codec(
        "zstd",
        b"\x28\xb5\x2f\xfd",
        2 * 1024,
        2 * 1024,
        lambda: zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj(),
        lambda decompressor, data: iter((decompressor.decompress(data),)),
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
    decoded = _iter_decoded(codec, chunks) if codec else ((len(chunk), chunk) for chunk in chunks)
    pieces = _iter_bounded(decoded, limits)
    is_long = codec is not None and len(first) >= _READ_BYTES
    return ByteReader(_iter_ahead(pieces) if is_long else pieces, proves_its_end=codec is not None)


def _iter_ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, made by a thread some ahead of their use: undoing compression needs no interpreter."""
    made: Queue[bytes | BaseException | None] = Queue(_PIECES_AHEAD)
    wanted = Event()
    wanted.set()
    thread = Thread(target=_make, args=(pieces, made, wanted), name="decompression", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        wanted.clear()
        thread.join()


def _make(pieces: Iterator[bytes], made: "Queue[bytes | BaseException | None]", wanted: Event) -> None:
    """Put the pieces into a queue, then None or what went wrong, for as long as anybody wants them."""
    end: BaseException | None = None
    try:
        for piece in pieces:
            if not _put(made, piece, wanted):
                return
    except BaseException as error:  # noqa: BLE001 - raised where the pieces are used
        end = error
    _put(made, end, wanted)


def _put(made: "Queue[bytes | BaseException | None]", item: bytes | BaseException | None, wanted: Event) -> bool:
    """Whether it was put there before nobody wanted it any more."""
    while wanted.is_set():
        try:
            made.put(item, timeout=0.1)
        except Full:
            continue
        return True
    return False


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
    decompressor, size = codec.start(), codec.slice_bytes
    for chunk in chunks:
        position, consumed = 0, len(chunk)
        while position < len(chunk):
            data = chunk[position : position + size]
            if decompressor.eof:
                position += len(data) - len(data := data.lstrip(b"\0"))
                if not data:
                    continue
                decompressor = codec.start()
            for piece in codec.decompress(decompressor, data):
                yield consumed, piece
                consumed = 0
            position += len(data) - (len(decompressor.unused_data) if decompressor.eof else 0)
            size = codec.slice_bytes if decompressor.eof else min(2 * size, codec.most_bytes)
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

    def read_view(self, size: int) -> memoryview:
        """The next `size` bytes, held in memory but once; fewer only where the stream ends."""
        end = self._position + size
        if end <= len(self._piece):
            view = memoryview(self._piece)[self._position : end]
            self._position = end
            return view
        buffer, filled = memoryview(bytearray(size)), 0
        while filled < size and self._fill():
            part = memoryview(self._piece)[self._position : self._position + size - filled]
            buffer[filled : filled + len(part)] = part
            self._position += len(part)
            filled += len(part)
        return buffer[:filled].toreadonly()

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

    def close(self) -> None:
        """End what makes the pieces, a thread of its own perhaps, while its source can still be read."""
        if isinstance(self._pieces, Generator):
            self._pieces.close()

    def _fill(self) -> bool:
        """Whether there is an unread byte, after fetching the next piece if need be."""
        while self._position >= len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._piece, self._position = piece, 0
        return True
