"""What the ledger does when something happened. Only the database is touched here."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event
from deadlight.server.ledger.actions import follow_acknowledgements
from deadlight.server.ledger.reconcile import reconcile

# Workloads that have an image whose risks are known already, under a tag that may be new; by id, as all lock them.
_WITH_RISKY_IMAGE = text(
    """
    SELECT workload.id
    FROM image_risk
    JOIN image_tag_image ON image_tag_image.image_id = image_risk.image_id
    JOIN workload ON workload.image_tag_ids @> ARRAY[image_tag_image.image_tag_id]
    WHERE image_risk.image_id = :image_id AND (image_risk.critical_applicable > 0 OR image_risk.malicious > 0)
      AND workload.removed_at IS NULL
    ORDER BY workload.id FOR NO KEY UPDATE OF workload
    """
)


async def follow_exposure(connection: AsyncConnection, event: Event) -> None:
    """Anything about a workload: open and close its windows."""
    await reconcile(connection, [event.data["workload_id"]])


async def follow_detection(connection: AsyncConnection, event: Event) -> None:
    """DetectionChanged: open and close its windows, and have them acknowledged where it is; the workload is locked."""
    await reconcile(connection, [event.data["workload_id"]])
    await follow_acknowledgements(connection, event.data["workload_id"])


async def follow_scanned_image(connection: AsyncConnection, event: Event) -> None:
    """ImageScanned: an image that is known under another tag brings its risks along."""
    parameters = {"image_id": event.data["image_id"]}
    workload_ids = (await connection.execute(_WITH_RISKY_IMAGE, parameters)).scalars().all()
    if workload_ids:
        await reconcile(connection, workload_ids)
