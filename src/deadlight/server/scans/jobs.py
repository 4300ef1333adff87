"""The job that scans an image, and which images are scanned again."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference, Platform
from deadlight.model.scan_configuration import Scanner
from deadlight.registry import RegistryError, UnavailableError
from deadlight.registry.resolve import resolve_image
from deadlight.scanner import InvalidRuleError
from deadlight.server.db.engine import autocommit
from deadlight.server.jobs.queue import Job, RetryLaterError, enqueue
from deadlight.server.registries.service import Registry, client_for, find_distrust, find_registry
from deadlight.server.scans.configuration import expire_results, find_switched_off
from deadlight.server.scans.due import find_due, list_stale, setup_of
from deadlight.server.scans.image_scan import scan_resolved_image
from deadlight.server.scans.statements import NotScannedYetError, fetch_statement, list_outdated, note_decision
from deadlight.server.scans.store import (
    begin_scan,
    count_unfinished,
    end_scan,
    leave_out,
    queue_scan,
    record_scanned,
    requeue_scans,
    store_image,
)
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services
from deadlight.server.tables.inventory import image_tag
from deadlight.server.tables.scans import image, image_tag_image

logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=30)

ASK_AGAIN = timedelta(minutes=2)
"""After which a scanner is asked again that scans an image whose findings are known."""

RESCANS_WAITING = 500
"""How many scans may wait before stale results are left for later; after an upgrade everything is stale."""


class ScanImage(Job, frozen=True):
    """Find out what is in a running image."""

    name: ClassVar[str] = "scan_image"
    image_tag_id: int


class AskScanner(Job, frozen=True):
    """Ask the scanner of a running image's registry what it says now. The scan itself stands."""

    name: ClassVar[str] = "ask_scanner"
    once: ClassVar[bool] = True
    image_tag_id: int


class RescanImage(ScanImage, frozen=True):
    """Renew what is known of a running image. New images go first."""

    name: ClassVar[str] = "rescan_image"
    priority: ClassVar[int] = -1


class RescanCluster(Job, frozen=True):
    """Scan what runs in a cluster for what it has just been configured to want."""

    name: ClassVar[str] = "rescan_cluster"
    cluster_id: str


async def scan_image(services: Services, job: ScanImage) -> None:
    """Scan one image. Idempotent: layers and images that are known are not read again.

    Raises:
        RetryLaterError: the registry cannot be asked now, or was changed meanwhile.
    """
    async with services.engine.begin() as connection:
        attempts = await begin_scan(connection, job.image_tag_id)
        if attempts is None:
            return  # another job has done it, or the image tag has been removed
        target = (await connection.execute(select(image_tag).where(image_tag.c.id == job.image_tag_id))).one()
        registry = await find_registry(connection, target.registry)
    try:
        turns = services.renewal_turns if isinstance(job, RescanImage) else services.image_turns
        await _scan(services, registry, target, turns.of(target.registry))
    except (UnavailableError, NotScannedYetError) as error:
        await _wait(services, target, attempts, error)
    except (RegistryError, UndecipherableError, InvalidRuleError) as error:
        await _give_up(services, registry, target, "failed", str(error))
    except Exception as error:
        await _end(services, target, "failed", f"unexpected {type(error).__name__}: the service's log says more")
        raise


async def _scan(services: Services, registry: Registry | None, target: Row[Any], turn: asyncio.Semaphore) -> None:
    distrust = find_distrust(registry, target.registry, target.repository)
    if registry is None or distrust:
        await _give_up(services, registry, target, "skipped", f"{distrust}, to have its images scanned")
        return
    client = client_for(services, registry)
    platform = Platform.parse(target.platform)
    resolved = await resolve_image(client, target.repository, target.tag, target.digest, platform)
    async with services.engine.begin() as connection:
        image_id = await store_image(connection, target.id, resolved)
    reference = ImageReference(target.registry, target.repository, target.tag)
    await fetch_statement(services, registry, reference, resolved.digest, image_id)
    async with turn:
        async with autocommit(services.engine) as connection:
            due = await find_due(connection, target.id, image_id, setup_of(services.settings))
        read = await scan_resolved_image(services, registry, target.repository, resolved, due) if due else 0
    await _finish(services, target.id, image_id, read)


_ASKED = (
    select(image_tag, image.c.id.label("image_id"), image.c.digest.label("manifest"))
    .join(image_tag_image, image_tag_image.c.image_tag_id == image_tag.c.id)
    .join(image, image.c.id == image_tag_image.c.image_id)
)


async def ask_scanner(services: Services, job: AskScanner) -> None:
    """Follow what a scanner says; where it cannot be asked, what it said stays, and the page tells why.

    Raises:
        RetryLaterError: a scan is under way there.
    """
    async with services.engine.begin() as connection:
        target = (await connection.execute(_ASKED.where(image_tag.c.id == job.image_tag_id))).first()
        registry = await find_registry(connection, target.registry) if target else None
    if target is None or registry is None:
        return
    reference = ImageReference(target.registry, target.repository, target.tag)
    try:
        changed = await fetch_statement(services, registry, reference, target.manifest, target.image_id)
    except NotScannedYetError as error:
        raise RetryLaterError(ASK_AGAIN, str(error)) from None
    except (RegistryError, UndecipherableError, InvalidRuleError) as error:
        async with services.engine.begin() as connection:
            await note_decision(connection, target.image_id, str(error))
        return
    if changed:
        async with services.engine.begin() as connection:
            await record_scanned(connection, target.image_id)


async def _finish(services: Services, image_tag_id: int, image_id: int, layers_scanned: int) -> None:
    async with services.engine.begin() as connection:
        await end_scan(connection, image_tag_id, "done", layers_scanned=layers_scanned)
        await record_scanned(connection, image_id)


async def _end(services: Services, target: Row[Any], status: str, error: str) -> None:
    """Note why there is no result, for people who see many images' reasons side by side."""
    reference = ImageReference(target.registry, target.repository, target.tag, "" if target.tag else target.digest)
    async with services.engine.begin() as connection:
        await end_scan(connection, target.id, status, f"{reference}: {error}")


async def _give_up(services: Services, registry: Registry | None, target: Row[Any], status: str, error: str) -> None:
    """Note why there will be no result, unless the registry was changed meanwhile.

    Who changed it has scanned again only what had been given up by then.
    """
    await _end(services, target, status, error)
    async with autocommit(services.engine) as connection:
        if await find_registry(connection, target.registry) != registry:
            raise RetryLaterError(timedelta(0), "its registry was changed while it was asked")


async def _wait(
    services: Services, target: Row[Any], attempts: int, error: UnavailableError | NotScannedYetError
) -> None:
    """Note why it waits, and come back later for as long as the image is wanted."""
    await _end(services, target, "waiting", str(error))
    pause = min(FIRST_RETRY * float(2 ** min(attempts - 1, 16)), LONGEST_RETRY)
    asked = timedelta(seconds=error.retry_after_seconds or 0)
    raise RetryLaterError(max(pause, min(asked, LONGEST_RETRY)), str(error))


async def retry_scans(connection: AsyncConnection, *, host: str | None = None, image_tag_id: int | None = None) -> None:
    """Scan again what could not be scanned, of a registry, or of one image tag that somebody asks for."""
    wanted = set(await requeue_scans(connection, host, image_tag_id))
    if host is not None:
        switched_off = await find_switched_off(connection, Scanner.SCA, wanted)
        await leave_out(connection, switched_off)
        wanted -= switched_off
    await enqueue(connection, [ScanImage(id_) for id_ in sorted(wanted)])


async def rescan_stale(services: Services) -> None:
    """Running images whose result has expired, or was found by scanners that are not those of today."""
    async with services.engine.begin() as connection:
        await expire_results(connection)
    async with services.engine.begin() as connection:
        room = max(0, RESCANS_WAITING - await count_unfinished(connection))
        stale = await list_stale(connection, setup_of(services.settings), room)
        outdated = await list_outdated(connection, room)
        failed = [row.image_tag_id for row in outdated if row.status == "failed"]
        await _rescan(connection, sorted({*stale, *failed}))
        await enqueue(connection, [AskScanner(row.image_tag_id) for row in outdated if row.status == "done"])


async def run_rescan_cluster(services: Services, job: RescanCluster) -> None:
    """Idempotent: what has been scanned for everything that is wanted is left alone."""
    async with services.engine.begin() as connection:
        stale = await list_stale(connection, setup_of(services.settings), RESCANS_WAITING, job.cluster_id)
        await _rescan(connection, stale)


async def _rescan(connection: AsyncConnection, image_tag_ids: Sequence[int]) -> None:
    for image_tag_id in image_tag_ids:
        await queue_scan(connection, image_tag_id)
    await enqueue(connection, [RescanImage(image_tag_id) for image_tag_id in image_tag_ids])
