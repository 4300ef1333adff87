"""Endpoints for feeds."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from deadlight.advisories.errors import AdvisoryError
from deadlight.advisories.feeds.feed import Feed, FeedName, Fetched
from deadlight.advisories.feeds.table import FEEDS
from deadlight.advisories.osv import READER_VERSION
from deadlight.server.advisories.feed_states import Part, begin_by_hand, claim_due, hurry, wanted_parts
from deadlight.server.advisories.housekeeping import stored_bytes
from deadlight.server.advisories.refresh import RefreshFeed, scratch_folder, store_visit
from deadlight.server.advisories.schemas import FeedOut, FeedPart, FeedsOut, FeedState, ImportOut
from deadlight.server.auth.requests import Operator, Viewer
from deadlight.server.db.deadlocks import again_on_deadlock
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError
from deadlight.server.jobs.queue import enqueue
from deadlight.server.services import Services, ServicesDep
from deadlight.server.settings import Settings
from deadlight.server.tables.advisories import advisory, feed

router = APIRouter(prefix="/api/v1/feeds", tags=["advisories"])

OFF = "feeds are switched off (DEADLIGHT_FEEDS=none): import advisories with `deadlight advisories import`"
NOTHING_INSTALLED = (
    "no known image has packages yet: advisories of an ecosystem are fetched once an image with packages of it has "
    "been scanned, or when DEADLIGHT_FEED_ECOSYSTEMS names it"
)

FILES = (FeedName.KEV, FeedName.EPSS)
"""Feeds that are one file, which can be brought by hand as it is."""

_SEVEREST = (FeedState.FAILED, FeedState.REFRESHING, FeedState.WAITING, FeedState.CURRENT)


@router.get("", operation_id="listFeeds")
async def get_feeds(_: Viewer, services: ServicesDep) -> FeedsOut:
    """Where advisories come from, how far each source has been taken, and what went wrong."""
    return await _describe(services)


@router.post("/{name}/refresh", operation_id="refreshFeed", status_code=202)
async def post_refresh(name: FeedName, _: Operator, services: ServicesDep) -> FeedsOut:
    """Ask a source now; what it has is taken in the background."""
    settings = services.settings
    if name not in settings.feeds:
        raise BadRequestError(f"not fetched: {_why_off(settings, name)}")
    async with services.engine.begin() as connection:
        parts = [part for part in await wanted_parts(connection, settings) if part.name is name]
        if not parts:
            raise BadRequestError(f"not fetched: {NOTHING_INSTALLED}")
        await hurry(connection, parts)
        due = await claim_due(connection, parts)  # not those that are being refreshed
        await enqueue(connection, [RefreshFeed(part.name.value, part.part) for part in due])
    return await _describe(services)


@router.post("/{name}/import", operation_id="importFeedFile")
async def post_import(name: FeedName, request: Request, _: Operator, services: ServicesDep) -> ImportOut:
    """Take the file of a source (`kev` or `epss`) as it is; the body is the file."""
    if name not in FILES:
        raise BadRequestError(f"{name.value} has no single file: its records go to /api/v1/advisories/import")
    content = await request.body()
    async with scratch_folder() as folder:
        path = folder / f"the uploaded {name.value} file"
        await asyncio.to_thread(path.write_bytes, content)

        async def store(connection: AsyncConnection) -> dict[str, Any]:
            await begin_by_hand(connection, Part(name))
            fetched = Fetched({}, path, True, len(content))
            return await store_visit(connection, Part(name), fetched, services.settings.feed_interval)

        try:
            return ImportOut.model_validate(await again_on_deadlock(services.engine, store))
        except AdvisoryError as error:
            raise BadRequestError(str(error)) from error


def _why_off(settings: Settings, name: FeedName) -> str:
    return f"{name.value} is not among DEADLIGHT_FEEDS" if settings.feeds else OFF


async def _describe(services: Services) -> FeedsOut:
    settings = services.settings
    async with autocommit(services.engine) as connection:
        rows = (await connection.execute(select(feed).order_by(feed.c.name, feed.c.part))).all()
        wanted = set(await wanted_parts(connection, settings))
        stored = await stored_bytes(connection)
        outdated = select(func.count()).where(advisory.c.content_hash.not_like(f"{READER_VERSION}:%"))
        outdated_advisories = (await connection.execute(outdated.where(advisory.c.withdrawn_at.is_(None)))).scalar_one()
    feeds = [_feed(row, settings, wanted, [item for item in rows if item.name == row.name]) for row in FEEDS.values()]
    needs_ecosystems = FeedName.OSV in settings.feeds and not any(part.name is FeedName.OSV for part in wanted)
    return FeedsOut(
        feeds=feeds,
        notice=OFF if not settings.feeds else NOTHING_INSTALLED if needs_ecosystems else "",
        stored_bytes=stored,
        budget_bytes=settings.feed_budget,
        outdated_advisories=outdated_advisories,
    )


def _feed(feed: Feed, settings: Settings, wanted: set[Part], rows: Sequence[Row[Any]]) -> FeedOut:
    parts = [_part(row, is_wanted=Part(feed.name, row.part) in wanted) for row in rows]
    states = {part.state for part in parts}
    is_on = feed.name in settings.feeds
    state = next((state for state in _SEVEREST if state in states), FeedState.WAITING) if is_on else FeedState.OFF
    succeeded = [part.succeeded_at for part in parts]
    return FeedOut(
        name=feed.name,
        title=feed.title,
        url=str(URL(settings.feed_url(feed.name)).with_user(None)),
        state=state,
        problem=_problem(feed.name, settings, parts),
        records=sum(part.records for part in parts),
        succeeded_at=min((at for at in succeeded if at), default=None) if all(succeeded) else None,
        next_attempt_at=min((part.next_attempt_at for part in parts if part.next_attempt_at), default=None),
        parts=parts,
    )


def _problem(name: FeedName, settings: Settings, parts: Sequence[FeedPart]) -> str:
    """What is wrong with any of its parts, or why it is off; the notice says it where all feeds are."""
    if name in settings.feeds:
        return next((part.problem for part in parts if part.problem), "")
    return _why_off(settings, name) if settings.feeds else ""


def _part(row: Row[Any], *, is_wanted: bool) -> FeedPart:
    return FeedPart(
        part=row.part,
        state=_state(row) if is_wanted else FeedState.OFF,
        problem=row.problem,
        records=row.records,
        bytes_received=row.bytes_received,
        failures=row.failures,
        started_at=row.started_at,
        succeeded_at=row.succeeded_at,
        next_attempt_at=row.next_attempt_at if is_wanted and not row.refreshing else None,
        last_result={name: count for name, count in row.result.items() if isinstance(count, int)},
    )


def _state(row: Row[Any]) -> FeedState:
    if row.refreshing:
        return FeedState.REFRESHING
    if row.problem:
        return FeedState.FAILED
    return FeedState.CURRENT if row.succeeded_at else FeedState.WAITING
