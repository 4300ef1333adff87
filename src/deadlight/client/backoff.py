"""How long to wait before asking again."""

from dataclasses import dataclass
from random import SystemRandom

LONGEST_RETRY_AFTER = 300.0
"""Seconds. A server that asks for more patience than this is asked again all the same."""

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with full jitter, so that a thousand agents do not return in step.

    The n-th delay is uniform between 0 and `min(cap, base * 2**n)` seconds ("full jitter" in Amazon's
    "Exponential Backoff And Jitter", 2015).
    """

    base: float = 0.5
    cap: float = 30.0

    def delay(self, attempt: int, *, at_least: float = 0.0) -> float:
        """Seconds to wait after failure number `attempt` (from 0), never less than `at_least`."""
        ceiling = min(self.cap, self.base * 2.0 ** min(attempt, 32))
        return at_least + _RANDOM.uniform(0, ceiling)


PATIENT = Backoff()
"""What agents use against servers they share with everybody else."""


def parse_retry_after(value: str | None) -> float:
    """The seconds of a `Retry-After` header, at most `LONGEST_RETRY_AFTER`; 0 where it is absent or a date."""
    if value is None or not value.isascii() or not value.isdigit():
        return 0.0
    return min(float(value[:9]), LONGEST_RETRY_AFTER)
