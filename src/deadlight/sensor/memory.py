"""Keeps the C library from holding memory for each thread, and what is free."""

import ctypes

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD, from glibc's malloc.h."""

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
