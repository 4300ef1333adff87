"""Making room: what is kept of one container is bounded, and what had to go is counted."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.observation import Grade

_WEAKEST_FIRST = sorted(Grade, key=lambda grade: grade.rank)

EVICTED_PART = 16
"""One in so many of a container's observations of a grade goes beside those that have to: room is seldom looked for."""

EVICTED_AT_ONCE = 10_000
"""More than any batch brings, and no more than a sensor waits for: what was stored without a bound goes by and by."""

# What somebody else is at work on is passed over, since they may be waiting for this container's count. Ordered by age,
# which no index has: one of all containers' times would be walked through to find a few of this container's. What was
# not joined yet may prove something: it goes last.
_EVICT = text(
    f"""
    WITH gone AS (
        DELETE FROM observation WHERE id = ANY(ARRAY(
            SELECT oldest.id FROM unnest(CAST(:container_ids AS text[]), CAST(:excess AS bigint[]))
                AS crowded(container_id, excess)
            CROSS JOIN LATERAL (
                SELECT id FROM observation
                WHERE cluster_id = :cluster_id AND container_id = crowded.container_id AND grade = :grade
                  AND path NOT IN (SELECT path FROM package_use WHERE package_use.cluster_id = :cluster_id
                                                               AND package_use.container_id = crowded.container_id)
                ORDER BY image_id IS NULL, now() - last_at DESC, id
                LIMIT crowded.excess + (SELECT count(*) / {EVICTED_PART} FROM observation AS same
                                        WHERE same.cluster_id = :cluster_id AND same.grade = :grade
                                          AND same.container_id = crowded.container_id)
                FOR UPDATE SKIP LOCKED) AS oldest))
        RETURNING container_id
    )
    UPDATE observed_container AS observed SET kept = kept - lost.rows, refused = refused + lost.rows
    FROM (SELECT container_id, count(*) AS rows FROM gone GROUP BY container_id) AS lost
    WHERE observed.cluster_id = :cluster_id AND observed.container_id = lost.container_id
    RETURNING observed.container_id, lost.rows
    """  # noqa: S608 - constants
)


async def make_room(connection: AsyncConnection, cluster_id: UUID, excess: Mapping[str, int]) -> None:
    """Of containers of which more is kept than may be, by how much, forget the weakest and of those the oldest.

    What a package's use names as its evidence stays. New ones are among what may go: where everything else is stronger
    they are refused.
    """
    excess = {name: min(more, EVICTED_AT_ONCE) for name, more in excess.items()}
    for grade in _WEAKEST_FIRST:
        if excess:
            parameters = {"container_ids": list(excess), "excess": list(excess.values()), "grade": grade}
            found = await connection.execute(_EVICT, {"cluster_id": cluster_id, **parameters})
            gone = {row.container_id: row.rows for row in found}
            excess = {name: more - gone.get(name, 0) for name, more in excess.items() if more > gone.get(name, 0)}
