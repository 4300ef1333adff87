"""Keeping how containers are watched, and having sensors repair what the service does not hold.

A heartbeat says of each container what the sensor's observations of it amount to. Where ours amount to something else
the sensor is asked to tell everything of that container again: not at once, because a batch may be on its way, never of
many at a time, and more seldom each time it was in vain.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.errors import BadRequestError
from deadlight.server.runtime.coverage import Coverage, Watched, roll_up
from deadlight.server.runtime.limits import MAX_CONTAINER_ID_BYTES
from deadlight.server.runtime.rows import signed

COMPARED_AT_ONCE = 50
"""Containers whose observations are summed up for one heartbeat."""

ASKED_AT_ONCE = 20
"""Containers of which a sensor is asked to tell everything again at a time."""

PATIENCE_MISMATCHES = 2
"""The first difference may be a batch on its way."""

FIRST_PAUSE = timedelta(minutes=1)
LAST_PAUSE = timedelta(days=1)

CONTAINERS_READ = 10_000

SILENCE = timedelta(minutes=5)
"""What a sensor has not said for so long, ten heartbeats, it does not say any more: nobody watches that container."""

_UPSERT = text(
    """
    INSERT INTO container_coverage (cluster_id, container_id, since, from_start, lost, unseen, digest, seen_at)
    SELECT :cluster_id, container_id, since, from_start, lost, unseen, digest, now()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(container_id text, since timestamptz, from_start boolean,
         lost bigint, unseen text[], digest text)
    ORDER BY container_id
    ON CONFLICT (cluster_id, container_id) DO UPDATE SET
        since = EXCLUDED.since, from_start = EXCLUDED.from_start, lost = EXCLUDED.lost, unseen = EXCLUDED.unseen,
        digest = EXCLUDED.digest, seen_at = EXCLUDED.seen_at
    """
)

_STRANGERS = text(
    """
    SELECT told.container_id FROM unnest(CAST(:container_ids AS text[])) AS told(container_id)
    WHERE NOT EXISTS (SELECT FROM container_coverage AS coverage
                      WHERE coverage.cluster_id = :cluster_id AND coverage.container_id = told.container_id)
      AND NOT EXISTS (SELECT FROM container
                      WHERE container.cluster_id = :cluster_id AND container.container_id = told.container_id)
    """
)

# Of what has not all found room, telling again what is missing would be in vain.
_UNVERIFIED = text(
    """
    SELECT container_id, digest, mismatches, compared_at, now() AS now FROM container_coverage AS coverage
    WHERE cluster_id = :cluster_id AND container_id = ANY(:container_ids)
      AND digest <> '' AND digest <> verified_digest
      AND NOT EXISTS (SELECT FROM observed_container AS observed WHERE observed.cluster_id = coverage.cluster_id
                                            AND observed.container_id = coverage.container_id AND observed.refused > 0)
    ORDER BY compared_at NULLS FIRST, container_id
    """
)

_OWN = text(
    """
    SELECT container_id, bit_xor(digest) AS digest FROM observation
    WHERE cluster_id = :cluster_id AND container_id = ANY(:container_ids) GROUP BY container_id
    """
)

_COMPARED = text(
    """
    UPDATE container_coverage SET
        verified_digest = CASE WHEN row.same THEN digest ELSE verified_digest END,
        mismatches = CASE WHEN row.same THEN 0 ELSE mismatches + 1 END, compared_at = now()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(container_id text, same boolean)
    WHERE container_coverage.cluster_id = :cluster_id AND container_coverage.container_id = row.container_id
    """
)

_WATCHED = """
    SELECT coverage.since, coverage.from_start, coverage.lost, coverage.unseen, coverage.seen_at, now() AS now,
           coalesce(observed.refused + observed.refused_executions, 0) AS refused
    FROM container {join}
    LEFT JOIN container_coverage AS coverage ON coverage.cluster_id = container.cluster_id
                                            AND coverage.container_id = container.container_id
    LEFT JOIN observed_container AS observed ON observed.cluster_id = container.cluster_id
                                            AND observed.container_id = container.container_id
    WHERE container.state = 'running' AND container.removed_at IS NULL AND {condition}
    LIMIT :limit
"""
_OF_IMAGE_TAG = text(_WATCHED.format(join="", condition="container.image_tag_id = :id"))
_OF_WORKLOAD = text(_WATCHED.format(join="JOIN pod ON pod.id = container.pod_id", condition="pod.workload_id = :id"))


async def find_strangers(
    connection: AsyncConnection, cluster_id: UUID, container_ids: Collection[str]
) -> frozenset[str]:
    """Those of the containers that nobody knows and of which nothing is kept yet."""
    if not container_ids:
        return frozenset()
    told = {"cluster_id": cluster_id, "container_ids": sorted(container_ids)}
    return frozenset((await connection.execute(_STRANGERS, told)).scalars())


async def follow_coverage(
    connection: AsyncConnection, cluster_id: UUID, coverage: Sequence[wire.ContainerCoverage]
) -> tuple[str, ...]:
    """Keep what a sensor says of its containers; returns those of which it should tell everything again.

    Raises:
        BadRequestError: something cannot be stored.
    """
    rows = {item.container_id: _row(number, item) for number, item in enumerate(coverage)}
    if not rows:
        return ()
    await connection.execute(_UPSERT, {"cluster_id": cluster_id, "rows": _json(list(rows.values()))})
    key = {"cluster_id": cluster_id, "container_ids": sorted(rows)}
    return await _compare(connection, cluster_id, (await connection.execute(_UNVERIFIED, key)).all())


def _row(number: int, item: wire.ContainerCoverage) -> dict[str, Any]:
    place = f"coverage[{number}]"
    if len(item.container_id.encode()) > MAX_CONTAINER_ID_BYTES:
        raise BadRequestError(f"{place}.container_id has more than {MAX_CONTAINER_ID_BYTES} bytes")
    if not 0 <= item.lost < 2**63:
        raise BadRequestError(f"{place}.lost {item.lost} is not between 0 and {2**63 - 1}")
    if item.since.tzinfo is None:
        raise BadRequestError(f"{place}.since has no time zone")
    return msgspec.structs.asdict(item)


async def _compare(connection: AsyncConnection, cluster_id: UUID, rows: Sequence[Row[Any]]) -> tuple[str, ...]:
    due = [row for row in rows if is_due(row.mismatches, row.compared_at, row.now)][:COMPARED_AT_ONCE]
    if not due:
        return ()
    key = {"cluster_id": cluster_id, "container_ids": [row.container_id for row in due]}
    own = {row.container_id: row.digest for row in await connection.execute(_OWN, key)}
    same = {row.container_id: is_same(row.digest, own.get(row.container_id, 0)) for row in due}
    asked = [
        row.container_id for row in due if not same[row.container_id] and row.mismatches + 1 >= PATIENCE_MISMATCHES
    ]
    told = [{"container_id": name, "same": same[name]} for name in same if name not in asked[ASKED_AT_ONCE:]]
    await connection.execute(_COMPARED, {"cluster_id": cluster_id, "rows": _json(told)})
    return tuple(asked[:ASKED_AT_ONCE])


def is_due(mismatches: int, compared_at: datetime | None, now: datetime) -> bool:
    """Whether to compare again after so many differences in a row: with pauses that double, up to a day."""
    if compared_at is None or mismatches < PATIENCE_MISMATCHES:
        return True
    pause = FIRST_PAUSE * float(2 ** min(mismatches - PATIENCE_MISMATCHES, 16))
    return now - compared_at >= min(pause, LAST_PAUSE)


def is_same(digest: str, own: int | None) -> bool:
    """Whether a sensor's digest is our own; what is not even a digest is not."""
    try:
        return len(digest) == 16 and signed(digest) == own
    except ValueError:
        return False


async def coverage_of_image_tag(connection: AsyncConnection, image_tag_id: int) -> Coverage:
    """How completely the containers that run an image tag now are watched."""
    return await _load(connection, _OF_IMAGE_TAG, image_tag_id)


async def coverage_of_workload(connection: AsyncConnection, workload_id: int) -> Coverage:
    """How completely the containers of a workload are watched."""
    return await _load(connection, _OF_WORKLOAD, workload_id)


async def _load(connection: AsyncConnection, statement: TextClause, id_: int) -> Coverage:
    rows = (await connection.execute(statement, {"id": id_, "limit": CONTAINERS_READ})).all()
    now = rows[0].now if rows else datetime.now(UTC)
    return roll_up([_watched(row) for row in rows], now, SILENCE)


def _watched(row: Row[Any]) -> Watched | None:
    if row.since is None:
        return None
    return Watched(row.since, row.from_start, row.lost, tuple(row.unseen), row.seen_at, row.refused)


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
