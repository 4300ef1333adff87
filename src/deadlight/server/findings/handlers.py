"""What findings do when something happened."""

from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event
from deadlight.server.findings.jobs import AssessImage, RefreshImage, RematchBuckets
from deadlight.server.jobs.queue import enqueue


async def assess_scanned_image(connection: AsyncConnection, event: Event) -> None:
    """ImageScanned: find its vulnerabilities."""
    await enqueue(connection, [AssessImage(event.data["image_id"])])


async def advance_used_packages(connection: AsyncConnection, event: Event) -> None:
    """PackagesUsed: vulnerabilities of packages in use get further in the funnel."""
    await enqueue(connection, [RefreshImage(event.data["image_id"], event.data["package_ids"])])


async def rematch_changed_advisories(connection: AsyncConnection, event: Event) -> None:
    """AdvisoriesChanged: match what they concern."""
    buckets = [(ecosystem, name) for ecosystem, name in event.data["buckets"]]
    await enqueue(connection, [RematchBuckets(buckets)])
