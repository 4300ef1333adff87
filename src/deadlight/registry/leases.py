"""What is lent for a while: kept until most of its time is over, then asked for anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from deadlight.registry.errors import UnavailableError
from deadlight.registry.limits import Timing

_USED_PART_OF_LIFE = 0.75
_RETRY_SECONDS = 30.0
"""How long the old one is made do with when a new one cannot be had."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lease(Generic[T]):
    """A value and how long it is good for."""

    value: T = field(repr=False)
    seconds: float


@dataclass(slots=True)
class _Held(Generic[T]):
    value: T = field(repr=False)
    renew_at: float
    ends_at: float


class Leased(Generic[T]):
    """One value that `lend` gives again and again; whoever asks at the same time shares one request."""

    def __init__(self, lend: Callable[[], Awaitable[Lease[T]]], timing: Timing) -> None:
        """Prepare; nothing is asked yet."""
        self._lend = lend
        self._timing = timing
        self._held: _Held[T] | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> T:
        """The value that is good now; raises UnavailableError where there is none and none is to be had."""
        async with self._lock:
            now, held = self._timing.clock(), self._held
            if held is not None and now < held.renew_at:
                return held.value
            try:
                lease = await self._lend()
            except UnavailableError:
                if held is None or now >= held.ends_at:
                    raise
                held.renew_at = min(now + _RETRY_SECONDS, held.ends_at)
                return held.value
            self._held = _Held(lease.value, now + lease.seconds * _USED_PART_OF_LIFE, now + lease.seconds)
            return lease.value
