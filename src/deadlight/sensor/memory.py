"""Keeps memory from being held that nobody uses: by the C library, and of what was needed to start."""

import ctypes
from collections.abc import Iterable, Iterator
from pathlib import Path

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD, from glibc's malloc.h."""

_DONTNEED = 4
"""MADV_DONTNEED, from linux/mman.h."""

LARGE_BYTES = 64 * 1024
"""What is as large as a batch goes back to the machine when it is freed, instead of leaving a hole."""


def hold_little() -> None:
    """Have all threads that are yet to be started allocate from one place (mallopt(3)); saves about 1 MiB.

    Only one of our threads runs at a time anyway. A C library without arenas is left as it is.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)


def release_code(maps: Path = Path("/proc/self/maps")) -> None:
    """Let go of the code that only the start needed; what is needed again is found in the files it came from.

    Half of what a sensor seems to hold of its libraries runs once. The machine keeps such pages, which others may use
    as well, for as long as there is room; as long as they are mapped it takes them for in use.
    """
    library = ctypes.CDLL(None)
    for begin, end in iter_code(maps.read_text().splitlines()):
        library.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _DONTNEED)


def iter_code(maps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where the code of files lies, from lines of proc_pid_maps(5).

    Not what can be read alone: the linker wrote to some of it before, and its changes are in no file.
    """
    for line in maps:
        addresses, access, _, _, _, *file = line.split(maxsplit=5)
        if access == "r-xp" and file and file[0].startswith("/"):
            begin, _, end = addresses.partition("-")
            yield int(begin, 16), int(end, 16)
