"""Bringing one file from a source: conditional, bounded, whole or not at all."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

import aiohttp
from yarl import URL

from deadlight.advisories.errors import AdvisoryError
from deadlight.advisories.feeds.feed import (
    Checkpoint,
    FeedUnavailableError,
    InvalidFeedError,
    NoSuchFileError,
    Visit,
)

TIMEOUT = aiohttp.ClientTimeout(total=3600, sock_connect=15, sock_read=60)
"""A slow line may take an hour for a large archive, but never stay silent for a minute."""

MAX_REDIRECTS = 5
AT_ONCE = 8
"""Small files that are asked for at a time."""

MAX_RETRY_AFTER_SECONDS = 24 * 3600
"""A source may ask for a pause of a day at most."""

_CHUNK = 256 * 1024
_VALIDATORS = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
"""What of a checkpoint makes a request conditional, and by which header (RFC 9110, 13.1)."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was brought; `validators` make the next request for it conditional. `size` in bytes."""

    path: Path
    size: int
    validators: Mapping[str, str]


async def download(
    visit: Visit, url: URL, name: str, limit: int, *, unless: Checkpoint | None = None
) -> Downloaded | None:
    """Bring a file into the visit's folder under `name`; None where it has not changed, by the validators in `unless`.

    Raises:
        FeedUnavailableError: no answer, another one than a file, or one that breaks off.
        NoSuchFileError: the source says that there is no such file.
        InvalidFeedError: more than `limit` bytes.
    """
    target = visit.folder / name
    shown = url.with_user(None)  # people read what went wrong; how to sign in is none of it
    try:
        async with visit.http.get(
            url, headers=_headers(unless or {}), proxy=visit.proxy, timeout=TIMEOUT, max_redirects=MAX_REDIRECTS
        ) as response:
            if response.status == HTTPStatus.NOT_MODIFIED and unless:
                return None
            _check(response, shown)
            size = await _save(response, shown, target, limit)
    except AdvisoryError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FeedUnavailableError(f"{shown}: {str(error) or 'no answer in time'}") from error
    return Downloaded(target, size, _validators(response))


async def download_each(visit: Visit, wanted: Iterable[tuple[URL, str]], limit: int) -> int:
    """Bring many small files, `AT_ONCE` at a time: an address and a name each; returns how many bytes.

    What is not there is left out. Raises as `download`.
    """
    waiting = iter(wanted)
    sizes: list[int] = []

    async def bring_in_turn() -> None:
        for url, name in waiting:
            try:
                brought = await download(visit, url, name, limit)
            except NoSuchFileError:
                continue
            sizes.append(brought.size if brought else 0)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(bring_in_turn())
    except* (FeedUnavailableError, InvalidFeedError) as errors:
        raise errors.exceptions[0] from errors
    return sum(sizes)


def _headers(unless: Checkpoint) -> dict[str, str]:
    conditions = {header: unless[name] for name, header in _VALIDATORS.items() if unless.get(name)}
    # A compressed transfer of what is compressed already saves nothing and could expand without end.
    return {"Accept-Encoding": "identity", **conditions}


def _check(response: aiohttp.ClientResponse, url: URL) -> None:
    if response.status == HTTPStatus.NOT_FOUND:
        raise NoSuchFileError(f"{url}: there is no such file")
    if response.status != HTTPStatus.OK:
        raise FeedUnavailableError(
            f"{url} answered {response.status} {response.reason or ''}".strip(), _pause(response)
        )


async def _save(response: aiohttp.ClientResponse, url: URL, target: Path, limit: int) -> int:
    size = 0
    with target.open("wb") as file:
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise InvalidFeedError(f"{url}: more than {limit} bytes")
            await asyncio.to_thread(file.write, chunk)
    return size


def _validators(response: aiohttp.ClientResponse) -> dict[str, str]:
    found = {"etag": response.headers.get("ETag", ""), "last_modified": response.headers.get("Last-Modified", "")}
    return {name: value for name, value in found.items() if value}


def _pause(response: aiohttp.ClientResponse) -> float | None:
    """What Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3), bounded; None where it says nothing."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 10:
        seconds = float(text)
    else:
        try:
            answered = parsedate_to_datetime(response.headers["Date"])
            seconds = (parsedate_to_datetime(text) - answered).total_seconds()
        except (KeyError, ValueError, TypeError, IndexError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
