"""What the node's containers were seen to do, and what of it the service still has to learn: a set in tables.

There is a row for each thing that can be told, so that hours without the service cost disk and not memory, and what is
seen again is told again only where that says something new. A row *waits* until the service has it, and then stays
until its container is forgotten: the service may ask for everything once more.

All of it is bounded. Where there is no room, rows that the service has go first; only where all wait, something is
refused, counted, and its container remembered as *short*, to be looked at again.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import count, groupby, islice
from operator import attrgetter

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.database import ROW_BYTES, transaction
from deadlight.sensor.rows import Fresh, Row, bounded, new_row, runs
from deadlight.sensor.sighting import Entry, enter, merge, unpack

REFRESH_SECONDS = 3600
"""How old the service's knowledge of when something was last seen may get."""

FORGET_SECONDS = 3600
"""How long a container is remembered that nobody mentions any more and of which the service has everything."""

AGAIN_SECONDS = 6 * 3600
"""A service that asks for a container twice within this time has something that is not known here: no use telling."""

OPENED_SHARE = 0.75
"""Of each room: whoever opens files without end does not hide what is executed meanwhile."""

_EVICTED_PART = 16
"""One in so many of a container's rows makes room, so that it is seldom looked for."""

_CONTAINERS_AT_ONCE = 100
_ENTERED_AT_ONCE = 250
_TWO_64 = 1 << 64

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS container (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest INTEGER NOT NULL DEFAULT 0,
        whole INTEGER NOT NULL DEFAULT 1, observations INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
        waiting INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0, short INTEGER NOT NULL DEFAULT 0,
        seen_at INTEGER NOT NULL, again_at INTEGER NOT NULL DEFAULT 0)
    """,
    """
    CREATE TABLE IF NOT EXISTS observation (
        id INTEGER PRIMARY KEY, container INTEGER NOT NULL, rank INTEGER NOT NULL, subject INTEGER NOT NULL,
        variant INTEGER NOT NULL, waiting INTEGER NOT NULL DEFAULT 1, told INTEGER NOT NULL DEFAULT 0,
        told_at REAL NOT NULL DEFAULT 0, revision INTEGER NOT NULL DEFAULT 0, count INTEGER NOT NULL,
        last_at REAL NOT NULL, body BLOB NOT NULL)
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS observation_identity ON observation (container, subject, variant)",
    "CREATE INDEX IF NOT EXISTS observation_waiting ON observation (rank DESC, id) WHERE waiting = 1",
)

_INSERT = (
    "INSERT INTO observation (container, rank, subject, variant, count, last_at, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# Without the hint SQLite would look through everything of the container instead of a few numbers.
_COUNT_RUN = (
    "SELECT count(*) FROM observation NOT INDEXED"
    " WHERE id BETWEEN ? AND ? AND (container, revision, count, told, waiting) = (?, ?, ?, 0, 1)"
)
_SETTLE_RUN = (
    "UPDATE observation NOT INDEXED SET waiting = 0, told = ?, told_at = last_at, count = 0"
    " WHERE id BETWEEN ? AND ? AND (container, revision, count, told, waiting) = (?, ?, ?, 0, 1)"
)
_FROM = "FROM observation JOIN container ON container.id = observation.container"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many observations are kept, and their bytes, of a container and of the node."""

    container_rows: int
    container_bytes: int
    node_rows: int
    node_bytes: int


@dataclass(slots=True)
class JournalCounters:
    """What is kept, and what became of the rest since the journal was opened."""

    observations: int = 0
    bytes: int = 0
    waiting: int = 0
    """Observations that the service does not have yet."""
    lost: int = 0
    """Observations that found no room."""
    forgotten: int = 0
    """Observations that the service has and that made room for others."""


@dataclass(slots=True)
class _Container:
    """A row of `container`."""

    id: int
    name: str
    digest: int
    whole: int
    observations: int
    bytes: int
    waiting: int
    lost: int
    short: int
    seen_at: int
    again_at: int


class Journal:
    """The set in the database behind `connection`. For one thread; a failing disk raises `sqlite3.Error`.

    `now` is always in seconds since the Unix epoch.
    """

    def __init__(self, connection: sqlite3.Connection, bounds: Bounds) -> None:
        """Make the tables where there are none."""
        self._connection = connection
        self._bounds = bounds
        for statement in _SCHEMA:
            connection.execute(statement)
        self._loaded: dict[str, _Container] = {}
        self._fresh = Fresh()
        self.counters = JournalCounters()
        self._count()

    def has_room(self, observations: int) -> bool:
        """Whether so many observations find room in the node's, at the cost of some that the service has."""
        counters, bounds = self.counters, self._bounds
        if counters.waiting < counters.observations:
            return True
        rows, used = counters.observations + observations, counters.bytes
        return rows <= bounds.node_rows * OPENED_SHARE and used <= bounds.node_bytes * OPENED_SHARE

    def record(self, observations: Iterable[Observation], now: float) -> None:
        """Keep observations, each merged with what is known of the same. They are in the file when this returns."""
        new: list[Row] = []
        with self._transaction():
            for name, group in groupby(observations, key=attrgetter("container_id")):
                container = self._load(name, now)
                while entries := [enter(seen) for seen in islice(group, _ENTERED_AT_ONCE)]:
                    self._enter(container, entries, new)
        self._fresh.add(new, self.counters.waiting)

    def first(self, most: int, most_bytes: int) -> tuple[Row, ...]:
        """What waits, the strongest evidence first and then the earliest: at most `most`, of about `most_bytes`."""
        waiting = self.counters.waiting
        return self._fresh.first(most, most_bytes, waiting) or tuple(
            bounded(self._read_waiting(most), most, most_bytes)
        )

    def settle(self, rows: Sequence[Row], *, taken: bool) -> None:
        """The service has them (`taken`) or will never take them. What has changed meanwhile goes on waiting."""
        with self._transaction():
            for run in runs(rows):
                if not self._settle_run(run, taken=taken):
                    for row in run:
                        self._settle(row, taken=taken)
        self._fresh.settle(rows)

    def tell_again(self, name: str, now: float) -> bool:
        """Let everything of a container wait again, because the service asks for it; says whether that is of any use.

        It is not while something of it waits anyway, nor where the service asked for the same a short while ago: then
        the service has more than this journal knows, and the container has no digest from now on.
        """
        with self._transaction():
            container = self._find(name)
            if container is None:
                return True
            if container.waiting:
                return False
            if 0 <= now - container.again_at < AGAIN_SECONDS:  # less: the clock was set
                container.whole = 0
                return False
            statement = "UPDATE observation SET waiting = 1, told = 0, revision = revision + 1 WHERE container = ?"
            self._connection.execute(statement, (container.id,))
            self._wait(container, container.observations)
            container.digest, container.again_at = 0, int(now)
            return True

    def find_digest(self, name: str) -> str:
        """The `observation_digest` of everything of a container that the service acknowledged.

        Empty while something of it waits, which the service may have already, and where rows had to go.
        """
        container = self._read(name)
        if container is None or container.waiting or not container.whole:
            return ""
        return f"{container.digest % _TWO_64:016x}"

    def count_lost(self, name: str) -> int:
        """How many observations of a container found no room."""
        container = self._read(name)
        return container.lost if container else 0

    def take_short(self) -> tuple[str, ...]:
        """Containers of which something found no room, now that the service has the rest; each is named once."""
        statement = "SELECT name FROM container WHERE short = 1 AND waiting = 0 LIMIT ?"
        names = [name for (name,) in self._connection.execute(statement, (_CONTAINERS_AT_ONCE,))]
        if names:
            with transaction(self._connection):
                rows = [(name,) for name in names]
                self._connection.executemany("UPDATE container SET short = 0 WHERE name = ?", rows)
        return tuple(names)

    def names(self) -> tuple[str, ...]:
        """All containers that are known."""
        return tuple(name for (name,) in self._connection.execute("SELECT name FROM container"))

    def keep(self, names: Iterable[str], now: float) -> None:
        """These containers still run. Written rarely: the disk may be a card."""
        rows = [(int(now), name, int(now) - FORGET_SECONDS // 2) for name in names]
        with transaction(self._connection):
            self._connection.executemany("UPDATE container SET seen_at = ? WHERE name = ? AND seen_at < ?", rows)

    def forget(self, now: float) -> None:
        """Forget containers that ended a while ago and of which the service has everything."""
        statement = "SELECT id, observations, bytes FROM container WHERE waiting = 0 AND seen_at < ? LIMIT ?"
        ended = self._connection.execute(statement, (int(now) - FORGET_SECONDS, _CONTAINERS_AT_ONCE)).fetchall()
        if not ended:
            return
        with self._transaction():
            for container_id, observations, used in ended:
                self._connection.execute("DELETE FROM observation WHERE container = ?", (container_id,))
                self._connection.execute("DELETE FROM container WHERE id = ?", (container_id,))
                self.counters.observations -= observations
                self.counters.bytes -= used

    # --- rows --------------------------------------------------------------------------------------------

    def _read_waiting(self, most: int) -> Iterator[Row]:
        columns = "observation.id, revision, subject, count, last_at, body, name"
        order = "WHERE observation.waiting = 1 ORDER BY rank DESC, observation.id LIMIT ?"
        with closing(self._connection.execute(f"SELECT {columns} {_FROM} {order}", (most,))) as cursor:
            for row_id, revision, subject, seen, last_at, body, name in cursor:
                told = unpack(body, name, seen, last_at)
                yield Row(row_id, revision, subject, seen, last_at, len(body) + ROW_BYTES, told)

    def _enter(self, container: _Container, entries: Sequence[Entry], new: list[Row]) -> None:
        """Record what is of one container; `new` gets the rows, as long as nothing changes others."""
        (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM observation").fetchone()
        rest = self._insert_new(container, entries, last)
        if not rest:
            new.extend(map(new_row, count(last + 1), entries))
            return
        new.clear()
        self._fresh.clear()
        for entry in rest:
            self._record(container, entry)

    def _insert_new(self, container: _Container, entries: Sequence[Entry], last: int) -> Sequence[Entry]:
        """Insert what is not there yet, at once, as most is new while there is much to do; gives the rest.

        The new rows follow `last`. Only where all would find room: new things must not cost those their place that are
        known already.
        """
        grade = Grade.OPENED if any(entry.seen.grade is Grade.OPENED for entry in entries) else Grade.EXECUTED
        if not self._has_room_for(container, grade, sum(entry.size for entry in entries), len(entries)):
            return entries
        done = self._connection.executemany(_INSERT, (entry.values(container.id) for entry in entries))
        known: list[Entry] = []
        if done.rowcount < len(entries):
            statement = "SELECT subject, variant FROM observation WHERE id > ?"
            new = set(self._connection.execute(statement, (last,)))
            for entry in entries:
                if entry.identity in new:
                    new.remove(entry.identity)  # what comes a second time is known
                else:
                    known.append(entry)
        self._grow(container, done.rowcount, sum(entry.size for entry in entries) - sum(entry.size for entry in known))
        self._wait(container, done.rowcount)
        return known

    def _record(self, container: _Container, entry: Entry) -> None:
        statement = "SELECT id, waiting, told_at, body FROM observation WHERE (container, subject, variant) = (?, ?, ?)"
        row = self._connection.execute(statement, (container.id, *entry.identity)).fetchone()
        if row is not None:
            self._merge(container, entry.seen, row)
        elif self._make_room(container, entry.seen.grade, entry.size):
            self._connection.execute(_INSERT, entry.values(container.id))
            self._grow(container, 1, entry.size)
            self._wait(container, 1)
        else:
            container.lost += 1
            container.short = 1
            self.counters.lost += 1

    def _merge(self, container: _Container, seen: Observation, row: tuple[int, int, float, bytes]) -> None:
        row_id, waiting, told_at, body = row
        changed, last_at = merge(body, seen), seen.last_at.timestamp()
        news = changed is not None or (told_at > 0 and last_at - told_at >= REFRESH_SECONDS)
        self._connection.execute(
            "UPDATE observation SET count = count + ?, last_at = max(last_at, ?), waiting = ?, revision = revision + ?"
            " WHERE id = ?",
            (seen.count, last_at, int(waiting or news), int(news), row_id),
        )
        if changed is not None:
            self._connection.execute("UPDATE observation SET body = ? WHERE id = ?", (changed, row_id))
            self._grow(container, 0, len(changed) - len(body))
        self._wait(container, int(news and not waiting))

    def _settle_run(self, run: Sequence[Row], *, taken: bool) -> bool:
        """Settle rows that were never told before, if none of them has changed since they were packed; says whether."""
        first, last = run[0], run[-1]
        container = self._find(first.observation.container_id)
        if container is None or first.observation.grade is Grade.EXECUTED:
            return False
        values = (first.id, last.id, container.id, first.revision, first.count)
        (same,) = self._connection.execute(_COUNT_RUN, values).fetchone()
        if same < len(run):
            return False
        self._connection.execute(_SETTLE_RUN, (int(taken), *values))
        for row in run if taken else ():
            container.digest ^= row.subject
        self._wait(container, -len(run))
        return True

    def _settle(self, row: Row, *, taken: bool) -> None:
        container = self._find(row.observation.container_id)
        if container and not self._settle_first(container, row, taken=taken):
            self._settle_again(container, row, taken=taken)

    def _settle_first(self, container: _Container, row: Row, *, taken: bool) -> bool:
        """Settle a row that was never told before and has not changed since it was packed; says whether it is one."""
        settled = self._connection.execute(
            "UPDATE observation SET waiting = 0, told = ?, told_at = ?, count = max(0, count - ?)"
            " WHERE id = ? AND container = ? AND revision = ? AND told = 0 AND waiting = 1",
            (int(taken), row.told_at, row.count, row.id, container.id, row.revision),
        )
        if settled.rowcount == 0:
            return False
        if taken and not self._has_told(container, row):
            container.digest ^= row.subject
        self._wait(container, -1)
        return True

    def _settle_again(self, container: _Container, row: Row, *, taken: bool) -> None:
        statement = "SELECT revision, told, waiting FROM observation WHERE id = ? AND container = ?"
        found = self._connection.execute(statement, (row.id, container.id)).fetchone()
        if found is None:
            return
        revision, told, was_waiting = found
        if taken and not told and not self._has_told(container, row):
            container.digest ^= row.subject
        waiting = int(revision != row.revision)
        self._connection.execute(
            "UPDATE observation SET waiting = ?, told = ?, told_at = ?, count = max(0, count - ?) WHERE id = ?",
            (waiting, int(taken or told), row.told_at, row.count, row.id),
        )
        self._wait(container, waiting - was_waiting)

    def _has_told(self, container: _Container, row: Row) -> bool:
        """Whether the service has another execution of the same program: a digest has each grade and path once."""
        if row.observation.grade is not Grade.EXECUTED:
            return False
        statement = "SELECT 1 FROM observation WHERE container = ? AND subject = ? AND told = 1 AND id <> ? LIMIT 1"
        return self._connection.execute(statement, (container.id, row.subject, row.id)).fetchone() is not None

    def _wait(self, container: _Container, rows: int) -> None:
        container.waiting += rows
        self.counters.waiting += rows

    def _grow(self, container: _Container, rows: int, used: int) -> None:
        container.observations += rows
        container.bytes += used
        self.counters.observations += rows
        self.counters.bytes += used

    # --- room --------------------------------------------------------------------------------------------

    def _make_room(self, container: _Container, grade: Grade, used: int) -> bool:
        """Whether a row of `used` bytes has room, after others went for it where they could."""
        if self._is_container_full(container, grade, used):
            self._evict(container)
            if self._is_container_full(container, grade, used):
                return False
        return not self._is_node_full(grade, used) or (self._evict_largest() and not self._is_node_full(grade, used))

    def _has_room_for(self, container: _Container, grade: Grade, used: int, rows: int) -> bool:
        return not (self._is_container_full(container, grade, used, rows) or self._is_node_full(grade, used, rows))

    def _is_container_full(self, container: _Container, grade: Grade, used: int, new: int = 1) -> bool:
        bounds, share = self._bounds, OPENED_SHARE if grade is Grade.OPENED else 1.0
        rows, size = container.observations + new, container.bytes + used
        return rows > bounds.container_rows * share or size > bounds.container_bytes * share

    def _is_node_full(self, grade: Grade, used: int, new: int = 1) -> bool:
        bounds, share = self._bounds, OPENED_SHARE if grade is Grade.OPENED else 1.0
        rows, size = self.counters.observations + new, self.counters.bytes + used
        return rows > bounds.node_rows * share or size > bounds.node_bytes * share

    def _evict_largest(self) -> bool:
        self._save()
        statement = "SELECT name FROM container WHERE waiting < observations ORDER BY waiting - observations LIMIT 1"
        found = self._connection.execute(statement).fetchone()
        return found is not None and self._evict(self._load(found[0], 0))

    def _evict(self, container: _Container) -> bool:
        """Forget the earliest of what does not wait of a container; says whether there was any."""
        if container.waiting == container.observations:
            return False
        statement = "SELECT id, length(body) FROM observation WHERE container = ? AND waiting = 0 ORDER BY id LIMIT ?"
        most = container.observations // _EVICTED_PART + 1
        rows = self._connection.execute(statement, (container.id, most)).fetchall()
        self._connection.executemany("DELETE FROM observation WHERE id = ?", [(row_id,) for row_id, _ in rows])
        self._grow(container, -len(rows), -sum(length + ROW_BYTES for _, length in rows))
        self.counters.forgotten += len(rows)
        container.whole = 0
        return True

    # --- containers --------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, the counters too. Within it, containers are read once and written at the end."""
        before = asdict(self.counters)
        try:
            with transaction(self._connection):
                yield
                self._save()
        except BaseException:
            self.counters = JournalCounters(**before)
            self._fresh.clear()
            raise
        finally:
            self._loaded.clear()

    def _count(self) -> None:
        found = self._connection.execute(
            "SELECT coalesce(sum(observations), 0), coalesce(sum(bytes), 0), coalesce(sum(waiting), 0) FROM container"
        ).fetchone()
        self.counters.observations, self.counters.bytes, self.counters.waiting = found

    def _read(self, name: str) -> _Container | None:
        row = self._connection.execute("SELECT * FROM container WHERE name = ?", (name,)).fetchone()
        return _Container(*row) if row else None

    def _find(self, name: str) -> _Container | None:
        """For within a transaction."""
        container = self._loaded.get(name) or self._read(name)
        if container:
            self._loaded[name] = container
        return container

    def _load(self, name: str, now: float) -> _Container:
        """For within a transaction: the container, made where it is not known, and seen `now`."""
        container = self._find(name)
        if container is None:
            self._connection.execute("INSERT INTO container (name, seen_at) VALUES (?, ?)", (name, int(now)))
            container = self._find(name)
        assert container
        container.seen_at = max(container.seen_at, int(now))
        return container

    def _save(self) -> None:
        rows = [asdict(container) for container in self._loaded.values()]
        self._connection.executemany(
            "UPDATE container SET digest = :digest, whole = :whole, observations = :observations, bytes = :bytes,"
            " waiting = :waiting, lost = :lost, short = :short, seen_at = :seen_at, again_at = :again_at"
            " WHERE id = :id",
            rows,
        )
