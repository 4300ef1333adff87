"""How many deliveries of webhooks are let in, by registry: enough for a busy day, too few to keep us from our work."""

import time
from collections import OrderedDict
from collections.abc import Callable

RATE_PER_SECOND = 20.0
BURST = 200.0
MAX_KEYS = 1_000
"""Registries that are remembered; the one that sent nothing for longest is forgotten first."""


class Turnstile:
    """A bucket of tokens for each registry, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets are full."""
        self._clock = clock
        self._buckets: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def admit(self, key: int) -> bool:
        """Whether one more may come in now."""
        now = self._clock()
        tokens, at = self._buckets.pop(key, (BURST, now))
        tokens = min(BURST, tokens + (now - at) * RATE_PER_SECOND)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - admitted, now)
        if len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        return admitted
