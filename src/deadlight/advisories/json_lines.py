"""Documents one a line, plain or compressed with zstd."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from deadlight.advisories.document import Document, Rejected, origin_label
from deadlight.advisories.errors import InvalidArchiveError
from deadlight.advisories.limits import Limits, Meter

_PLAIN_CHUNK = 1024 * 1024
_COMPRESSED_CHUNK = 1024
"""A zstd block of 4 bytes can stand for 128 KiB, so that this much becomes 32 MiB at worst."""

_MAX_WINDOW = 128 * 1024 * 1024
"""What `zstd --ultra -22` needs to be expanded."""


def iter_json_lines(path: Path, limits: Limits) -> Iterator[Document | Rejected]:
    """The documents of a `.jsonl` file.

    Raises:
        InvalidArchiveError: beyond the limits.
    """
    with path.open("rb") as file:
        yield from _documents(path.name, iter(lambda: file.read(_PLAIN_CHUNK), b""), Meter(path.name, limits), limits)


def iter_compressed_json_lines(path: Path, limits: Limits) -> Iterator[Document | Rejected]:
    """The documents of a `.jsonl.zst` file.

    Raises:
        InvalidArchiveError: beyond the limits, or when the compressed stream is broken or cut short.
    """
    meter = Meter(path.name, limits, stored=path.stat().st_size)
    with path.open("rb") as file:
        yield from _documents(path.name, _expand(path.name, file), meter, limits)


def _documents(name: str, chunks: Iterable[bytes], meter: Meter, limits: Limits) -> Iterator[Document | Rejected]:
    for number, line in enumerate(_lines(chunks, meter, limits.document), start=1):
        origin = origin_label(name, str(number))
        if line is None:
            meter.add_member()
            yield Rejected(origin, f"{origin}: longer than {limits.document} bytes")
        elif line.strip():
            meter.add_member()
            yield Document(origin, line)


def _lines(chunks: Iterable[bytes], meter: Meter, longest: int) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is too long to hold."""
    rest = b""
    overlong = False
    for chunk in chunks:
        meter.add_bytes(len(chunk))
        head, *lines = chunk.split(b"\n")
        rest += head
        for line in lines:
            yield None if overlong or len(rest) > longest else rest
            rest, overlong = line, False
        if len(rest) > longest:
            rest, overlong = b"", True
    if rest or overlong:
        yield None if overlong else rest


def _expand(name: str, file: BinaryIO) -> Iterator[bytes]:
    """Expand one zstd frame after another."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    frame = None
    while chunk := file.read(_COMPRESSED_CHUNK):
        while chunk:
            if frame is None:
                frame = decompressor.decompressobj()
            try:
                yield frame.decompress(chunk)
            except zstandard.ZstdError as error:
                raise InvalidArchiveError(f"{name}: not zstd: {error}") from None
            chunk = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise InvalidArchiveError(f"{name}: cut short in the middle of the compressed data; fetch it again")
