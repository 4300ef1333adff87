"""A thread that does something whenever it is due, until it is told to end."""

import threading
import time
from typing import Protocol


class Work(Protocol):
    """What a runner does, in its thread."""

    def due_at(self) -> float:
        """When there is something to do, on the monotonic clock; infinity while there is nothing."""

    def act(self) -> None:
        """Do what is due."""

    def end(self) -> None:
        """Do what is still to be done, and let go of everything."""


class Runner(threading.Thread):
    """Does its work until it is stopped. Does not keep the process from ending."""

    def __init__(self, name: str, work: Work) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._changed = threading.Condition()
        self._stopping = False

    def wake(self) -> None:
        """When there is something to do may have changed."""
        with self._changed:
            self._changed.notify_all()

    def stop(self) -> None:
        """End after what is under way."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Work until stopped."""
        while self._wait():
            self._work.act()
        self._work.end()

    def _wait(self) -> bool:
        """Sleep until something is due; False when it is time to end."""
        with self._changed:
            while not self._stopping:
                remaining = self._work.due_at() - time.monotonic()
                if remaining <= 0:
                    return True
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            return False
