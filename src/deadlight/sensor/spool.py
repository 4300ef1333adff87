"""Detections that the service does not have yet: a bounded queue in a table. What finds no room is counted."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from deadlight.model.wire import Detection
from deadlight.sensor.database import ROW_BYTES, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS detection (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, body BLOB NOT NULL)
"""


@dataclass(slots=True)
class SpoolCounters:
    """What waits, and what found no room since the spool was opened."""

    detections: int = 0
    bytes: int = 0
    lost: int = 0


class Spool:
    """The queue in the database behind `connection`. For one thread; a failing disk raises `sqlite3.Error`."""

    def __init__(self, connection: sqlite3.Connection, *, most: int, most_bytes: int) -> None:
        """At most so many detections, of so many bytes together. Makes the table where there is none."""
        self._connection = connection
        self._most = most
        self._most_bytes = most_bytes
        connection.execute(_SCHEMA)
        self.counters = SpoolCounters()
        self._count()

    def add(self, detections: Iterable[Detection]) -> None:
        """Keep detections, each `id` once. They are in the file when this returns."""
        lost = self.counters.lost
        try:
            with transaction(self._connection):
                for detection in detections:
                    self._add(detection)
        except BaseException:
            self._count()
            self.counters.lost = lost
            raise

    def first(self, most: int, most_bytes: int) -> tuple[Detection, ...]:
        """The earliest: at most `most`, of about `most_bytes`, but one in any case."""
        found: list[Detection] = []
        room = most_bytes
        rows = self._connection.execute("SELECT body, bytes FROM detection ORDER BY id LIMIT ?", (most,))
        for body, size in rows:
            room -= size
            if found and room < 0:
                break
            found.append(msgspec.msgpack.decode(body, type=Detection))
        rows.close()
        return tuple(found)

    def remove(self, detections: Iterable[Detection]) -> None:
        """Let go of those that the service has, or will never take."""
        try:
            with transaction(self._connection):
                names = [(detection.id,) for detection in detections]
                self._connection.executemany("DELETE FROM detection WHERE name = ?", names)
        finally:
            self._count()

    def _add(self, detection: Detection) -> None:
        body = msgspec.msgpack.encode(detection)
        size = len(body) + ROW_BYTES
        if self.counters.detections >= self._most or self.counters.bytes + size > self._most_bytes:
            self.counters.lost += 1
            return
        statement = "INSERT OR IGNORE INTO detection (name, bytes, body) VALUES (?, ?, ?)"
        added = self._connection.execute(statement, (detection.id, size, body)).rowcount
        self.counters.detections += added
        self.counters.bytes += added * size

    def _count(self) -> None:
        found = self._connection.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM detection").fetchone()
        self.counters.detections, self.counters.bytes = found
