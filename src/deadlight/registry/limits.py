"""How much, how fast and how patiently registries are asked; and the clock, so that tests need not wait."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""The size every registry must accept (OCI distribution specification, "Pushing Manifests"); few accept more."""

MAX_CONFIG_BYTES = 8 * 1024 * 1024
"""An image's configuration; its history and labels rarely reach 100 KB."""

MAX_SMALL_BODY_BYTES = 256 * 1024
"""Errors, tokens and the version check."""

MAX_INDEX_MANIFESTS = 1_000
"""Entries of an image index, nested ones included."""

MAX_MANIFESTS_READ = 64
"""How many manifests of one index are read for their configuration's digest; every platform Docker builds is 12."""

MAX_REDIRECTS = 5

UNSAID_QUIET_SECONDS = 60.0
"""How long a registry is left alone that limits us (429) without saying how long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one endpoint is asked at most, and how long it is waited for. Times are in seconds."""

    request_seconds: float = 10.0
    """One request with its redirects, until its body is read."""
    deadline_seconds: float = 30.0
    """One question: no retry begins later than this after it was asked."""
    attempts: int = 4
    """Requests for one question, or for one blob."""
    longest_wait_seconds: float = 5.0
    """The longest `Retry-After` that is waited for; a longer one is reported."""
    blob_seconds: float = 1800.0
    """Time spent waiting for the bytes of one blob; time its reader takes does not count."""
    concurrency: int = 32
    """Questions under way at once. Blobs do not count: whoever reads them decides how many."""
    requests_per_second: float = 200.0
    """Over time; up to one second's worth may come at once."""
    tokens: int = 1_024
    """Repositories whose tokens are remembered; the oldest is forgotten first."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """The passing of time and chance."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """Uniform in [0, 1), for jitter."""
    now: Callable[[], datetime] = _utc_now
    """The time of day, for what is signed with it."""
