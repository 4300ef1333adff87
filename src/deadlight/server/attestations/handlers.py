"""What is done about signatures when something happened. The schedule does the looking."""

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.attestations.store import ensure_attestation, make_image_due, make_registry_due
from deadlight.server.events.outbox import Event


async def expect_attestations(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: look at it once its registry has told what it is."""
    await ensure_attestation(connection, event.data["image_tag_id"])


async def check_scanned_attestations(connection: AsyncConnection, event: Event) -> None:
    """ImageScanned: its manifest's digest is known now, which signatures are for."""
    await make_image_due(connection, event.data["image_id"])


async def check_registry_attestations(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: it may let us in now."""
    await make_registry_due(connection, event.data["host"])
