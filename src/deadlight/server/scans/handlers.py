"""What scanning does when something happened."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event
from deadlight.server.jobs.queue import enqueue
from deadlight.server.scans.jobs import ScanImage
from deadlight.server.scans.store import queue_scan

_UNSCANNED = text(
    """
    SELECT image_tag.id FROM image_tag JOIN scan ON scan.image_tag_id = image_tag.id
    WHERE image_tag.registry = :host AND scan.status IN ('failed', 'skipped', 'waiting')
    """
)


async def scan_new_image(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: scan it."""
    await _scan(connection, event.data["image_tag_id"])


async def scan_registry(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: scan what could not be scanned before."""
    for image_tag_id in (await connection.execute(_UNSCANNED, {"host": event.data["host"]})).scalars().all():
        await _scan(connection, image_tag_id)


async def _scan(connection: AsyncConnection, image_tag_id: int) -> None:
    await queue_scan(connection, image_tag_id)
    await enqueue(connection, [ScanImage(image_tag_id)])
