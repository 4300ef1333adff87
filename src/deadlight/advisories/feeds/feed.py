"""What a feed is: how its source is visited, and what a visit brings."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import aiohttp
from yarl import URL

from deadlight.advisories.errors import AdvisoryError

Checkpoint = Mapping[str, str]
"""How far a feed has come, in words of its own; empty before the first visit."""


class FeedName(StrEnum):
    """The feeds there are."""

    OSV = "osv"
    CVE = "cve"
    KEV = "kev"
    EPSS = "epss"


class FeedUnavailableError(AdvisoryError):
    """A source did not answer, or answered that it will not; trying again later may help.

    `retry_after` is the pause in seconds that it asked for, None where it asked for none.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoSuchFileError(FeedUnavailableError):
    """A source answered that it has no such file."""


class InvalidFeedError(AdvisoryError):
    """What a source sent is not what its format says, is cut short or exceeds a bound."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to a source.

    `part` is what of it is wanted, such as an ecosystem; empty for sources without parts. `names` are the CVEs to ask
    for, where a feed is asked for each by name, the most urgent first. Everything is put into `folder`, which is the
    caller's to remove.
    """

    http: aiohttp.ClientSession
    url: URL
    folder: Path
    now: datetime
    checkpoint: Checkpoint
    part: str = ""
    names: Sequence[str] = ()
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a visit brought.

    `path` is what the feed's reader is to read, None where the source has nothing new. Where it is `complete`, what it
    does not hold is no longer in the source. `checkpoint` is for the next visit once everything has been taken.
    `bytes_received` counts bodies of answers.
    """

    checkpoint: Checkpoint
    path: Path | None = None
    complete: bool = False
    bytes_received: int = 0
    asked: Sequence[str] = ()
    """Names that were asked for and answered, with a record or with there being none."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A row of the table of feeds."""

    name: FeedName
    title: str
    url: str
    """Where the source is, unless a mirror stands in for it."""
    fetch: Callable[[Visit], Awaitable[Fetched]]
    """Raises FeedUnavailableError and InvalidFeedError."""
