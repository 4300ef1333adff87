"""Gets observations and heartbeats to the service, in a thread of its own: reading the ring never waits for a network.

One batch is under way at a time and is sent until the service has it, under the same `batch_id`, so that a batch whose
acknowledgement got lost changes nothing the second time. What is found meanwhile collects in `observe.Pending`, which
is bounded and counts what it has no room for. A heartbeat is only worth sending fresh: it has one attempt.
"""

import logging
import math
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from deadlight import __version__
from deadlight.client.backoff import PATIENT, Backoff
from deadlight.model.wire import (
    Heartbeat,
    InvalidMessageError,
    Message,
    Observation,
    ObservationAck,
    ObservationBatch,
    decode,
    encode,
)
from deadlight.sensor.credentials import Tokens
from deadlight.sensor.errors import SensorError
from deadlight.sensor.health import Health, with_delivery
from deadlight.sensor.transport import RefusedError, Service, TokenRefusedError, UnavailableError

HEARTBEAT_SECONDS = 30.0
OBSERVATIONS = "/agent/v1/observations"
HEARTBEAT = "/agent/v1/heartbeat"

logger = logging.getLogger(__name__)


class ReporterDiedError(SensorError):
    """Nothing reaches the service any more: better to end and be started again."""


@dataclass(slots=True)
class ReportCounters:
    """What became of the messages since the sensor started."""

    sent: int = 0
    """Observations that the service has committed."""
    refused: int = 0
    """Observations that the service will never accept."""
    retries: int = 0
    """Attempts to deliver observations that failed."""


class Reporter(threading.Thread):
    """A `sink.Sink` that delivers to the service. Start it before use."""

    patience = 1.0

    def __init__(
        self,
        service: Service,
        tokens: Tokens,
        *,
        node: str,
        every: float = HEARTBEAT_SECONDS,
        backoff: Backoff = PATIENT,
    ) -> None:
        """Heartbeats go every `every` seconds, the first when it is known how the sensor is."""
        super().__init__(name="report", daemon=True)
        self._service = service
        self._tokens = tokens
        self._node = node
        self._health: Health | None = None
        self._every = every
        self._backoff = backoff
        self._changed = threading.Condition()
        self._batch: ObservationBatch | None = None
        self._stopping = False
        self._failures = 0
        self._batch_due_at = 0.0
        self._heartbeat_due_at = 0.0
        self._started_at = datetime.now(UTC)
        self._complaints: dict[str, str] = {}
        self.counters = ReportCounters()

    @property
    def problem(self) -> str:
        """Why the batch under way was not delivered at the last attempt; empty when there is no such trouble."""
        return self._complaints.get(OBSERVATIONS, "")

    def note(self, health: Health) -> None:
        """What the next heartbeat says."""
        with self._changed:
            self._health = health
            self._changed.notify_all()

    def is_ready(self) -> bool:
        """Whether no batch is under way.

        Raises:
            ReporterDiedError: the thread has ended, by an error that it printed.
        """
        if not self.is_alive():
            raise ReporterDiedError("the thread that reports to the service has ended")
        return self._batch is None

    def send(self, observations: Sequence[Observation]) -> None:
        """Deliver a batch, for as long as it takes."""
        batch = ObservationBatch(
            batch_id=uuid.uuid4().hex,
            node=self._node,
            observations=tuple(observations),
            counters=dict(self._health.counters) if self._health else {},
        )
        with self._changed:
            self._batch, self._batch_due_at = batch, 0.0
            self._changed.notify_all()

    def wait_until_ready(self, timeout: float) -> bool:
        """Whether the batch under way was settled within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._batch is None, timeout)

    def close(self) -> None:
        """End after the attempt under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Deliver until stopped."""
        while self._wait():
            now = time.monotonic()
            health = self._health
            if health is not None and now >= self._heartbeat_due_at:
                self._heartbeat_due_at = now + self._every
                self._beat(health)
            batch = self._batch
            if batch is not None and now >= self._batch_due_at:
                self._deliver(batch)
        self._service.close()

    def _wait(self) -> bool:
        """Sleep until something is due; False when it is time to end."""
        with self._changed:
            while not self._stopping:
                remaining = self._due_at() - time.monotonic()
                if remaining <= 0:
                    return True
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            return False

    def _due_at(self) -> float:
        heartbeat_at = math.inf if self._health is None else self._heartbeat_due_at
        batch_at = math.inf if self._batch is None else self._batch_due_at
        return min(heartbeat_at, batch_at)

    def _beat(self, health: Health) -> None:
        health = with_delivery(health, asdict(self.counters), self.problem)
        message = Heartbeat(
            version=__version__,
            node=self._node,
            started_at=self._started_at,
            counters=dict(health.counters),
            problems=health.problems,
        )
        try:
            self._post(HEARTBEAT, message)
        except SensorError as error:
            self._complain(HEARTBEAT, error)
        else:
            self._complaints.pop(HEARTBEAT, None)

    def _deliver(self, batch: ObservationBatch) -> None:
        try:
            _check_acknowledged(self._post(OBSERVATIONS, batch), batch)
        except RefusedError as error:
            self._complain(OBSERVATIONS, error)
            self.counters.refused += len(batch.observations)
        except SensorError as error:
            self._complain(OBSERVATIONS, error)
            self._postpone(error.wait if isinstance(error, UnavailableError) else 0.0)
            return
        else:
            self._complaints.pop(OBSERVATIONS, None)
            self.counters.sent += len(batch.observations)
        self._settle()

    def _post(self, path: str, message: Message) -> bytes:
        try:
            return self._service.post(path, encode(message), self._tokens.get())
        except TokenRefusedError:
            self._tokens.discard()
            raise

    def _postpone(self, wait: float) -> None:
        self.counters.retries += 1
        self._batch_due_at = time.monotonic() + self._backoff.delay(self._failures, at_least=wait)
        self._failures += 1

    def _settle(self) -> None:
        self._failures = 0
        with self._changed:
            self._batch = None
            self._changed.notify_all()

    def _complain(self, path: str, error: SensorError) -> None:
        """Log a problem when it is a new one; that of a batch also becomes part of the next heartbeat."""
        if str(error) != self._complaints.get(path):
            logger.warning("not delivered to %s: %s", path, error)
        self._complaints[path] = str(error)


def _check_acknowledged(answer: bytes, batch: ObservationBatch) -> None:
    """A 200 of something between here and the service is no acknowledgement."""
    try:
        acknowledged = decode(answer, ObservationAck).batch_id
    except InvalidMessageError as error:
        raise UnavailableError(f"not an answer of the service: {error}") from error
    if acknowledged != batch.batch_id:
        raise UnavailableError(f"the service acknowledged {acknowledged!r} instead of {batch.batch_id!r}")
