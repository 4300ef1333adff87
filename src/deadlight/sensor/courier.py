"""Delivers what waits, one parcel after the other: each is sent under one name until the service has it.

What the service refuses is packed anew, half as much at a time, down to the one thing that it does not take. That one
is given up only where the service takes an empty parcel: else it, or something on the way to it, refuses everything,
and nothing is wrong with what is sent.
"""

import logging
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from deadlight.client.backoff import Backoff
from deadlight.model.wire import (
    DetectionBatch,
    InvalidMessageError,
    ObservationAck,
    ObservationBatch,
    decode,
    encode,
)
from deadlight.sensor.errors import SensorError
from deadlight.sensor.safekeeping import Lot, Safekeeping
from deadlight.sensor.transport import RefusedError, Service, UnavailableError

OBSERVATIONS = "/agent/v1/observations"
DETECTIONS = "/agent/v1/detections"

MOST = 1_000
"""Observations or detections in a parcel."""

MOST_BYTES = 128 * 1024
"""About how large a parcel gets before it is compressed; while it is sent it exists a few times."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent at once."""

    lot: Lot
    size: int
    message: ObservationBatch | DetectionBatch


class Lane(Protocol):
    """One kind of things to deliver."""

    name: str
    path: str

    def is_waiting(self) -> bool:
        """Whether there is something to deliver."""

    def pack(self, most: int) -> Parcel:
        """The next `most` things, under a new name."""


class Observations:
    """The lane of observations; each batch tells the sensor's `counters` too."""

    name, path = "observations", OBSERVATIONS

    def __init__(self, kept: Safekeeping, node: str, counters: Callable[[], Mapping[str, int]]) -> None:
        self._kept = kept
        self._node = node
        self._counters = counters

    def is_waiting(self) -> bool:
        """Whether there is something to deliver."""
        return self._kept.observations_wait()

    def pack(self, most: int) -> Parcel:
        """The next `most` observations."""
        lot = self._kept.first_observations(most, MOST_BYTES)
        message = ObservationBatch(
            batch_id=uuid.uuid4().hex,
            node=self._node,
            observations=tuple(row.observation for row in lot.observations),
            counters=dict(self._counters()),
        )
        return Parcel(lot, len(lot.observations), message)


class Detections:
    """The lane of detections."""

    name, path = "detections", DETECTIONS

    def __init__(self, kept: Safekeeping, node: str) -> None:
        self._kept = kept
        self._node = node

    def is_waiting(self) -> bool:
        """Whether there is something to deliver."""
        return self._kept.detections_wait()

    def pack(self, most: int) -> Parcel:
        """The next `most` detections."""
        lot = self._kept.first_detections(most, MOST_BYTES)
        message = DetectionBatch(batch_id=uuid.uuid4().hex, node=self._node, detections=lot.detections)
        return Parcel(lot, len(lot.detections), message)


@dataclass(slots=True)
class CourierCounters:
    """What became of the things since the sensor started."""

    sent: int = 0
    """The service has committed them."""
    refused: int = 0
    """The service will never accept them."""
    retries: int = 0
    """Attempts that failed."""


class Courier:
    """Delivers one lane over a connection of its own. For one thread."""

    def __init__(self, service: Service, lane: Lane, kept: Safekeeping, backoff: Backoff) -> None:
        self._service = service
        self._lane = lane
        self._kept = kept
        self._backoff = backoff
        self._parcel: Parcel | None = None
        self._most = MOST
        self._failures = 0
        self._retry_at = 0.0
        self._held_until = 0.0
        self.counters = CourierCounters()
        self.problem = ""
        """Why the last attempt failed; empty when there is no such trouble."""

    def due_at(self) -> float:
        """When to attempt something, on the monotonic clock; infinity while there is nothing to do."""
        if not (self._parcel or self._lane.is_waiting()):
            return math.inf
        return max(self._retry_at, self._held_until)

    def hold(self, seconds: float) -> None:
        """Attempt nothing for so long from now, whatever was said before."""
        self._held_until = time.monotonic() + seconds

    def attempt(self) -> bool:
        """Send one parcel; says whether that got anywhere, or there was none."""
        self._parcel = self._parcel or self._lane.pack(self._most)
        if not self._parcel.size:
            self._parcel = None
            return True
        try:
            if self._is_taken(self._parcel):
                self._settle(self._parcel, taken=True)
            elif self._parcel.size > 1:
                self._most, self._parcel = self._parcel.size // 2, None
            else:
                self._give_up(self._parcel)
        except SensorError as error:
            self._postpone(error)
            return False
        return True

    def finish(self, seconds: float) -> None:
        """Deliver what waits for as long as that goes well, `seconds` at most, and close the connection."""
        deadline = time.monotonic() + seconds
        while self.due_at() <= time.monotonic() < deadline and self.attempt():
            pass
        self._service.close()

    def _is_taken(self, parcel: Parcel) -> bool:
        """Whether the service has it now, or refuses it as it is.

        Raises:
            SensorError: it did not get through.
        """
        try:
            answer = self._service.post(self._lane.path, encode(parcel.message))
        except RefusedError as error:
            self._complain(error)
            return False
        _check_acknowledged(answer, parcel.message.batch_id)
        return True

    def _give_up(self, parcel: Parcel) -> None:
        """Do without the one thing in a parcel, if a parcel without it is taken and one with it is still not.

        Raises:
            SensorError: it is not the reason of the refusal, or that cannot be found out now.
        """
        if not self._is_taken(self._lane.pack(0)):
            raise UnavailableError("the service refuses even a batch without anything in it")
        self._settle(parcel, taken=self._is_taken(parcel))

    def _settle(self, parcel: Parcel, *, taken: bool) -> None:
        self._kept.settle(parcel.lot, taken=taken)
        self._parcel, self._failures, self.problem = None, 0, ""
        if taken:
            self.counters.sent += parcel.size
            self._most = min(MOST, self._most * 2)
        else:
            self.counters.refused += parcel.size

    def _postpone(self, error: SensorError) -> None:
        self._complain(error)
        self.counters.retries += 1
        wait = error.wait if isinstance(error, UnavailableError) else 0.0
        self._retry_at = time.monotonic() + self._backoff.delay(self._failures, at_least=wait)
        self._failures += 1

    def _complain(self, error: SensorError) -> None:
        """Log a problem when it is a new one; it also becomes part of the next heartbeat."""
        problem = f"{self._lane.name} are not delivered: {error}"
        if problem != self.problem:
            logger.warning("%s", problem)
        self.problem = problem


def _check_acknowledged(answer: bytes, batch_id: str) -> None:
    """A 200 of something between here and the service is no acknowledgement."""
    try:
        acknowledged = decode(answer, ObservationAck).batch_id
    except InvalidMessageError as error:
        raise UnavailableError(f"not an answer of the service: {error}") from error
    if acknowledged != batch_id:
        raise UnavailableError(f"the service acknowledged {acknowledged!r} instead of {batch_id!r}")
