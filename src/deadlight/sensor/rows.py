"""Rows of the journal on their way to the service: what is told of each, and those that need not be read for it. Pure.

Nearly everything is told right after it was recorded. As long as what was recorded last is all that waits, it is told
from memory; else from the file, in which it is in either case.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.sighting import Entry

FRESH_BYTES = 512 * 1024
"""How much is remembered, as it is in the file: a batch and another one; in memory twice as much."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """An observation as it is told, with the state of its row: what the service has when it acknowledges."""

    id: int
    revision: int
    subject: int
    count: int
    told_at: float
    size: int
    """As in `Entry`."""
    observation: Observation


def new_row(row_id: int, entry: Entry) -> Row:
    """The row of what was recorded for the first time; where it is told it counts at least one."""
    seen = entry.seen
    told = seen if seen.count else msgspec.structs.replace(seen, count=1)
    return Row(row_id, 0, entry.identity[0], seen.count, seen.last_at.timestamp(), entry.size, told)


def bounded(rows: Iterable[Row], most: int, most_bytes: int) -> Iterator[Row]:
    """The first rows: at most `most`, of about `most_bytes`, but one in any case."""
    room = most_bytes
    for number, row in enumerate(rows):
        room -= row.size
        if number >= most or (number and room < 0):
            return
        yield row


def runs(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that follow each other in the table and are alike but for what they are about."""

    def place(numbered: tuple[int, Row]) -> tuple[object, ...]:
        number, row = numbered
        seen = row.observation
        return row.id - number, seen.container_id, seen.grade is Grade.EXECUTED, row.revision, row.count

    for _, run in groupby(enumerate(rows), key=place):
        yield [row for _, row in run]


class Fresh:
    """The rows that wait, in the order in which they are told, where they are new; else nothing."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, rows: Sequence[Row], waiting: int) -> None:
        """These were recorded; with them, `waiting` rows wait."""
        used = self._bytes + sum(row.size for row in rows)
        if len(self._rows) + len(rows) != waiting or used > FRESH_BYTES:
            self.clear()
            return
        self._rows = sorted((*self._rows, *rows), key=attrgetter("observation.grade.rank"), reverse=True)
        self._bytes = used

    def first(self, most: int, most_bytes: int, waiting: int) -> tuple[Row, ...]:
        """Those to tell next, if these are the `waiting` rows; else none."""
        return tuple(bounded(self._rows, most, most_bytes)) if len(self._rows) == waiting else ()

    def settle(self, rows: Sequence[Row]) -> None:
        """These wait no more."""
        if [row.id for row in rows] == [row.id for row in self._rows[: len(rows)]]:
            self._rows = self._rows[len(rows) :]
            self._bytes -= sum(row.size for row in rows)
        else:
            self.clear()

    def clear(self) -> None:
        """What waits has changed, and is read from the file."""
        self._rows, self._bytes = [], 0
