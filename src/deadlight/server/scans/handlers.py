"""What scanning does when something happened."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.scan_configuration import Scanner
from deadlight.server.events.outbox import Event
from deadlight.server.inventory.changes import list_arrived
from deadlight.server.jobs.queue import enqueue
from deadlight.server.scans.configuration import find_switched_off
from deadlight.server.scans.jobs import RescanCluster, ScanImage, retry_scans
from deadlight.server.scans.statements import withdraw_statements
from deadlight.server.scans.store import find_left_out, leave_out, queue_scan

_DEPLOYED = text(
    """
    SELECT DISTINCT unnest(image_tag_ids) FROM workload WHERE cluster_id = :cluster_id AND removed_at IS NULL
    UNION
    SELECT image_tag_id FROM container
    WHERE cluster_id = :cluster_id AND state = 'running' AND removed_at IS NULL AND image_tag_id IS NOT NULL
    """
)


async def scan_new_image(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: scan it, unless every cluster that runs it has that switched off."""
    image_tag_id = event.data["image_tag_id"]
    if await find_switched_off(connection, Scanner.SCA, [image_tag_id]):
        await leave_out(connection, [image_tag_id])
    else:
        await _scan(connection, [image_tag_id])


async def scan_deployed_images(connection: AsyncConnection, event: Event) -> None:
    """WorkloadChanged: images that were left out may run in another cluster now."""
    await _scan_left_out(connection, list_arrived(event))


async def scan_configured_cluster(connection: AsyncConnection, event: Event) -> None:
    """ClusterConfigured: what it runs may have been left out until now, or not have been scanned for all it wants."""
    cluster_id = event.data["cluster_id"]
    deployed = await connection.execute(_DEPLOYED, {"cluster_id": cluster_id})
    await _scan_left_out(connection, deployed.scalars().all())
    await enqueue(connection, [RescanCluster(cluster_id)])


async def scan_registry(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: scan what could not be scanned before; its own scanner may have no say any more."""
    await withdraw_statements(connection, event.data["host"])
    await retry_scans(connection, host=event.data["host"])


async def _scan_left_out(connection: AsyncConnection, image_tag_ids: Sequence[int]) -> None:
    if not image_tag_ids:
        return
    left_out = await find_left_out(connection, image_tag_ids)
    if left_out:
        await _scan(connection, left_out - await find_switched_off(connection, Scanner.SCA, left_out))


async def _scan(connection: AsyncConnection, image_tag_ids: Iterable[int]) -> None:
    queued = [id_ for id_ in sorted(image_tag_ids) if await queue_scan(connection, id_)]
    await enqueue(connection, [ScanImage(id_) for id_ in queued])
