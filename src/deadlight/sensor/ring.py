"""Reads the kernel's ring of events."""

import ctypes
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int, c_size_t, c_void_p
from types import TracebackType
from typing import Self

from deadlight.sensor.libbpf import LibbpfError, Library, Map

MOST_AT_ONCE = 10_000
"""Records of one `read`, some 100 ms of work: the reader has other duties even while events never cease."""

_SAMPLE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
_GO_ON = 0
_STOP = -1
"""libbpf counts the record as read and returns."""


class Ring:
    """Hands every record of a ring map to `on_record`, in the order in which the kernel wrote them."""

    def __init__(self, library: Library, ring: Map, on_record: Callable[[bytes], None]) -> None:
        """Map the ring into this process.

        Raises:
            LibbpfError: not a ring, or no memory.
        """
        self._library = library
        self._on_record = on_record
        self._remaining = 0
        self._failure: BaseException | None = None
        self._callback = _SAMPLE(self._sample)  # libbpf keeps its address
        self._pointer = library.ring_buffer__new(ring.descriptor, self._callback, None, None)
        if not self._pointer:
            raise LibbpfError("cannot read the ring of events", ctypes.get_errno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.ring_buffer__free(self._pointer)

    def _sample(self, _context: int | None, data: int, size: int) -> int:
        """Called by libbpf. An exception must not reach ctypes, which would print and forget it."""
        try:
            self._on_record(ctypes.string_at(data, size))
        except BaseException as error:  # noqa: BLE001 - raised again by `read`
            self._failure = error
            return _STOP
        self._remaining -= 1
        return _GO_ON if self._remaining > 0 else _STOP

    def read(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for a wake-up, then hand over what there is, up to `MOST_AT_ONCE`.

        The kernel half wakes the reader for full batches only, so what is left is read after every wait.
        """
        self._remaining = MOST_AT_ONCE
        self._library.ring_buffer__poll(self._pointer, int(timeout * 1000))
        if self._remaining > 0 and self._failure is None:
            self._library.ring_buffer__consume(self._pointer)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
