"""Where observations go: what the sensor needs of such a place, and the one that prints."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import msgspec

from deadlight.model.wire import Observation
from deadlight.sensor.health import Health


class Sink(Protocol):
    """Takes one batch of observations at a time."""

    patience: float
    """Seconds between two batches that are not full."""

    def note(self, health: Health) -> None:
        """Learn how the sensor is."""

    def is_ready(self) -> bool:
        """Whether it takes a batch now; raises SensorError when it never will again."""

    def send(self, observations: Sequence[Observation]) -> None:
        """Take a batch. Only for a sink that is ready."""

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for it to be ready; says whether it is."""

    def close(self) -> None:
        """Take nothing more."""


class Printer:
    """Writes each observation as a line of JSON."""

    patience = 0.0

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def note(self, health: Health) -> None:
        """Nothing to do: losses are in the log."""

    def is_ready(self) -> bool:
        """Always."""
        return True

    def send(self, observations: Sequence[Observation]) -> None:
        """Write and flush a batch."""
        self._out.write(b"".join(msgspec.json.encode(observation) + b"\n" for observation in observations))
        self._out.flush()

    def wait_until_ready(self, timeout: float) -> bool:  # noqa: ARG002 - the interface's
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to do: the output belongs to the caller."""
