"""Waiting for what happens elsewhere: in another task, thread or process."""

import asyncio
from collections.abc import Callable

from tests.support.patience import PATIENCE_SECONDS


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; fails where it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)
