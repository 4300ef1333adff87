"""Tells the service every half minute that the controller is alive, what it counted and what troubles it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from deadlight import __version__
from deadlight.client.errors import RejectedError
from deadlight.controller.health import Health
from deadlight.model.wire import Heartbeat

SECONDS = 30.0

logger = logging.getLogger(__name__)


class HeartbeatService(Protocol):
    """Where heartbeats go; `retries` counts deliveries that had to be repeated."""

    retries: int

    async def heartbeat(self, beat: Heartbeat) -> object:
        """Deliver one."""


def heartbeat(
    health: Health, held: dict[str, int], retries: int, started_at: datetime, *, node_name: str = ""
) -> Heartbeat:
    """The message: counters by name, `held_pod` and its like for the inventory's size."""
    counters = health.counters() | {f"held_{kind}": count for kind, count in held.items()} | {"retries": retries}
    return Heartbeat(
        version=__version__, node=node_name, started_at=started_at, counters=counters, problems=health.problems
    )


async def keep_beating(
    service: HeartbeatService,
    health: Health,
    held: Callable[[], dict[str, int]],
    started_at: datetime,
    *,
    node_name: str = "",
    seconds: float = SECONDS,
) -> None:
    """Send heartbeats until cancelled; one that the service refuses is dropped, the next may suit it."""
    while True:
        try:
            await service.heartbeat(heartbeat(health, held(), service.retries, started_at, node_name=node_name))
        except RejectedError as error:
            if health.trouble("heartbeat", str(error)):
                logger.warning("heartbeat dropped: %s", error)
        else:
            health.cleared("heartbeat")
        await asyncio.sleep(seconds)
