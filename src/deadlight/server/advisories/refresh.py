"""Refreshing feeds: the part that asks sources."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from deadlight.advisories.errors import AdvisoryError
from deadlight.advisories.feeds.cve_records import MAX_RECORDS
from deadlight.advisories.feeds.feed import Checkpoint, FeedName, FeedUnavailableError, Fetched, Visit
from deadlight.advisories.feeds.table import FEEDS
from deadlight.server.advisories.feed_states import (
    SOON,
    Part,
    ask_about_new_names,
    begin,
    claim_due,
    fail,
    has_new_vulnerabilities,
    list_unrated_cves,
    succeed,
    wanted_parts,
)
from deadlight.server.advisories.housekeeping import collect_garbage, count_records, stored_bytes
from deadlight.server.advisories.service import note_import
from deadlight.server.advisories.taking import take
from deadlight.server.db.deadlocks import again_on_deadlock
from deadlight.server.jobs.queue import Job, enqueue
from deadlight.server.services import Services

logger = logging.getLogger(__name__)


class RefreshFeed(Job, frozen=True):
    """Ask a feed's source for what is new."""

    name: ClassVar[str] = "refresh_feed"
    priority: ClassVar[int] = -1
    feed: str
    part: str = ""


async def refresh_due_feeds(services: Services) -> None:
    """Enqueue a visit to every source whose time has come; a first one at once where images bring a new ecosystem."""
    if not services.settings.feeds:
        return
    async with services.engine.begin() as connection:
        due = await claim_due(connection, await wanted_parts(connection, services.settings))
        await enqueue(connection, [RefreshFeed(part.name.value, part.part) for part in due])


async def refresh_feed(services: Services, job: RefreshFeed) -> None:
    """Ask, and take what came with the new checkpoint in one transaction: all of it, or nothing. Idempotent."""
    part = Part(FeedName(job.feed), job.part)
    if part.name not in services.settings.feeds:
        return  # switched off since
    async with services.engine.begin() as connection:
        row = await begin(connection, part)
        if row is None:
            return  # no longer wanted
        checkpoint, names, problem = await _prepare(connection, services, part, row)
    try:
        if problem:
            raise FeedUnavailableError(problem)
        await _visit(services, part, checkpoint, names)
    except AdvisoryError as error:
        retry_after = error.retry_after if isinstance(error, FeedUnavailableError) else None
        await _note_failure(services, part, str(error), retry_after)
    except (DBAPIError, OSError) as error:  # a full disk, on either side
        cause = error.orig if isinstance(error, DBAPIError) else error
        await _note_failure(services, part, f"what came could not be kept: {cause}")


async def _note_failure(services: Services, part: Part, problem: str, retry_after: float | None = None) -> None:
    async with services.engine.begin() as connection:
        failures = await fail(connection, part, problem, services.settings.feed_interval, retry_after)
    if failures == 1:  # a machine without a way out says so once
        logger.warning(
            "a feed brought nothing, it is asked again", extra={"feed": " ".join(part).strip(), "problem": problem}
        )


async def _prepare(
    connection: AsyncConnection, services: Services, part: Part, row: Row[Any]
) -> tuple[Checkpoint, list[str], str]:
    """From where to go on, which CVEs to ask for, and why there should be no visit at all."""
    checkpoint: Checkpoint = row.checkpoint
    if part.name is FeedName.CVE:
        return checkpoint, await list_unrated_cves(connection, MAX_RECORDS), ""
    if part.name is FeedName.EPSS and await has_new_vulnerabilities(connection, row):
        return {}, [], ""  # scores are kept only of what advisories name: what they name now is in the same file
    if part.name is FeedName.OSV and not checkpoint:
        stored, budget = await stored_bytes(connection), services.settings.feed_budget
        if stored > budget:
            return {}, [], f"not fetched: advisories take {stored} bytes and may take {budget} (DEADLIGHT_FEED_BUDGET)"
    return checkpoint, [], ""


async def _visit(services: Services, part: Part, checkpoint: Checkpoint, names: list[str]) -> None:
    settings = services.settings
    async with scratch_folder() as folder:
        fetched = await FEEDS[part.name].fetch(
            Visit(
                http=services.http,
                url=URL(settings.feed_url(part.name)),
                folder=folder,
                now=datetime.now(UTC),
                checkpoint=checkpoint,
                part=part.part,
                names=names,
                proxy=settings.feed_proxy.get_secret_value() or None,
            )
        )
        more = part.name is FeedName.CVE and len(fetched.asked) == MAX_RECORDS
        pause = SOON if more else settings.feed_interval

        async def store(connection: AsyncConnection) -> None:
            await store_visit(connection, part, fetched, pause)

        await again_on_deadlock(services.engine, store)


async def store_visit(connection: AsyncConnection, part: Part, fetched: Fetched, pause: timedelta) -> dict[str, Any]:
    """Take what was brought and note how far the feed has come, in the caller's transaction; returns what it did."""
    result = await take(connection, part, fetched)
    if result.is_news or result.rejected:
        await note_import(connection, f"{part.name.value} {part.part}".strip(), result)
    if part.name is FeedName.OSV and result.added:
        await ask_about_new_names(connection)
    new = fetched.path is not None
    await succeed(
        connection,
        part,
        fetched.checkpoint,
        pause,
        bytes_received=fetched.bytes_received,
        result=result if new else None,
        records=await count_records(connection, part) if new else None,
    )
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """A folder for what is brought; it can be large, so it is made and removed beside the event loop."""
    path = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="deadlight-feed-"))
    try:
        yield path
    finally:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


async def collect_advisory_garbage(services: Services) -> None:
    """Delete what is of no use any more; the schedule runs this."""
    settings = services.settings
    async with services.engine.begin() as connection:
        wanted = await wanted_parts(connection, settings)
    # Where feeds are off, what they brought before may be all there is.
    ecosystems = [part.part for part in wanted if part.name is FeedName.OSV] if FeedName.OSV in settings.feeds else None
    await collect_garbage(services.engine, ecosystems, timedelta(days=settings.withdrawn_retention_days))
