"""How fast one registry is asked: a bound on questions at once and per second, and quiet when it asks for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deadlight.registry.errors import TransientError, UnavailableError
from deadlight.registry.limits import Limits, Timing

MAX_QUIET_SECONDS = 3600.0
"""A registry that asks for longer is asked again after this all the same."""

_BURST_SECONDS = 1.0
_FIRST_BACKOFF_SECONDS = 0.25


class Pace:
    """The pace of one registry. Every request waits for its `turn`."""

    def __init__(self, limits: Limits, timing: Timing) -> None:
        self._timing = timing
        self._interval = 1.0 / limits.requests_per_second
        self._places = asyncio.Semaphore(limits.concurrency)
        self._next_at = timing.clock() - _BURST_SECONDS
        self._quiet: dict[str, tuple[float, UnavailableError]] = {}

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places for questions under way."""
        async with self._places:
            yield

    async def turn(self, method: str) -> None:
        """Wait until the rate allows one more request.

        Raises:
            UnavailableError: at once, while the registry wants quiet about `method`.
        """
        self._check_quiet(method)
        now = self._timing.clock()
        self._next_at = max(self._next_at, now - _BURST_SECONDS) + self._interval
        if self._next_at > now:
            await self._timing.sleep(self._next_at - now)
            self._check_quiet(method)

    def keep_quiet(self, method: str, seconds: float, because: UnavailableError) -> None:
        """Send no more `method` for `seconds`, at most `MAX_QUIET_SECONDS`, and give `because` as the reason.

        By method, because Docker Hub limits GET (a pull) far below HEAD: having used up the one must not blind us
        to tags that move.
        """
        self._quiet[method] = self._timing.clock() + min(seconds, MAX_QUIET_SECONDS), because

    def _check_quiet(self, method: str) -> None:
        until, because = self._quiet.get(method, (0.0, None))
        remaining = until - self._timing.clock()
        if because is not None and remaining > 0:
            raise UnavailableError(because.registry, because.reason, retry_after_seconds=remaining)


def backoff_seconds(attempt: int, error: TransientError, limits: Limits, chance: float) -> float | None:
    """How long to wait before asking again after the `attempt`-th failure (from 1), or None to give up.

    A short `Retry-After` is kept to; otherwise the wait doubles from a quarter of a second and is jittered by up to
    half, so that many waiting clients spread out. `chance` is uniform in [0, 1).
    """
    if attempt >= limits.attempts:
        return None
    if error.retry_after_seconds is not None:
        wanted = error.retry_after_seconds
        return wanted if wanted <= limits.longest_wait_seconds else None
    wait: float = _FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
    return min(wait, limits.longest_wait_seconds) * (0.5 + chance / 2)
