"""SQLite's write-ahead log: pages that were committed and not yet copied into the database.

The last section of https://www.sqlite.org/fileformat2.html, "The Write-Ahead Log". A container that was stopped, or an
image that was built, while rpm had the database open has part of its packages only here.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
"""Its lowest bit says that checksums are over big-endian words."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a log adds to its database: pages by place, and how many pages there are then (0: as before)."""

    pages: Mapping[int, memoryview] = field(default_factory=dict)
    page_count: int = 0


NO_CHANGES = Changes()


def read_log(log: bytes, page_size: int) -> Changes:
    """The pages that the log's committed transactions leave behind.

    As SQLite does, reading ends at the first frame that does not follow from those before it: a log is written over
    from its start, and may hold frames of earlier times. A log that is none changes nothing.
    """
    if len(log) < _HEADER.size:
        return NO_CHANGES
    magic, _version, log_page_size, _checkpoint, *salts, first, second = _HEADER.unpack_from(log)
    order = ">" if magic & 1 else "<"
    sums = _checksum(log[:24], (0, 0), order)
    if magic & ~1 != _MAGIC or log_page_size != page_size or sums != (first, second):
        return NO_CHANGES
    frames: list[tuple[int, memoryview]] = []
    committed = page_count = 0
    view = memoryview(log)
    for start in range(_HEADER.size, len(log) - page_size - _FRAME.size + 1, page_size + _FRAME.size):
        number, count, *frame_salts, first, second = _FRAME.unpack_from(log, start)
        page = view[start + _FRAME.size : start + _FRAME.size + page_size]
        sums = _checksum(page, _checksum(view[start : start + 8], sums, order), order)
        if frame_salts != salts or sums != (first, second) or number == 0:
            break
        frames.append((number - 1, page))
        if count:
            committed, page_count = len(frames), count
    return Changes(dict(frames[:committed]), page_count)


def _checksum(content: bytes | memoryview, sums: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's own: two sums that feed each other, over pairs of 32-bit words."""
    first, second = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
