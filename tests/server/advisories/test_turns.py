"""Advisories are changed by one at a time, and a first copy may keep the others waiting for longer than a statement."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.server.advisories.conftest import Refresh
from tests.server.advisories.test_feeds import FLAW, ids
from tests.support.feed_source import FeedSource
from tests.support.fleet import Fleet, installed, package
from tests.support.service import RunningService

from deadlight.server.advisories import turns
from deadlight.server.advisories.turns import AdvisoriesBusyError, wait_for_turn
from deadlight.server.settings import Settings


@pytest.fixture
def settings(feed_settings: Callable[..., Settings]) -> Settings:
    return feed_settings()


@pytest.fixture
async def other(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Whoever is changing advisories, until its transaction ends."""
    async with engine.connect() as connection:
        await wait_for_turn(connection)
        yield connection


async def test_who_has_the_turn_goes_on_and_others_give_up_when_they_would_not_wait(
    other: AsyncConnection, engine: AsyncEngine
) -> None:
    await wait_for_turn(other)
    async with engine.connect() as connection:
        with pytest.raises(AdvisoriesBusyError, match="try again"):
            await wait_for_turn(connection, timedelta(0))
        await other.rollback()
        await wait_for_turn(connection, timedelta(0))


async def test_a_feed_waits_for_its_turn_without_a_statement_that_would_be_cut_off(
    other: AsyncConnection, refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    refreshing = asyncio.ensure_future(refresh("osv", "Debian"))
    done, _ = await asyncio.wait({refreshing}, timeout=0.3)
    assert not done
    assert not await fleet.rows("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    await other.rollback()
    row = await refreshing
    assert (row.problem, row.failures, await ids(fleet)) == ("", 0, ["CVE-2026-0001"])


async def test_a_request_is_told_that_others_are_at_it(
    other: AsyncConnection, service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns.wait_for_turn, "__defaults__", (timedelta(0),))
    body = {"source": "test", "documents": []}
    answer = await service.post("/api/v1/advisories/import", body, expect=503)
    assert answer["code"] == "advisories_busy"
    await other.rollback()
    await service.post("/api/v1/advisories/import", body)
