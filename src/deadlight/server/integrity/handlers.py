"""What integrity does when something happened. Only the database is touched here; asking a registry is a job."""

from sqlalchemy import null, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.events.outbox import Event, record_events
from deadlight.server.integrity.jobs import CheckSource
from deadlight.server.integrity.locations import LOCK_WORKLOAD, follow_locations
from deadlight.server.integrity.sources import SourceKey, ensure_source
from deadlight.server.inventory.changes import list_arrived
from deadlight.server.jobs.queue import enqueue
from deadlight.server.tables.integrity import source_record
from deadlight.server.tables.inventory import image_tag

# An image that comes back: the schedule put it aside while nobody ran it, and its violation closed.
_COMES_BACK = text(
    """
    SELECT DISTINCT source.id FROM image_tag JOIN source_record AS source
      ON source.registry = image_tag.registry AND source.repository = image_tag.repository
     AND source.reference = coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag)
    LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
    WHERE image_tag.id = ANY(:image_tag_ids)
      AND (coalesce(source.next_check_at, '-infinity') < now()
           OR verdict.violation_type IS NOT NULL
          AND NOT EXISTS (SELECT FROM violation WHERE violation.image_tag_id = image_tag.id AND closed_at IS NULL))
    """
)


async def check_new_image(connection: AsyncConnection, event: Event) -> None:
    """ImageObserved: ask its registry."""
    query = select(image_tag).where(image_tag.c.id == event.data["image_tag_id"])
    row = (await connection.execute(query)).first()
    if row is None:
        return  # removed since, with the cluster that had it
    key = SourceKey(row.registry, row.repository, row.pinned_digest or row.tag)
    await enqueue(connection, [CheckSource(await ensure_source(connection, key))])


async def follow_workload(connection: AsyncConnection, event: Event) -> None:
    """WorkloadChanged: open and close the places of violations, and check images that come back."""
    workload_id = event.data["workload_id"]
    now = (await connection.execute(LOCK_WORKLOAD, {"workload_id": workload_id})).first()
    if now is None:
        return  # removed since, with its cluster
    await record_events(connection, await follow_locations(connection, [workload_id], now.image_tag_ids))
    if arrived := list_arrived(event):
        due = await connection.execute(_COMES_BACK, {"image_tag_ids": arrived})
        await enqueue(connection, [CheckSource(source_id) for source_id in due.scalars()])


async def check_registry(connection: AsyncConnection, event: Event) -> None:
    """RegistryChanged: judge everything from there anew, and ask anew for what only its own API knows."""
    of_registry = update(source_record).where(source_record.c.registry == event.data["host"])
    sources = (await connection.execute(of_registry.values(facts=null()).returning(source_record.c.id))).scalars().all()
    await enqueue(connection, [CheckSource(source_id) for source_id in sources])
