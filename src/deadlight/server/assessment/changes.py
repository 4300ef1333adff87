"""Telling open pages that something changed, so that they ask again."""

import asyncio
from collections.abc import AsyncIterator

from deadlight.server.db.notifications import Listener
from deadlight.server.events.relay import CHANGES_CHANNEL

QUIET_SECONDS = 20.0
"""A comment is sent after so much silence, so that proxies keep the connection."""

GATHER_SECONDS = 0.5
"""Changes that come together are told together."""


async def iter_changes(listener: Listener) -> AsyncIterator[str]:
    """Comma-separated kinds of what changed; an empty text now and then keeps the connection."""
    waiting: set[str] = set()
    news = asyncio.Event()

    def hear(payload: str) -> None:
        waiting.add(payload or "all")
        news.set()

    listener.subscribe(CHANGES_CHANNEL, hear)
    try:
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await news.wait()
            except TimeoutError:
                yield ""
                continue
            await asyncio.sleep(GATHER_SECONDS)
            told = ",".join(sorted(waiting))
            waiting.clear()
            news.clear()
            yield told
    finally:
        listener.unsubscribe(CHANGES_CHANNEL, hear)
