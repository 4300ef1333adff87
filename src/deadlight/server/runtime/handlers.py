"""What the runtime side does when something happened."""

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event
from deadlight.server.runtime.joining import FORGET_JOINS, PENDING, PENDING_OF_IMAGE, join_pending
from deadlight.server.runtime.processes import place_waiting
from deadlight.server.services import Services


async def resolve_scanned_image(connection: AsyncConnection, event: Event) -> None:
    """ImageScanned: look up, in the files that are known now, what was seen of its containers."""
    image_id = event.data["image_id"]
    await connection.execute(FORGET_JOINS, {"image_id": image_id})
    while await join_pending(connection, PENDING_OF_IMAGE, image_id=image_id):
        pass


async def join_waiting(services: Services) -> None:
    """What was seen before its container was known; the schedule runs this."""
    async with services.engine.begin() as connection:
        await place_waiting(connection)
        await join_pending(connection, PENDING)
