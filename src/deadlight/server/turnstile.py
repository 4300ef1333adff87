"""How much is let in from each of many senders: plenty at once, and too little to keep us from our work."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MAX_KEYS = 20_000
"""Senders that are remembered; the one that sent nothing for longest is forgotten first."""


class Turnstile:
    """A bucket of tokens for each sender, in this process."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets are full: each holds `burst` tokens and gets so many a second."""
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def delay(self, key: Hashable, amount: int = 1) -> float:
        """Let so much in now, and 0; or how many seconds from now there is room. More than fits needs a full bucket."""
        now = self._clock()
        tokens, at = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        missing = min(amount, self._burst) - tokens
        self._buckets[key] = (tokens - amount if missing <= 0 else tokens, now)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        return max(0.0, missing / self._per_second)
