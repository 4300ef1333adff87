"""From records to pending observations: whose event is it, and is it worth keeping?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deadlight.sensor.containers import ContainerTable
from deadlight.sensor.decode import GRADES, DecodeError, Event, decode
from deadlight.sensor.errors import SensorError
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind, Verdict
from deadlight.sensor.observe import Pending

WALK_EVERY = 1_000_000_000
"""Nanoseconds between two searches for groups that nobody announced."""

MAX_UNOBSERVABLE = 256
"""Containers remembered for opening files through io_uring."""


@dataclass(slots=True)
class IntakeCounters:
    """What became of the records since the sensor started."""

    events: int = 0
    """Records that could be read."""
    undecodable: int = 0
    outside: int = 0
    """Not of a container after all."""
    unattributed: int = 0
    """Of a control group that is gone and was never announced."""
    before_start: int = 0
    """A container runtime's own, before the container's first program."""
    undecided: int = 0
    """Control groups whose verdict the kernel half could not store; it goes on sending their events."""


class Intake:
    """Takes the records of the ring, in order.

    `walk` finds the control groups that exist; `decide` tells the kernel half about one and raises SensorError where
    that fails.
    """

    def __init__(
        self,
        table: ContainerTable,
        pending: Pending,
        *,
        walk: Callable[[], Iterable[tuple[CgroupKey, str]]],
        decide: Callable[[CgroupKey, Verdict], None],
    ) -> None:
        self._table = table
        self._pending = pending
        self._walk = walk
        self._decide = decide
        self._walked_at = -WALK_EVERY
        self.counters = IntakeCounters()
        self.unobservable: dict[str, None] = {}
        """Ids of containers that open files through io_uring, the earliest first."""

    def survey(self) -> None:
        """Learn every control group that exists now."""
        for cgroup, path in self._walk():
            if cgroup not in self._table:
                self._judge(cgroup, self._table.learn(cgroup, path))

    def take(self, record: bytes) -> None:
        """Deal with one record of the ring."""
        try:
            event = decode(record)
        except DecodeError:
            self.counters.undecodable += 1
            return
        self.counters.events += 1
        if event.kind is EventKind.CGROUP_MADE:
            self._judge(event.cgroup, self._table.announce(event.cgroup, event.path))
            return
        container_id = self._attribute(event)
        if container_id is None:
            return
        if event.kind in GRADES:
            self._keep(container_id, event)
        elif event.kind is EventKind.IO_URING and len(self.unobservable) < MAX_UNOBSERVABLE:
            self.unobservable[container_id] = None

    def _attribute(self, event: Event) -> str | None:
        """The event's container. A group that was never announced is looked for, but not for each event anew."""
        if event.cgroup not in self._table and event.at - self._walked_at >= WALK_EVERY:
            self._walked_at = event.at
            self.survey()
        if event.cgroup not in self._table:
            self.counters.unattributed += 1
            return None
        container_id = self._table.find(event.cgroup)
        if container_id is None:
            self.counters.outside += 1
        return container_id

    def _keep(self, container_id: str, event: Event) -> None:
        # A container's first program comes from a file; before it, runc executes a copy of itself from memory.
        if event.kind is EventKind.EXECUTED and not event.flags & EventFlags.MEMFD:
            self._table.started(container_id)
        if self._table.is_starting(container_id):
            self.counters.before_start += 1
        else:
            self._pending.add(container_id, event)

    def _judge(self, cgroup: CgroupKey, container_id: str | None) -> None:
        try:
            self._decide(cgroup, Verdict.WATCH if container_id else Verdict.IGNORE)
        except SensorError:
            self.counters.undecided += 1
