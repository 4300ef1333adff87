"""From records to what is told: whose event is it, who did it, and what does it say?

An event becomes an observation (`observe`), something to hold to the rules (`activities`), or both.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deadlight.model.observation import Grade
from deadlight.sensor.activities import Detector
from deadlight.sensor.archives import Archives
from deadlight.sensor.containers import ContainerTable
from deadlight.sensor.coverage import Coverage
from deadlight.sensor.decode import GRADES, DecodeError, Event, decode
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind, Verdict
from deadlight.sensor.observe import Pending
from deadlight.sensor.processes import NO_FILE, FileId, Process, ProcessTable

WALK_EVERY = 1_000_000_000
"""Nanoseconds between two searches for groups that nobody announced."""

IO_URING = "io_uring"
"""What a container is told not to be seen doing once it used it."""

_CGROUP_MADE, _EXITED, _EXECUTED, _IO_URING = (
    EventKind.CGROUP_MADE,
    EventKind.EXITED,
    EventKind.EXECUTED,
    EventKind.IO_URING,
)
"""To look an enumerator up in its class takes as long as to find a container."""

MAX_REPEATED = 4_096
"""Sensitive files that the kernel half was told of, as many as it has room for."""


@dataclass(slots=True)
class IntakeCounters:
    """What became of the records since the sensor started."""

    events: int = 0
    """Records that could be read."""
    undecodable: int = 0
    outside: int = 0
    """Not of a container after all."""
    own: int = 0
    """What the sensor itself did."""
    unattributed: int = 0
    """Of a control group that is gone and was never announced."""
    before_start: int = 0
    """A container runtime's own, before the container's first program."""
    undecided: int = 0
    """Control groups whose verdict the kernel half could not store; it goes on sending their events."""
    unrepeated: int = 0
    """Sensitive files that the kernel half had no room for: only their first use in a container is seen."""


@dataclass(frozen=True, slots=True)
class Node:
    """What the intake asks and tells the machine; each raises SensorError where the kernel half has no room."""

    walk: Callable[[], Iterable[tuple[CgroupKey, str]]]
    """The control groups that exist."""
    decide: Callable[[CgroupKey, Verdict], None]
    """Have the kernel half watch a group, or ignore it."""
    repeat: Callable[[CgroupKey, int, int], None]
    """Have the kernel half report each use of a file (device, inode) of a group, not only the first."""
    hash: Callable[[FileId, Process], None]
    """Have the file of a process that just executed it hashed."""


class Intake:
    """Takes the records of the ring, in order. What comes of them collects in its parts."""

    def __init__(
        self, table: ContainerTable, pending: Pending, node: Node, *, coverage: Coverage | None = None
    ) -> None:
        self._table = table
        self._pending = pending
        self._node = node
        self._walked_at = -WALK_EVERY
        self._own_pid = os.getpid()
        self.coverage = coverage or Coverage()
        self.processes = ProcessTable()
        self.detector = Detector()
        self.archives = Archives()
        self._repeated: OrderedDict[tuple[CgroupKey, int, int], None] = OrderedDict()
        self.counters = IntakeCounters()

    def survey(self, at: int) -> None:
        """Learn every control group that exists now, and let go of containers that do not."""
        existing = set()
        for cgroup, path in self._node.walk():
            if cgroup not in self._table:
                self._judge(cgroup, self._table.learn(cgroup, path))
            container_id = self._table.find(cgroup)
            if container_id:
                existing.add(container_id)
                if not self._table.is_starting(container_id):
                    self.coverage.begin(container_id, at, from_start=False)
        self.coverage.sweep(existing, at)

    def take(self, record: bytes) -> None:
        """Deal with one record of the ring."""
        try:
            event = decode(record)
        except DecodeError:
            self.counters.undecodable += 1
            return
        self.counters.events += 1
        kind = event.kind
        if kind is _CGROUP_MADE:
            self._judge(event.cgroup, self._table.announce(event.cgroup, event.path))
        elif kind is _EXITED:
            self.processes.exited(event.pid, event.at)
        elif event.pid == self._own_pid:
            self.counters.own += 1
        else:
            container_id = self._table.find(event.cgroup) or self._search(event)
            if container_id is not None:
                self._see(container_id, event)

    def found(self, event: Event, process: Process) -> None:
        """Take in what a survey found of a process that runs."""
        if event.kind is EventKind.EXECUTED:
            self.processes.add(process)
            self._node.hash(process.file, process)
        grade = GRADES[event.kind]
        if grade:
            self._observe(event, grade, process)

    def _search(self, event: Event) -> str | None:
        """The container of a group that was never announced; it is looked for, but not for each event anew."""
        if event.cgroup not in self._table and event.at - self._walked_at >= WALK_EVERY:
            self._walked_at = event.at
            self.survey(event.at)
        if event.cgroup not in self._table:
            self.counters.unattributed += 1
            return None
        container_id = self._table.find(event.cgroup)
        if container_id is None:
            self.counters.outside += 1
        return container_id

    def _see(self, container_id: str, event: Event) -> None:
        kind = event.kind
        first = kind is _EXECUTED and self._begin(container_id, event)
        if self._table.is_starting(container_id):
            self.counters.before_start += 1
        elif kind is _IO_URING:
            self.coverage.blind(container_id, IO_URING)
        elif kind is _EXECUTED:
            process = self.processes.executed(container_id, event, first=first)
            self.archives.executed(process)
            if process.file != NO_FILE:
                self._node.hash(process.file, process)
            self._keep(event, process)
        else:
            self._keep(event, self.processes.actor(container_id, event))

    def _begin(self, container_id: str, event: Event) -> bool:
        """Whether this is the container's first program, from which on it is watched.

        It comes from a file; before it, runc executes a copy of itself from memory.
        """
        if event.flags & EventFlags.MEMFD or not self._table.is_starting(container_id):
            return False
        self._table.started(container_id)
        self.coverage.begin(container_id, event.at, from_start=True)
        return True

    def _keep(self, event: Event, process: Process) -> None:
        grade = GRADES[event.kind]
        if grade and not self._observe(event, grade, process):
            self.coverage.lose(process.container_id)
        sensitive = self.detector.look(event, process)
        if sensitive and grade is Grade.OPENED:
            self._repeat(event)

    def _observe(self, event: Event, grade: Grade, process: Process) -> bool:
        """Says whether there was room for it."""
        if grade is Grade.OPENED:
            self.archives.opened(event, process)
        return self._pending.add(event, grade, process)

    def _repeat(self, event: Event) -> None:
        """The kernel half reports the first use of a file in each container; here others count as well."""
        file = (event.cgroup, event.device, event.inode)
        if file in self._repeated:
            return
        try:
            self._node.repeat(*file)
        except SensorError:
            self.counters.unrepeated += 1
        self._repeated[file] = None
        if len(self._repeated) > MAX_REPEATED:
            self._repeated.popitem(last=False)

    def _judge(self, cgroup: CgroupKey, container_id: str | None) -> None:
        try:
            self._node.decide(cgroup, Verdict.WATCH if container_id else Verdict.IGNORE)
        except SensorError:
            self.counters.undecided += 1
