"""Reads the kernel's ring of events (BPF_MAP_TYPE_RINGBUF), a window at a time.

The kernel shows a ring as a file: a page with the consumer's position, which is ours to write; a page with the
producer's; and the data, twice in a row, so that what wraps lies in one piece. libbpf maps all of that for good, which
adds twice the ring to what a process seems to hold. Here a window over what waits is mapped while it is read.

The kernel publishes in two steps, the producer's position and then each record's length, and takes back what lies
before the consumer's position. On x86-64 the processor keeps loads, and stores after loads, in order. On arm64 it need
not, and Python has no fences; there the order follows from what depends on what:

* A window is mapped after the producer's position was read, so that nothing in it can have been read before.
* Where a record is copied from is computed from its own header, a dependency that processors respect.
* The consumer's position is written after the window was unmapped, which waits for every earlier access.

Positions and lengths are aligned, and memoryviews of their width read and write them in one access.
"""

import time
from collections.abc import Callable
from mmap import PAGESIZE, PROT_READ, mmap
from select import EPOLLET, EPOLLIN, epoll
from types import TracebackType
from typing import Self

from deadlight.sensor.libbpf import LibbpfError, Map

MOST_AT_ONCE = 2_000
"""Records of one `read`, some 20 ms of work: the reader has other duties even while events never cease, and what comes
of the records takes memory until it is handed over."""

WINDOW_BYTES = 256 * 1024
"""What is mapped at once, and given back at once to the kernel; dozens of times the longest record."""

_WRITER_SECONDS = 2.0
"""The longest wait for a record that is still being written when no other will be read."""

_PAUSE_SECONDS = 0.001

_BUSY = 1 << 31
"""BPF_RINGBUF_BUSY_BIT of linux/bpf.h: the record is still being written."""

_DISCARDED = 1 << 30
"""BPF_RINGBUF_DISCARD_BIT: its writer gave it up."""

_LENGTH = _DISCARDED - 1
_HEADER = 8


class Reader:
    """Hands what a ring's file shows to `on_record`, in the order in which the kernel wrote it. Never waits."""

    def __init__(self, file: int, size: int, on_record: Callable[[bytes], None]) -> None:
        """Map both positions of a ring of `size` bytes.

        Raises:
            OSError: not a ring, or no memory.
        """
        self._file = file
        self._mask = size - 1
        self._on_record = on_record
        self._consumed = memoryview(mmap(file, PAGESIZE)).cast("Q")
        self._produced = memoryview(mmap(file, PAGESIZE, prot=PROT_READ, offset=PAGESIZE)).cast("Q")

    def read(self, most: int) -> bool:
        """Hand over up to `most` records; says whether there may be more.

        Raises whatever `on_record` does; the record counts as read.
        """
        while most > 0 and self._consumed[0] < self._produced[0]:
            count = self._read_window(self._consumed[0], self._produced[0], most)
            if not count:
                return False
            most -= count
        return most <= 0

    @property
    def end(self) -> int:
        """Where the last record that is there now ends; some before it may still be being written."""
        return self._produced[0]

    def read_to(self, end: int) -> bool:
        """Hand over what lies before `end`; says whether that was possible: not while a record is being written."""
        while self._consumed[0] < end:
            if not self._read_window(self._consumed[0], end, MOST_AT_ONCE):
                return False
        return True

    def _read_window(self, begin: int, end: int, most: int) -> int:
        """Hand over records between two positions, as far as one window goes; how many they were."""
        first = begin - begin % PAGESIZE
        length = min(end - first, WINDOW_BYTES)
        place, count = begin - first, 0
        try:
            with (
                mmap(self._file, length, prot=PROT_READ, offset=2 * PAGESIZE + (first & self._mask)) as window,
                memoryview(window) as view,
                view.cast("I") as words,
            ):
                while place < length and count < most:
                    header = words[place // 4]
                    begins = place + _HEADER + (header >> 31)  # nothing is added: see above
                    ends = begins + (header & _LENGTH)
                    if header & _BUSY or ends > length:
                        break
                    place, count = (ends + 7) & ~7, count + 1
                    if not header & _DISCARDED:
                        self._on_record(window[begins:ends])
        finally:
            self._consumed[0] = first + place
        return count


class Ring:
    """A ring map whose records are handed to `on_record`."""

    def __init__(self, ring: Map, on_record: Callable[[bytes], None]) -> None:
        """Wait for the ring from now on.

        Raises:
            LibbpfError: not a ring, or no memory.
        """
        self._is_behind = False
        self._epoll = epoll()
        try:
            self._reader = Reader(ring.descriptor, ring.entries, on_record)
            self._epoll.register(ring.descriptor, EPOLLIN | EPOLLET)  # woken, not asked whether there is something
        except OSError as error:
            self._epoll.close()
            raise LibbpfError("cannot read the ring of events", error.errno or 0) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._epoll.close()

    def read(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for a wake-up, then hand over what there is, up to `MOST_AT_ONCE`.

        The kernel half wakes the reader for full batches only, so what is left is read after every wait.
        """
        if not self._is_behind:
            self._epoll.poll(timeout)
        self._is_behind = self._reader.read(MOST_AT_ONCE)

    def read_rest(self) -> bool:
        """Hand over everything that is there, for it is the last time; says whether that was possible.

        A record that is being written holds up those behind it: for microseconds, unless the machine is a guest whose
        host gave the writer's processor to somebody else.
        """
        end, deadline = self._reader.end, time.monotonic() + _WRITER_SECONDS
        while not self._reader.read_to(end):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True
