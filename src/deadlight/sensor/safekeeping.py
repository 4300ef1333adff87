"""The journal and the spool, kept where it is possible: in the state directory, else in memory. For all threads.

A file that is damaged is set aside and begun anew. Where the disk cannot be written (full, read-only, gone), what waits
is kept in as much memory as a sensor can afford until the disk takes it again. Either is told as a problem.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from deadlight.model.wire import ContainerCoverage, Detection, Observation
from deadlight.sensor import database, tally
from deadlight.sensor.journal import Bounds, Journal
from deadlight.sensor.rows import Row
from deadlight.sensor.spool import Spool

FILE = "journal.db"

DISK_RETRY_SECONDS = 60.0
"""Between two attempts to return to a disk that could not be written."""

MOST_AGAIN = 5_000
"""Containers that wait to be looked at again: more than a node has."""

_LASTING = ("journal_lost", "journal_forgotten", "spool_lost")
"""Counters of what happened, which go on where one file takes another's place."""

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """How much is kept."""

    journal: Bounds
    detections: int
    detection_bytes: int


ON_DISK = Room(Bounds(40_000, 16 << 20, 400_000, 128 << 20), 20_000, 32 << 20)
"""A hundred containers with a few thousand files each, and an attack that goes on for hours."""

IN_MEMORY = Room(Bounds(2_000, 1 << 20, 4_000, 2 << 20), 500, 1 << 20)
"""What a sensor of 32 MiB can afford."""


class Store:
    """One database with the journal and the spool in it; without a `path`, in memory."""

    def __init__(self, path: Path | None, room: Room) -> None:
        """Open it.

        Raises:
            OSError, sqlite3.Error: it cannot be opened, or is damaged.
        """
        self.path = path
        self._connection = database.open_file(path) if path else database.open_memory()
        try:
            self.journal = Journal(self._connection, room.journal)
            self.spool = Spool(self._connection, most=room.detections, most_bytes=room.detection_bytes)
        except BaseException:
            self.close()
            raise

    def counters(self) -> dict[str, int]:
        """Every counter under one name."""
        journal = {f"journal_{name}": value for name, value in asdict(self.journal.counters).items()}
        return journal | {f"spool_{name}": value for name, value in asdict(self.spool.counters).items()}

    def take_over(self, other: "Store", now: float, room: Room) -> None:
        """Keep what waits in another store too, as far as there is room."""
        self.spool.add(other.spool.first(room.detections, room.detection_bytes))
        rows = other.journal.first(room.journal.node_rows // 2, room.journal.node_bytes // 2)
        self.journal.record([row.observation for row in rows], now)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Lot:
    """What is under way to the service, and from where."""

    store: Store
    observations: tuple[Row, ...] = ()
    detections: tuple[Detection, ...] = ()


class Safekeeping:
    """Everything that the service does not know yet."""

    def __init__(
        self,
        state: Path | None,
        *,
        on_disk: Room = ON_DISK,
        in_memory: Room = IN_MEMORY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Go on with what is in the directory `state`; without one, in memory."""
        self._path = state / FILE if state else None
        self._on_disk = on_disk
        self._in_memory = in_memory
        self._clock = clock
        self._lock = threading.RLock()
        self._before: Counter[str] = Counter()
        self._problems = {"disk": "", "damage": "", "memory": ""}
        self._retry_at = 0.0
        self._again: dict[str, None] = {}
        self._is_new = False
        self._store = self._open()
        self._tally = tally.Tally(state / tally.FILE if state else None)
        self._count_left()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the place where it is kept."""
        return tuple(problem for problem in self._problems.values() if problem)

    @property
    def is_on_disk(self) -> bool:
        """Whether it outlives the sensor."""
        return self._store.path is not None

    def counters(self) -> Mapping[str, int]:
        """How much is kept and waits, and what found no room since the sensor started."""
        return self._store.counters() | {name: self._total(name) for name in _LASTING}

    def has_room(self, observations: int) -> bool:
        """Whether so many observations find room."""
        return self._store.journal.has_room(observations)

    def observations_wait(self) -> bool:
        """Whether there are observations to tell."""
        return self._store.journal.counters.waiting > 0

    def detections_wait(self) -> bool:
        """Whether there are detections to tell."""
        return self._store.spool.counters.detections > 0

    def record(self, observations: Sequence[Observation]) -> None:
        """Keep observations until the service has them, and what they say for as long as their containers live."""
        self._do(lambda store: store.journal.record(observations, self._clock()))

    def spool(self, detections: Sequence[Detection]) -> None:
        """Keep detections until the service has them."""
        self._do(lambda store: store.spool.add(detections))

    def first_observations(self, most: int, most_bytes: int) -> Lot:
        """The observations to tell next."""
        return self._do(lambda store: Lot(store, observations=store.journal.first(most, most_bytes)))

    def first_detections(self, most: int, most_bytes: int) -> Lot:
        """The detections to tell next."""
        return self._do(lambda store: Lot(store, detections=store.spool.first(most, most_bytes)))

    def settle(self, lot: Lot, *, taken: bool) -> None:
        """The service has it (`taken`) or will never take it. Of a store that is gone there is nothing to note."""

        def settle(store: Store) -> None:
            if store is lot.store:
                store.journal.settle(lot.observations, taken=taken)
                store.spool.remove(lot.detections)

        self._do(settle)

    def tell_again(self, names: Sequence[str]) -> None:
        """The service wants everything of these containers."""

        def tell_again(store: Store) -> list[str]:
            return [name for name in names if store.journal.tell_again(name, self._clock())]

        self._look_again(self._do(tell_again))

    def take_again(self) -> tuple[str, ...]:
        """The containers to look at again; each is handed out once."""
        with self._lock:
            names, self._again = tuple(self._again), {}
            return names

    def complete(self, coverage: Sequence[ContainerCoverage]) -> tuple[ContainerCoverage, ...]:
        """Coverage with each container's digest and with what found no room here."""

        def complete(store: Store) -> tuple[ContainerCoverage, ...]:
            return tuple(
                msgspec.structs.replace(
                    item,
                    digest=store.journal.find_digest(item.container_id),
                    lost=item.lost + store.journal.count_lost(item.container_id),
                )
                for item in coverage
            )

        return self._do(complete)

    def tend(self, running: Sequence[str]) -> None:
        """What is to be done now and then, given the ids of the containers that run."""

        def tend(store: Store) -> tuple[str, ...]:
            store.journal.keep(running, self._clock())
            store.journal.forget(self._clock())
            return store.journal.take_short()

        self._return_to_disk()
        self._look_again(self._do(tend))
        if self._is_new:
            self._is_new = False
            self._look_again(running)
        if self._store.path and database.log_bytes(self._store.path) >= database.FOLD_BYTES:
            self.sync()

    def sync(self) -> None:
        """Make what was kept so far outlive a loss of power. Takes as long as the disk does; nobody waits for it."""
        path = self._store.path
        if path:
            try:
                database.fold(path)
            except sqlite3.Error as error:
                logger.warning("cannot sync %s: %s", path, error)  # what is written next fails, and is dealt with

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            self._store.close()
            self._tally.close()

    # --- where it is kept --------------------------------------------------------------------------------

    def _do(self, act: Callable[[Store], T]) -> T:
        """Act on the store; where it fails, on the one that takes its place."""
        with self._lock:
            try:
                return act(self._store)
            except (sqlite3.Error, msgspec.MsgspecError) as error:
                self._replace(error)
                return act(self._store)
            finally:
                self._count_memory()

    def _count_left(self) -> None:
        """What the last sensor had in memory alone is lost, and that is told."""
        detections, observations = self._tally.left
        if detections or observations:
            self._before.update(spool_lost=detections, journal_lost=observations)
            lost = f"up to {detections} detections and {observations} observations"
            self._tell("memory", f"the last sensor ended while its disk could not be written: {lost} are lost with it")

    def _count_memory(self) -> None:
        if self.is_on_disk:
            self._tally.note(0, 0)
        else:
            self._tally.note(self._store.spool.counters.detections, self._store.journal.counters.waiting)

    def _total(self, name: str) -> int:
        return self._before[name] + self._store.counters()[name]

    def _open(self) -> Store:
        """The file, begun anew where it is damaged; else memory."""
        if self._path is None:
            return Store(None, self._in_memory)
        try:
            try:
                return Store(self._path, self._on_disk)
            except sqlite3.Error as error:
                if not database.is_damaged(error):
                    raise
                self._set_aside(self._path, error)
                return Store(self._path, self._on_disk)
        except (OSError, sqlite3.Error) as error:
            self._leave_disk(error)
            return Store(None, self._in_memory)

    def _replace(self, error: Exception) -> None:
        failed = self._store
        self._before.update({name: failed.counters()[name] for name in _LASTING})
        if failed.path and not database.is_damaged(error):
            self._leave_disk(error)
            self._store = Store(None, self._in_memory)
            with suppress(sqlite3.Error, msgspec.MsgspecError):  # what cannot be read stays for when the disk is back
                self._store.take_over(failed, self._clock(), self._in_memory)
            failed.close()
            return
        failed.close()
        if failed.path:
            with suppress(OSError):  # then it cannot be opened either, which is told
                self._set_aside(failed.path, error)
        self._store = self._open()

    def _return_to_disk(self) -> None:
        """Where the disk could not be written, try it again: with everything that waits in memory."""
        with self._lock:
            remaining = self._retry_at - self._clock()
            if self.is_on_disk or self._path is None or 0 < remaining <= DISK_RETRY_SECONDS:  # more: the clock was set
                return
            memory = self._store
            store = self._open()
            if not store.path:
                store.close()
                return
            try:
                store.take_over(memory, self._clock(), self._on_disk)
            except sqlite3.Error as error:
                self._leave_disk(error)
                store.close()
                return
            self._before.update({name: memory.counters()[name] for name in _LASTING})
            self._look_again(memory.journal.names())  # what memory forgot is not known to the disk
            self._store, self._problems["disk"] = store, ""
            self._count_memory()
            memory.close()

    def _leave_disk(self, error: Exception) -> None:
        self._retry_at = self._clock() + DISK_RETRY_SECONDS
        self._tell(
            "disk", f"{self._path} cannot be written ({error}): what the service does not know yet is kept in memory"
        )

    def _set_aside(self, path: Path, error: Exception) -> None:
        database.set_aside(path)
        self._is_new = True
        self._tell("damage", f"{path} was unusable ({error}): it was set aside and begun anew")

    def _tell(self, what: str, problem: str) -> None:
        if self._problems[what] != problem:
            logger.warning("%s", problem)
        self._problems[what] = problem

    def _look_again(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                if len(self._again) < MOST_AGAIN:
                    self._again[name] = None
