"""A program whose hash was learned later than the rest of it is told of as one process, with what was known before."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.server.events.outbox import NewEvent, record_events

# Not deleted: who keeps processes in memory hears of changes, not of what is no more.
_SUPERSEDE = text(
    """
    WITH place AS (
        SELECT DISTINCT * FROM unnest(CAST(:workload_ids AS bigint[]), CAST(:image_tag_ids AS bigint[]))
            AS place(workload_id, image_tag_id)
    ), twin AS MATERIALIZED (
        SELECT DISTINCT ON (plain.workload_id, plain.image_tag_id, plain.program_id)
               plain.workload_id, plain.image_tag_id, plain.program_id AS plain_id, hashed.program_id, plain.first_at
        FROM place
        JOIN process AS hashed USING (workload_id, image_tag_id)
        JOIN program ON program.id = hashed.program_id AND program.plain_id IS NOT NULL
        JOIN process AS plain ON plain.workload_id = hashed.workload_id AND plain.image_tag_id = hashed.image_tag_id
                             AND plain.program_id = program.plain_id AND NOT plain.superseded
        ORDER BY plain.workload_id, plain.image_tag_id, plain.program_id, hashed.first_at
    ), superseded AS (
        UPDATE process SET superseded = true FROM twin
        WHERE process.workload_id = twin.workload_id AND process.image_tag_id = twin.image_tag_id
          AND process.program_id = twin.plain_id
    ), since AS (
        UPDATE process SET first_at = least(process.first_at, twin.first_at) FROM twin
        WHERE process.workload_id = twin.workload_id AND process.image_tag_id = twin.image_tag_id
          AND process.program_id = twin.program_id
    )
    INSERT INTO program_package (image_id, program_id, package_id, grade, grade_rank, path, first_at)
    SELECT DISTINCT ON (used.image_id, twin.program_id, used.package_id)
           used.image_id, twin.program_id, used.package_id, used.grade, used.grade_rank, used.path, used.first_at
    FROM twin JOIN image_tag_image USING (image_tag_id)
    JOIN program_package AS used ON used.image_id = image_tag_image.image_id AND used.program_id = twin.plain_id
    ORDER BY used.image_id, twin.program_id, used.package_id
    ON CONFLICT DO NOTHING
    RETURNING image_id
    """
)


async def supersede_plain(connection: AsyncConnection, places: Sequence[tuple[int, int]]) -> None:
    """In these placements (workload id, image tag id), let programs with a hash take over from those without."""
    parameters = {"workload_ids": [place[0] for place in places], "image_tag_ids": [place[1] for place in places]}
    image_ids = set((await connection.execute(_SUPERSEDE, parameters)).scalars())
    data = [{"image_id": image_id} for image_id in sorted(image_ids)]
    events = [NewEvent(EventType.PROGRAMS_USED_PACKAGES, f"image:{item['image_id']}", item) for item in data]
    await record_events(connection, events)
