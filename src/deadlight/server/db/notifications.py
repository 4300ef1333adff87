"""`LISTEN`: one connection per process hears every channel and wakes whoever asked."""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from deadlight.server.db.engine import KEEPALIVES

logger = logging.getLogger(__name__)

Callback = Callable[[str], None]

FIRST_PAUSE = 0.1
LAST_PAUSE = 5.0
"""Seconds between attempts to reach a database that is away; they double."""


class Listener:
    """Delivers notifications to callbacks, and reconnects when the connection breaks.

    Notifications sent while it was disconnected are lost. Each callback is therefore also called, with an empty
    payload, after every reconnection: hearing something twice is harmless, missing it is not.
    """

    def __init__(self, conninfo: str, channels: tuple[str, ...]) -> None:
        """`conninfo` is libpq's (`postgresql://`); `channels` are all that can be subscribed to."""
        self._conninfo = conninfo
        self._callbacks: dict[str, list[Callback]] = {channel: [] for channel in channels}
        self._pause = FIRST_PAUSE
        self.counters: dict[str, int] = defaultdict(int)

    def subscribe(self, channel: str, callback: Callback) -> None:
        """Call `callback(payload)` for each notification; raises KeyError for a channel that was not announced."""
        self._callbacks[channel].append(callback)

    def unsubscribe(self, channel: str, callback: Callback) -> None:
        """Stop calling `callback`."""
        self._callbacks[channel].remove(callback)

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                self.counters["reconnects"] += 1
                logger.warning("notification connection lost, reconnecting: %s", error)
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
            self._pause = min(self._pause * 2, LAST_PAUSE)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(make_conninfo(self._conninfo, **KEEPALIVES), autocommit=True)
        async with connection:
            for channel in self._callbacks:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._pause = FIRST_PAUSE
            self._wake_all()
            async for notification in connection.notifies():
                self.counters["notifications"] += 1
                self._deliver(notification.channel, notification.payload)

    def _wake_all(self) -> None:
        for channel in self._callbacks:
            self._deliver(channel, "")

    def _deliver(self, channel: str, payload: str) -> None:
        for callback in list(self._callbacks.get(channel, ())):
            callback(payload)
