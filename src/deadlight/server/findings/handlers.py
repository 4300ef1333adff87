"""What findings do when something happened."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.scan_configuration import Scanner
from deadlight.server.events.outbox import Event
from deadlight.server.findings.context import find_misjudged
from deadlight.server.findings.jobs import AssessImage, RefreshImage, RefreshPrograms, RematchBuckets
from deadlight.server.inventory.changes import list_moved
from deadlight.server.jobs.queue import enqueue
from deadlight.server.scans.configuration import is_on_everywhere

_DEPLOYED = text(
    "SELECT DISTINCT unnest(image_tag_ids) FROM workload WHERE cluster_id = :cluster_id AND removed_at IS NULL"
)
_IMAGES = text("SELECT DISTINCT image_id FROM image_tag_image WHERE image_tag_id = ANY(:image_tag_ids)")


async def assess_scanned_image(connection: AsyncConnection, event: Event) -> None:
    """ImageScanned: find its vulnerabilities."""
    await enqueue(connection, [AssessImage(event.data["image_id"])])


async def advance_used_packages(connection: AsyncConnection, event: Event) -> None:
    """PackagesUsed: vulnerabilities of packages in use get further in the funnel."""
    await enqueue(connection, [RefreshImage(event.data["image_id"], event.data["package_ids"])])


async def refresh_programs(connection: AsyncConnection, event: Event) -> None:
    """ProgramsUsedPackages: what is wrong with these packages is now known to run in these programs."""
    await enqueue(connection, [RefreshPrograms(event.data["image_id"])])


async def rematch_changed_advisories(connection: AsyncConnection, event: Event) -> None:
    """AdvisoriesChanged: match what they concern."""
    buckets = [(ecosystem, name) for ecosystem, name in event.data["buckets"]]
    told = () if event.data["are_gone"] else (event.data["advisory_ids"], event.data["vulnerability_ids"])
    await enqueue(connection, [RematchBuckets(buckets, *told)])


async def judge_moved_images(connection: AsyncConnection, event: Event) -> None:
    """WorkloadChanged: an image may have come to, or gone from, where contextual analysis is switched off."""
    moved = list_moved(event)
    if moved and not await is_on_everywhere(connection, Scanner.CONTEXTUAL_ANALYSIS):
        await _judge_misjudged(connection, set(moved))


async def judge_configured_cluster(connection: AsyncConnection, event: Event) -> None:
    """ClusterConfigured: contextual analysis may have been switched on or off for what it runs."""
    deployed = await connection.execute(_DEPLOYED, {"cluster_id": event.data["cluster_id"]})
    await _judge_misjudged(connection, set(deployed.scalars()))


async def _judge_misjudged(connection: AsyncConnection, image_tag_ids: set[int]) -> None:
    image_ids = (await connection.execute(_IMAGES, {"image_tag_ids": sorted(image_tag_ids)})).scalars().all()
    misjudged = await find_misjudged(connection, image_ids)
    await enqueue(connection, [RefreshImage(image_id, []) for image_id in sorted(misjudged)])
