"""What scanning does when something happened."""

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event
from deadlight.server.jobs.queue import enqueue
from deadlight.server.scans.jobs import ScanImage, retry_scans
from deadlight.server.scans.store import queue_scan


async def scan_new_image(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: scan it."""
    image_tag_id = event.data["image_tag_id"]
    if await queue_scan(connection, image_tag_id):
        await enqueue(connection, [ScanImage(image_tag_id)])


async def scan_registry(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: scan what could not be scanned before."""
    await retry_scans(connection, host=event.data["host"])
