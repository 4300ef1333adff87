"""Where what the sensor found goes: what it needs of such a place, and the one that prints."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec

from deadlight.model.wire import ContainerCoverage, Detection, Observation, SensorPolicy
from deadlight.sensor.health import Health


class Sink(Protocol):
    """Takes what the watch finds. All methods are called from the watch's one thread and never wait for a network.

    Whatever it was given is its own business from then on: it bounds, counts and repeats. Each method but `close`
    raises SensorError when it will never deliver anything again.
    """

    patience: float
    """Seconds between two batches of observations that are not full."""

    @property
    def policy(self) -> SensorPolicy:
        """What to look for and to stop: the same object until another one is in force."""

    def note(self, health: Health, coverage: Sequence[ContainerCoverage] = ()) -> None:
        """Learn how the sensor is and how completely each container is watched; `digest` is the sink's to fill in."""

    def is_ready(self) -> bool:
        """Whether it has room for a batch of observations."""

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for room; says whether there is."""

    def send(self, observations: Sequence[Observation]) -> None:
        """Take a batch of observations. Only for a sink that is ready."""

    def detect(self, detections: Sequence[Detection]) -> None:
        """Take detections at once: at any time, ready or not."""

    def take_resends(self) -> Sequence[str]:
        """Containers to look at again, each named once: have the kernel half report all of them anew and survey them.

        The service asked for everything of them, or something of them had found no room.
        """

    def close(self) -> None:
        """Take nothing more."""


class Printer:
    """Writes each observation and each detection as a line of JSON. A detection is the one that has a `rule`."""

    patience = 0.0
    policy = SensorPolicy(version="")

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def note(self, health: Health, coverage: Sequence[ContainerCoverage] = ()) -> None:
        """Nothing to do: losses are in the log."""

    def is_ready(self) -> bool:
        """Always."""
        return True

    def wait_until_ready(self, timeout: float) -> bool:  # noqa: ARG002 - the interface's
        """Always."""
        return True

    def send(self, observations: Sequence[Observation]) -> None:
        """Write and flush a batch."""
        self._write(observations)

    def detect(self, detections: Sequence[Detection]) -> None:
        """Write and flush detections."""
        self._write(detections)

    def take_resends(self) -> Sequence[str]:
        """Nothing: whoever reads a stream has had it all."""
        return ()

    def close(self) -> None:
        """Nothing to do: the output belongs to the caller."""

    def _write(self, found: Sequence[Observation | Detection]) -> None:
        self._out.write(b"".join(msgspec.json.encode(one) + b"\n" for one in found))
        self._out.flush()
