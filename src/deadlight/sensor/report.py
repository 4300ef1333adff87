"""Gets what was found to the service: the watch waits for a disk at most, never for a network.

Everything is first kept (`safekeeping`) and then delivered (`courier`) by two threads with a connection each. One
delivers detections, at once and whatever the other waits for; the other sends heartbeats (`heart`) and, as fast as the
service takes them, observations. As both go through one thread, the digests in a heartbeat are of what the service has.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deadlight.client.backoff import LONGEST_RETRY_AFTER, PATIENT, Backoff
from deadlight.model.wire import ContainerCoverage, Detection, Observation, SensorPolicy
from deadlight.sensor.courier import MOST, Courier, Detections, Observations
from deadlight.sensor.errors import SensorError
from deadlight.sensor.health import Health
from deadlight.sensor.heart import Heart
from deadlight.sensor.policy import Policies
from deadlight.sensor.runner import Runner
from deadlight.sensor.safekeeping import Safekeeping
from deadlight.sensor.transport import Service

HEARTBEAT_SECONDS = 30.0

TEND_SECONDS = 10.0
"""Between two looks at what is kept: whether something can be forgotten, asked for again or synced."""

FAREWELL_SECONDS = 5.0
"""How long a sensor that ends goes on delivering what waits."""

CLOSE_SECONDS = 10.0
"""How long the end of the threads is waited for; a request that hangs takes longer, and what it carries is kept."""


class ReporterDiedError(SensorError):
    """Nothing reaches the service any more: better to end and be started again."""


class Reporter:
    """A `sink.Sink` that delivers to the service. Start it before use."""

    patience = 1.0

    def __init__(
        self,
        connect: Callable[[], Service],
        *,
        node: str,
        state: Path | None = None,
        every: float = HEARTBEAT_SECONDS,
        backoff: Backoff = PATIENT,
    ) -> None:
        """Heartbeats go every `every` seconds, the first when it is known how the sensor is.

        What the service does not know yet, and the policy, are kept in the directory `state`; without one, in memory.
        """
        self._kept = Safekeeping(state)
        self._policies = Policies(state)
        self._noted = _Noted()
        service = connect()
        heart = Heart(service, self._policies, node=node, state=state)
        observations = Courier(service, Observations(self._kept, node, self._noted.counters), self._kept, backoff)
        detections = Courier(connect(), Detections(self._kept, node), self._kept, backoff)
        self._report = _Report(self._kept, heart, self._noted, (detections, observations), every=every)
        self._alarming = Runner("alarm", _Alarm(self._kept, detections))
        self._reporting = Runner("report", self._report)

    @property
    def policy(self) -> SensorPolicy:
        """The policy that the service sent last, be it to the sensor that ran here before."""
        return self._policies.current

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps things from being delivered or kept."""
        return self._report.problems()

    @property
    def counters(self) -> Mapping[str, int]:
        """What became of everything since the reporter was made."""
        return self._report.counters()

    def start(self) -> None:
        """Begin to deliver, first what is left of the last time."""
        self._alarming.start()
        self._reporting.start()

    def note(self, health: Health, coverage: Sequence[ContainerCoverage] = ()) -> None:
        """What the next heartbeat says."""
        self._check()
        self._noted.health, self._noted.coverage = health, tuple(coverage)
        self._reporting.wake()

    def is_ready(self) -> bool:
        """Whether there is room for a batch of observations.

        Raises:
            ReporterDiedError: a thread has ended, by an error that it printed.
        """
        self._check()
        return self._kept.has_room(MOST)

    def wait_until_ready(self, timeout: float) -> bool:
        """Whether there was room within `timeout` seconds."""
        return self._report.wait_until(lambda: self._kept.has_room(MOST), timeout)

    def wait_until_delivered(self, timeout: float) -> bool:
        """Whether the service had every observation within `timeout` seconds."""
        return self._report.wait_until(lambda: not self._kept.observations_wait(), timeout)

    def send(self, observations: Sequence[Observation]) -> None:
        """Keep a batch and deliver it, for as long as it takes."""
        self._check()
        self._kept.record(observations)
        self._reporting.wake()

    def detect(self, detections: Sequence[Detection]) -> None:
        """Keep detections and deliver them before anything else."""
        self._check()
        self._kept.spool(detections)
        self._alarming.wake()

    def take_resends(self) -> Sequence[str]:
        """Containers to look at again, each handed out once."""
        self._check()
        return self._kept.take_again()

    def close(self) -> None:
        """Deliver what waits, if the service takes it now, and end."""
        for runner in (self._alarming, self._reporting):
            runner.stop()
        for runner in (self._alarming, self._reporting):
            runner.join(CLOSE_SECONDS)
        if not (self._alarming.is_alive() or self._reporting.is_alive()):
            self._kept.close()

    def _check(self) -> None:
        for runner in (self._alarming, self._reporting):
            if not runner.is_alive():
                raise ReporterDiedError(f"the thread {runner.name!r}, which delivers to the service, has ended")


@dataclass(slots=True)
class _Noted:
    """What the watch said last."""

    health: Health | None = None
    coverage: tuple[ContainerCoverage, ...] = ()

    def counters(self) -> Mapping[str, int]:
        return self.health.counters if self.health else {}


class _Alarm:
    """The work of delivering detections."""

    def __init__(self, kept: Safekeeping, courier: Courier) -> None:
        self._kept = kept
        self._courier = courier

    def due_at(self) -> float:
        return self._courier.due_at()

    def act(self) -> None:
        if not self._courier.attempt():
            self._kept.sync()  # it will take longer, and should outlive a loss of power

    def end(self) -> None:
        self._courier.finish(FAREWELL_SECONDS)


class _Report:
    """The work of delivering heartbeats and observations, and of tending what is kept."""

    def __init__(
        self, kept: Safekeeping, heart: Heart, noted: _Noted, couriers: tuple[Courier, Courier], *, every: float
    ) -> None:
        self._kept = kept
        self._heart = heart
        self._noted = noted
        self._detections, self._observations = couriers
        self._every = every
        self._beat_at = 0.0
        self._tend_at = 0.0
        self._progress = threading.Condition()

    def counters(self) -> dict[str, int]:
        report = {f"report_{name}": value for name, value in asdict(self._observations.counters).items()}
        detections = {f"detections_{name}": value for name, value in asdict(self._detections.counters).items()}
        return {**report, **detections, **self._kept.counters()}

    def problems(self) -> tuple[str, ...]:
        couriers = (self._detections.problem, self._observations.problem)
        return tuple(problem for problem in (*couriers, *self._kept.problems, *self._heart.problems) if problem)

    def due_at(self) -> float:
        beat_at = self._beat_at if self._noted.health else math.inf
        return min(beat_at, self._tend_at, self._observations.due_at())

    def act(self) -> None:
        if self._noted.health and time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + self._every
            self._beat(self._noted.health)
        if time.monotonic() >= self._tend_at:
            self._tend_at = time.monotonic() + TEND_SECONDS
            self._kept.tend([item.container_id for item in self._noted.coverage])
        if time.monotonic() >= self._observations.due_at():
            self._observations.attempt()
            with self._progress:
                self._progress.notify_all()

    def end(self) -> None:
        self._observations.finish(FAREWELL_SECONDS)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        with self._progress:
            return self._progress.wait_for(condition, timeout)

    def _beat(self, health: Health) -> None:
        coverage = self._kept.complete(self._noted.coverage)
        answer = self._heart.beat(health, coverage, self.counters(), self.problems())
        self._observations.hold(min(answer.wait_seconds, LONGEST_RETRY_AFTER))
        self._kept.tell_again(answer.resend)
