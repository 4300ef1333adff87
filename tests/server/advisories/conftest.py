"""A public source on loopback, and a service that asks it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.feed_source import FeedSource, running_feed_source
from tests.support.fleet import Fleet
from tests.support.service import service_settings

from deadlight.server.advisories.refresh import RefreshFeed, refresh_due_feeds, refresh_feed
from deadlight.server.services import Services
from deadlight.server.settings import Settings


@pytest.fixture
async def source() -> AsyncIterator[FeedSource]:
    """All public sources in one."""
    async with running_feed_source() as running:
        yield running


@pytest.fixture
def feed_settings(source: FeedSource, database_url: str) -> Callable[..., Settings]:
    """Settings of a service that asks the source in place of the public ones."""

    def build(**more: Any) -> Settings:
        values: dict[str, Any] = {
            "feeds": "osv,cve,kev,epss",
            "feed_osv_url": str(source.url),
            "feed_cve_url": str(source.url / "cvelist"),
            "feed_kev_url": str(source.url / "kev.json"),
            "feed_epss_url": str(source.url / "epss.csv.gz"),
        }
        return service_settings(database_url, **values | more)

    return build


Refresh = Callable[..., Awaitable[Any]]


@pytest.fixture
def refresh(services: Services, fleet: Fleet) -> Refresh:
    """Refreshes a feed, as its job does, and returns its row."""

    async def run(name: str, part: str = "") -> Any:
        await refresh_due_feeds(services)
        await refresh_feed(services, RefreshFeed(name, part))
        rows = await fleet.rows("SELECT * FROM feed WHERE name = :name AND part = :part", name=name, part=part)
        return rows[0] if rows else None

    return run


@pytest.fixture
def fleet(engine: AsyncEngine) -> Fleet:
    """Rows of clusters, workloads and images."""
    return Fleet(engine)
