"""A layer's compressed stream as a bounded stream of plain bytes."""

from collections.abc import Generator, Iterator
from gzip import BadGzipFile
from io import RawIOBase
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, BinaryIO

import zstandard
from isal import igzip, isal_zlib

from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.limits import Limits

# Typed loosely, for their library types the one wrongly and the other not at all.
_GzipFile: Any = igzip.IGzipFile
_GzipError: Any = isal_zlib.error

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

_READ_BYTES = 256 * 1024
_PIECE_BYTES = 512 * 1024
"""The most plain bytes that a call gives where it can be told; less would have threads wait for one another more."""
_PIECES_AHEAD = 4
_ZSTD_BYTES = 2 * 1024
"""Compressed bytes given to zstd at once, of which a block of 4 can stand for 128 KiB: a piece has 64 MiB at most."""
_MAX_ZSTD_WINDOW = 128 * 1024 * 1024
"""The largest window zstd's own command line accepts."""


def open_layer(stream: BinaryIO, limits: Limits) -> "ByteReader":
    """A reader of the plain bytes of a gzip, zstd or uncompressed stream, told apart by their first bytes.

    Reading raises ArchiveError for damaged or cut compressed data, and for more bytes than `limits` allow.
    """
    first = stream.read(_READ_BYTES)
    while first and len(first) < 4 and (more := stream.read(_READ_BYTES)):
        first += more
    source = _Source(first, stream, limits.max_layer_bytes)
    decode = _iter_gzip if first.startswith(_GZIP) else _iter_zstd if first.startswith(_ZSTD) else None
    pieces = _iter_bounded(decode(source) if decode else source.iter_chunks(), source, limits)
    is_long = decode is not None and len(first) >= _READ_BYTES
    return ByteReader(_iter_ahead(pieces, source) if is_long else pieces, proves_its_end=decode is not None)


class _Source(RawIOBase):
    """The compressed stream, of which the first bytes were looked at, as a file that may be read so far."""

    def __init__(self, first: bytes, stream: BinaryIO, most_bytes: int) -> None:
        super().__init__()
        self.taken = 0
        self._most_bytes = most_bytes
        self._rest = memoryview(first)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.closed:
            raise ArchiveError("is not wanted any more")
        if not self._rest:
            self._rest = memoryview(self._stream.read(_READ_BYTES))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.taken += count
        _refuse_more_than(self._most_bytes, self.taken)  # also where all of it stands for nothing
        return count

    def iter_chunks(self) -> Iterator[bytes]:
        """What is left, in pieces of a size that is good to read."""
        while chunk := self.read(_READ_BYTES):
            yield chunk


def _refuse_more_than(most_bytes: int, count: int) -> None:
    if count > most_bytes:
        raise ArchiveError(f"holds more than {most_bytes} bytes, the most a layer may")


def _iter_gzip(source: _Source) -> Iterator[bytes]:
    """One member after another: eStargz and parallel compressors write many. Zeros between members are padding.

    The library fills a whole piece by itself. Asked for less at a time, it would need the interpreter for each part.
    """
    plain = _GzipFile(fileobj=source, mode="rb")
    try:
        while piece := plain.read(_PIECE_BYTES):
            yield piece
    except EOFError as error:
        raise ArchiveError("gzip data ends too early: the layer was cut short") from error
    except (BadGzipFile, OverflowError, _GzipError) as error:  # a header may overflow
        raise ArchiveError(f"damaged gzip data: {error}") from error


def _iter_zstd(source: _Source) -> Iterator[bytes]:
    """One frame after another. Zeros between them are padding."""
    try:
        yield from _iter_frames(source)
    except zstandard.ZstdError as error:
        raise ArchiveError(f"damaged zstd data: {error}") from error


def _iter_frames(source: _Source) -> Iterator[bytes]:
    decompressor = _start_frame()
    while data := source.read(_ZSTD_BYTES):
        while data:
            if decompressor.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                decompressor = _start_frame()
            yield decompressor.decompress(data)
            data = decompressor.unused_data
    if not decompressor.eof:
        raise ArchiveError("zstd data ends too early: the layer was cut short")


def _start_frame() -> "zstandard.ZstdDecompressionObj":
    return zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()


def _iter_ahead(pieces: Iterator[bytes], source: _Source) -> Iterator[bytes]:
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
        source.close()  # it may be in the middle of much that stands for nothing
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


def _iter_bounded(pieces: Iterator[bytes], source: _Source, limits: Limits) -> Iterator[bytes]:
    """Let plain bytes through as long as they and what was read for them stay within the limits."""
    given = 0
    for piece in pieces:
        given += len(piece)
        _refuse_more_than(limits.max_layer_bytes, given)
        if given > limits.expansion_floor_bytes and given > source.taken * limits.max_expansion:
            raise ArchiveError(
                f"expands more than {limits.max_expansion} to 1 ({source.taken} to {given} bytes): a zip bomb"
            )
        yield piece


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
