from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.feed_source import FeedSource, running_feed_source

from deadlight.advisories.feeds.feed import Visit

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def source() -> AsyncIterator[FeedSource]:
    """A public source."""
    async with running_feed_source() as running:
        yield running


@pytest.fixture
async def visit(source: FeedSource, tmp_path: Path) -> AsyncIterator[Callable[..., Visit]]:
    """Makes visits to the source, each with a folder of its own."""
    async with aiohttp.ClientSession() as http:
        first = Visit(http=http, url=source.url, folder=tmp_path, now=NOW, checkpoint={})
        made = 0

        def make(path: str = "", **more: Any) -> Visit:
            nonlocal made
            made += 1
            folder = tmp_path / str(made)
            folder.mkdir()
            return replace(first, url=source.url / path if path else source.url, folder=folder, **more)

        yield make
