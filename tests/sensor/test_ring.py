"""The reader gives every record once and in order, however the ring has wrapped and whatever is still being written."""

import os
from collections.abc import Iterator, Sequence
from mmap import PAGESIZE, mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.layout import EVENT
from deadlight.sensor.ring import MOST_AT_ONCE, WINDOW_BYTES, Reader

BUSY, DISCARDED = 1 << 31, 1 << 30
SIZE = 2 * PAGESIZE


class RingDouble:
    """A file that looks like a ring of the kernel: two pages of positions, and the data twice."""

    def __init__(self, size: int = SIZE) -> None:
        self.file = os.memfd_create("ring")
        self.size = size
        os.ftruncate(self.file, 2 * PAGESIZE + 2 * size)
        self._memory = mmap(self.file, 2 * PAGESIZE + 2 * size)
        self._positions = memoryview(self._memory).cast("Q")

    @property
    def consumed(self) -> int:
        return self._positions[0]

    @property
    def produced(self) -> int:
        return self._positions[PAGESIZE // 8]

    def begin_at(self, position: int) -> None:
        self._positions[0] = self._positions[PAGESIZE // 8] = position

    def has_room(self, length: int) -> bool:
        return self.produced + 8 + (length + 7) // 8 * 8 - self.consumed < self.size

    def write(self, content: bytes, bits: int = 0) -> int:
        """Append a record; gives its position."""
        position = self.produced
        self.mark(position, len(content) | bits)
        self._put(position + 8, content)
        self._positions[PAGESIZE // 8] = position + 8 + (len(content) + 7) // 8 * 8
        return position

    def mark(self, position: int, header: int) -> None:
        self._put(position, header.to_bytes(4, "little"))

    def _put(self, position: int, content: bytes) -> None:
        place = position % self.size
        for start in (place - self.size, place, place + self.size):
            begin, end = max(start, 0), min(start + len(content), 2 * self.size)
            if begin < end:
                self._memory[2 * PAGESIZE + begin : 2 * PAGESIZE + end] = content[begin - start : end - start]


@pytest.fixture
def ring() -> Iterator[RingDouble]:
    double = RingDouble()
    yield double
    os.close(double.file)


def reader_of(ring: RingDouble) -> tuple[Reader, list[bytes]]:
    found: list[bytes] = []
    return Reader(ring.file, ring.size, found.append), found


RECORDS = st.lists(st.tuples(st.binary(max_size=700), st.booleans()), max_size=40)


@given(st.integers(0, 2**40), RECORDS, st.integers(1, 9))
def test_every_record_is_read_once_in_order_but_for_those_that_were_given_up(
    begin: int, records: Sequence[tuple[bytes, bool]], most: int
) -> None:
    double = RingDouble()
    double.begin_at(begin * 8)
    reader, found = reader_of(double)
    for content, is_discarded in records:
        while not double.has_room(len(content)):
            reader.read(most)
        double.write(content, DISCARDED * is_discarded)
    while reader.read(most):
        pass
    os.close(double.file)

    assert found == [content for content, is_discarded in records if not is_discarded]
    assert double.consumed == double.produced


def test_a_record_that_is_being_written_holds_back_those_behind_it(ring: RingDouble) -> None:
    reader, found = reader_of(ring)
    ring.write(b"first")
    position = ring.write(b"second", BUSY)
    ring.write(b"third")

    assert not reader.read(10)
    assert found == [b"first"]
    assert ring.consumed == position
    assert not reader.read(10)
    ring.mark(position, len(b"second"))
    assert not reader.read(10)
    assert found == [b"first", b"second", b"third"]


def test_no_more_are_read_at_once_than_asked_for(ring: RingDouble) -> None:
    reader, found = reader_of(ring)
    for number in range(5):
        ring.write(bytes([number]))

    assert reader.read(3)
    assert found == [b"\0", b"\1", b"\2"]
    assert not reader.read(3)
    assert len(found) == 5


def test_more_than_a_window_is_read_window_by_window() -> None:
    double = RingDouble(2 * WINDOW_BYTES)
    reader, found = reader_of(double)
    longest = EVENT.size + 4096 + 256
    records = [number.to_bytes(4, "big") * (longest // 4) for number in range(90)]
    for record in records:
        double.write(record)

    assert not reader.read(1_000)
    assert found == records
    os.close(double.file)


def test_the_last_time_everything_is_read_that_was_there_and_nothing_that_comes_meanwhile() -> None:
    many = MOST_AT_ONCE + 7
    ring = RingDouble(1 << 20)
    found: list[bytes] = []

    def take(record: bytes) -> None:
        found.append(record)
        ring.write(b"later")

    reader = Reader(ring.file, ring.size, take)
    for number in range(many):
        ring.write(number.to_bytes(4, "little"))
    assert reader.read_to(reader.end)
    assert found == [number.to_bytes(4, "little") for number in range(many)]
    assert ring.consumed < ring.produced
    os.close(ring.file)


def test_the_last_time_a_record_that_is_still_being_written_is_waited_for(ring: RingDouble) -> None:
    reader, found = reader_of(ring)
    ring.write(b"first")
    position = ring.write(b"second", BUSY)
    ring.write(b"third")
    end = reader.end
    assert (reader.read_to(end), found) == (False, [b"first"])
    ring.mark(position, len(b"second"))
    assert (reader.read_to(end), found) == (True, [b"first", b"second", b"third"])


def test_a_record_that_cannot_be_taken_in_is_not_read_again(ring: RingDouble) -> None:
    def refuse(_record: bytes) -> None:
        raise ValueError("no")

    reader = Reader(ring.file, ring.size, refuse)
    ring.write(b"bad")
    with pytest.raises(ValueError, match="no"):
        reader.read(10)

    assert ring.consumed == ring.produced


def test_an_empty_ring_gives_nothing(ring: RingDouble) -> None:
    reader, found = reader_of(ring)

    assert not reader.read(10)
    assert found == []
