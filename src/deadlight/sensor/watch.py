"""Keeps the sensor going: reads the ring, hands over what was found, repairs what got lost."""

import logging
import math
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from deadlight.model.wire import SensorPolicy
from deadlight.sensor.archives import UNSEEN
from deadlight.sensor.blocking import Blocker
from deadlight.sensor.cgroupfs import Hierarchy, iter_groups
from deadlight.sensor.containers import ContainerTable, container_of
from deadlight.sensor.coverage import Coverage
from deadlight.sensor.denial import Denier
from deadlight.sensor.descriptors import Looker
from deadlight.sensor.hashing import Hasher
from deadlight.sensor.health import Health, assess, blind_spots
from deadlight.sensor.intake import IO_URING, Intake, Node
from deadlight.sensor.kernel import Kernel
from deadlight.sensor.memory import release_code
from deadlight.sensor.observe import Known, Pending
from deadlight.sensor.processes import FileId, Process
from deadlight.sensor.programs import Plan, list_unseen
from deadlight.sensor.sink import Sink
from deadlight.sensor.startup import Survey
from deadlight.threats.engine import load_builtin
from deadlight.threats.tuning import compose

READ_SECONDS = 0.1
"""The longest wait for the ring."""

BATCH = 1_000
"""Observations in a batch; that many are not kept waiting for more."""

NOTE_SECONDS = 1.0
"""Between two looks at the counters, at the policy and at what ended."""

SWEEP_SECONDS = 60.0
"""Between two looks for processes and containers whose beginning or end got lost."""

REPAIR_SECONDS = 60.0
"""Between two repairs: where more files are in use than find room, they must not follow each other for ever."""

FAREWELL_SECONDS = 5.0
"""How long a sensor that was told to stop tries to deliver what it still has."""

_TOLD = ("seen", "sent", "deduplicated", "lost", "filtered")
"""What is told of each kind of thing that the kernel half looks at; the rest of those seen is not a container's."""

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
        prefixes = surroundings.cgroup_prefixes
        self._kernel = kernel
        self._plan = plan
        self._pending = pending
        self._hasher = Hasher()
        self._looker = Looker()
        self._table = ContainerTable(prefixes)
        node = Node(
            walk=lambda: iter_groups(surroundings.hierarchies),
            decide=kernel.decide,
            repeat=kernel.watch_file,
            hash=self._hash,
        )
        self._intake = Intake(self._table, pending, node, coverage=Coverage(list_unseen(plan)))
        self._survey = Survey(
            lambda path: container.id if (container := container_of(path, prefixes)) else None,
            host_mount_namespace=surroundings.host_mount_namespace,
        )
        self._blocker = Blocker(
            lambda cgroup, mode, drift, mismatch: kernel.block(cgroup, mode, drift=drift, mismatch=mismatch)
        )
        self._denier = Denier(lambda file: kernel.deny_file(*file), kernel.allow_files)
        self._builtin = load_builtin()
        self._policy: SensorPolicy | None = None
        self._policy_problems: list[str] = []
        self._repaired_overflow = 0
        self._repair_at = 0.0
        self._handed_over_at = 0.0
        self._noted_at = -NOTE_SECONDS
        self._sweep_at = 0.0
        self._missed = 0
        self._others: frozenset[int] = frozenset()

    def health(self) -> Health:
        """How everything up to what is handed over is."""
        intake = self._intake
        counters = {
            **asdict(intake.counters),
            **self._hasher.counters,
            "overflow": self._pending.overflow,
            "unreadable_processes": self._survey.unreadable,
            "processes": len(intake.processes),
            "processes_evicted": intake.processes.evicted,
            "containers_forgotten": intake.coverage.forgotten,
            "matches": intake.detector.matched,
            "untold_detections": intake.detector.untold,
            "unblocked": self._blocker.refused + self._denier.refused,
        }
        rows = self._kernel.hook_counters()
        counters |= {
            f"{subject.name.lower()}_{name}": value
            for subject, row in rows.items()
            for name, value in row.items()
            if value and name in _TOLD
        }
        sums = {name: sum(row[name] for row in rows.values()) for row in rows.values() for name in row}
        sums["missed"] = self._missed
        blind = blind_spots(intake.coverage.list_blind(IO_URING))
        return assess(self._plan, sums, counters, problems=[*self._policy_problems, *blind])

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """Watch until `stop` is set, then hand over what is left.

        What already runs is looked at first; what happens meanwhile waits in the ring.

        Raises:
            SensorError: the sink is gone for good, or the kernel half fails.
        """
        self._hasher.start()
        self._looker.start()
        self._intake.survey(time.monotonic_ns())
        self._follow(sink.policy)
        self._look_around()
        release_code()
        with self._kernel.open_ring(self._intake.take) as ring:
            logger.info("watching: %s", self._plan.tier)
            while not stop.is_set():
                ring.read(READ_SECONDS)
                self._look_into_archives()
                self._hand_over(sink)
                self._attend(sink)
            if not ring.read_rest():
                logger.warning("stopped while the kernel was writing an event: what came after it is not told")
        self._farewell(sink)
        self._hasher.close()
        self._looker.close()

    # --- what was found ---

    def _hand_over(self, sink: Sink) -> None:
        """Detections at once, and observations when the sink takes them: full batches, or what waited enough."""
        detections = self._intake.detector.take(time.monotonic_ns(), epoch_offset=_epoch_offset())
        if detections:
            sink.detect(detections)
        now = time.monotonic()
        is_due = bool(self._pending) and now >= self._handed_over_at + sink.patience
        while (is_due or len(self._pending) >= BATCH) and sink.is_ready():
            self._handed_over_at, is_due = now, False
            if not self._send(sink):
                break  # all that is left waits for the hash of its file

    def _send(self, sink: Sink, *, final: bool = False) -> bool:
        """Hand over a batch; says whether there was anything to hand over."""
        known = Known(self._hasher.find, self._intake.processes.tell, self._denier.learn)
        at = math.inf if final else time.monotonic_ns()
        observations = self._pending.take(BATCH, at=at, epoch_offset=_epoch_offset(), known=known)
        if observations:
            sink.send(observations)
        return bool(observations)

    def _farewell(self, sink: Sink) -> None:
        detections = self._intake.detector.take(time.monotonic_ns(), epoch_offset=_epoch_offset(), final=True)
        if detections:
            sink.detect(detections)
        deadline = time.monotonic() + FAREWELL_SECONDS
        while sink.wait_until_ready(max(0.0, deadline - time.monotonic())):
            if not self._pending:
                return
            self._send(sink, final=True)
        logger.warning("stopped before a batch was delivered; %d more observations waited", len(self._pending))

    def _look_into_archives(self) -> None:
        """Take in what was read of archives, and have those looked at that are due."""
        intake, archives = self._intake, self._intake.archives
        for answer in self._looker.take():
            for event, process in archives.learn(answer):
                intake.found(event, process)
        for container_id in archives.take_unseen():
            intake.coverage.blind(container_id, UNSEEN)
        for question in archives.ask(time.monotonic_ns(), intake.processes.list_running):
            self._looker.ask(question)

    def _hash(self, file: FileId, process: Process) -> None:
        self._hasher.ask(file, process.facts.path, lambda: self._intake.processes.list_near(process))

    # --- what has to be done now and then ---

    def _attend(self, sink: Sink) -> None:
        now = time.monotonic()
        if now < self._noted_at + NOTE_SECONDS:
            return
        self._noted_at = now
        self._follow(sink.policy)
        if now >= self._sweep_at or self._intake.processes.has_stopped(time.monotonic_ns()):
            self._sweep(now)
        health = self.health()
        self._intake.coverage.note_lost(_lost(health))
        sink.note(health, self._intake.coverage.tell(epoch_offset=_epoch_offset()))
        self._look_again(frozenset(sink.take_resends()))
        self._repair(now)

    def _follow(self, policy: SensorPolicy) -> None:
        """Have the rules of the policy in force."""
        if policy is self._policy:
            return
        self._policy = policy
        custom = {rule.id: rule.source for rule in policy.rules}
        found = compose(self._builtin, custom=custom, disabled=policy.disabled_rules, severities=policy.severities)
        self._policy_problems = [f"rule {name} cannot be used: {why}" for name, why in found.problems.items()]
        self._intake.detector.use(found.rules)
        self._blocker.follow(policy.blocking, self._table.iter_containers())
        self._denier.follow(policy.blocking.denied)

    def _sweep(self, now: float) -> None:
        """Find processes whose end or beginning nobody told, and tell which programs have stopped."""
        at, processes = time.monotonic_ns(), self._intake.processes
        existing = self._survey.list_existing()
        processes.sweep(existing, at)
        self._others &= existing
        new = [pid for pid in existing if pid not in processes and pid not in self._others]
        for event, process in self._survey.iter_processes(new, at):
            self._intake.found(event, process)
        self._others |= {pid for pid in new if pid not in processes}
        for process, stopped_at in processes.take_stopped(at):
            self._pending.stopped(process, stopped_at)
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self._missed = self._kernel.count_missed()
            self._intake.survey(at)
            if self._policy:
                self._blocker.follow(self._policy.blocking, self._table.iter_containers())

    def _look_around(self, only: Collection[str] | None = None) -> None:
        """Tell what runs in all containers, or in some."""
        for event, process in self._survey.iter_found(time.monotonic_ns(), only):
            self._intake.found(event, process)

    def _look_again(self, containers: Collection[str]) -> None:
        """Have everything of some containers reported anew."""
        if not containers:
            return
        for cgroup, container_id in self._table.iter_containers():
            if container_id in containers:
                self._kernel.report_again(cgroup)
        self._look_around(containers)

    def _repair(self, now: float) -> None:
        """The kernel half reports a file once: what found no room is asked for again when there is room."""
        if self._pending.overflow > self._repaired_overflow and not self._pending and now >= self._repair_at:
            self._repaired_overflow = self._pending.overflow
            self._repair_at = now + REPAIR_SECONDS
            self._kernel.forget()
            self._look_around()


def _lost(health: Health) -> int:
    """Events that may have been any container's."""
    names = ("kernel_lost", "kernel_missed", "undecodable", "unattributed")
    return sum(health.counters.get(name, 0) for name in names)


def _epoch_offset() -> int:
    """What to add to CLOCK_MONOTONIC for nanoseconds since the Unix epoch; it moves when the clock is set."""
    return time.time_ns() - time.monotonic_ns()
