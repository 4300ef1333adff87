"""Keeps the sensor going: reads the ring, hands observations over, repairs what got lost."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deadlight.sensor.cgroupfs import Hierarchy, iter_groups
from deadlight.sensor.containers import ContainerTable, container_of
from deadlight.sensor.health import Health, assess
from deadlight.sensor.intake import Intake
from deadlight.sensor.kernel import Kernel
from deadlight.sensor.observe import Pending
from deadlight.sensor.programs import Plan
from deadlight.sensor.sink import Sink
from deadlight.sensor.startup import survey

READ_SECONDS = 0.1
"""The longest wait for the ring."""

BATCH = 1_000
"""Observations in a batch; that many are not kept waiting for more."""

NOTE_SECONDS = 1.0
"""Between two looks at the counters."""

REPAIR_SECONDS = 60.0
"""Between two repairs: where more files are in use than find room, they must not follow each other for ever."""

FAREWELL_SECONDS = 5.0
"""How long a sensor that was told to stop tries to deliver what it still has."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the machine is like, found out once when the sensor starts."""

    host_mount_namespace: int
    hierarchies: Sequence[Hierarchy]
    cgroup_prefixes: Sequence[str]


class Watch:
    """One run of the sensor over an attached kernel half."""

    def __init__(self, kernel: Kernel, plan: Plan, surroundings: Surroundings, pending: Pending) -> None:
        self._kernel = kernel
        self._plan = plan
        self._surroundings = surroundings
        self._pending = pending
        self._intake = Intake(
            ContainerTable(surroundings.cgroup_prefixes),
            self._pending,
            walk=lambda: iter_groups(surroundings.hierarchies),
            decide=kernel.decide,
        )
        self._unreadable_processes = 0
        self._repaired_overflow = 0
        self._repair_at = 0.0
        self._handed_over_at = 0.0
        self._noted_at = -NOTE_SECONDS

    def health(self) -> Health:
        """How everything up to the observations is."""
        return assess(
            self._plan,
            self._kernel.counters(),
            self._intake.counters,
            overflow=self._pending.overflow,
            unreadable_processes=self._unreadable_processes,
            unobservable=tuple(self._intake.unobservable),
        )

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """Watch until `stop` is set, then hand over what is left.

        What already runs is looked at first; what happens meanwhile waits in the ring.

        Raises:
            SensorError: the sink is gone for good, or the kernel half fails.
        """
        self._intake.survey()
        self._survey_processes()
        with self._kernel.open_ring(self._intake.take) as ring:
            logger.info("watching: %s", self._plan.tier)
            while not stop.is_set():
                ring.read(READ_SECONDS)
                self._hand_over(sink)
                self._repair()
            ring.read(0)
        self._farewell(sink)

    def _survey_processes(self) -> None:
        prefixes = self._surroundings.cgroup_prefixes
        result = survey(
            lambda path: container.id if (container := container_of(path, prefixes)) else None,
            host_mount_namespace=self._surroundings.host_mount_namespace,
            at=time.monotonic_ns(),
        )
        self._unreadable_processes = result.unreadable
        for container_id, event in result.found:
            self._pending.add(container_id, event)

    def _hand_over(self, sink: Sink) -> None:
        """One batch, when the sink takes it and it is full or has waited for long enough."""
        now = time.monotonic()
        if now >= self._noted_at + NOTE_SECONDS:
            self._noted_at = now
            sink.note(self.health())
        is_due = len(self._pending) >= BATCH or now >= self._handed_over_at + sink.patience
        if sink.is_ready() and is_due and self._pending:
            self._handed_over_at = now
            sink.send(self._pending.take(BATCH, epoch_offset=_epoch_offset()))

    def _repair(self) -> None:
        """The kernel half reports a file once: what found no room is asked for again when there is room."""
        now = time.monotonic()
        if self._pending.overflow > self._repaired_overflow and not self._pending and now >= self._repair_at:
            self._repaired_overflow = self._pending.overflow
            self._repair_at = now + REPAIR_SECONDS
            self._kernel.forget()
            self._survey_processes()

    def _farewell(self, sink: Sink) -> None:
        deadline = time.monotonic() + FAREWELL_SECONDS
        while sink.wait_until_ready(max(0.0, deadline - time.monotonic())):
            if not self._pending:
                return
            sink.send(self._pending.take(BATCH, epoch_offset=_epoch_offset()))
        logger.warning("stopped before a batch was delivered; %d more observations waited", len(self._pending))


def _epoch_offset() -> int:
    """What to add to CLOCK_MONOTONIC for nanoseconds since the Unix epoch; it moves when the clock is set."""
    return time.time_ns() - time.monotonic_ns()
