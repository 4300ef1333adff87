"""What containers execute, gathered by workload, image and program; and which packages each program uses.

An execution may be reported before anybody knows whose container it was: it waits until the workload is known to have
the image. Sensors see programs start, not end: a process is running for as long as its workload runs the image.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.observation import Grade
from deadlight.server.events.relay import CHANGES_CHANNEL

PLACED_AT_ONCE = 10_000

PROGRAM_ID = """
    CAST(left(encode(sha256(convert_to(jsonb_build_array({process}, {path}, to_jsonb({arguments}))::text, 'UTF8')),
                     'hex'), 32) AS uuid)
"""
"""A program's id, from expressions for its name, path and arguments: everybody gives the same program the same."""

_PLACE = """
    WITH seen AS (
        SELECT observation.id, observation.program_id, observation.first_at, observation.last_at, observation.changed,
               placement.workload_id, placement.image_tag_id
        FROM observation
        JOIN container ON container.container_id = observation.container_id
                      AND container.cluster_id = observation.cluster_id
        JOIN pod ON pod.id = container.pod_id
        JOIN placement ON placement.workload_id = pod.workload_id AND placement.image_tag_id = container.image_tag_id
        WHERE observation.grade = 'executed' AND NOT observation.placed AND observation.program_id IS NOT NULL
          {condition}
        ORDER BY observation.id LIMIT :limit FOR UPDATE OF observation SKIP LOCKED
    ), marked AS (
        UPDATE observation SET placed = true FROM seen WHERE observation.id = seen.id
    )
    INSERT INTO process (workload_id, image_tag_id, program_id, changed, first_at, last_at)
    SELECT workload_id, image_tag_id, program_id, bool_or(changed), min(first_at), max(last_at)
    FROM seen JOIN program ON program.id = seen.program_id
    GROUP BY workload_id, image_tag_id, program_id ORDER BY workload_id, image_tag_id, program_id
    ON CONFLICT (workload_id, image_tag_id, program_id) DO UPDATE SET
        changed = process.changed OR EXCLUDED.changed, first_at = least(process.first_at, EXCLUDED.first_at),
        last_at = greatest(process.last_at, EXCLUDED.last_at)
"""
_PLACE_OF_CONTAINERS = text(_PLACE.format(condition="AND observation.container_id = ANY(:container_ids)"))
_PLACE_ANY = text(_PLACE.format(condition=""))

_EXECUTED = text(
    """
    SELECT cluster_id, container_id, process, pid, program_id, first_at FROM observation
    WHERE container_id = ANY(:container_ids) AND grade = 'executed' AND program_id IS NOT NULL
    ORDER BY first_at, id
    """
)

OF_PROGRAM = """
    (seen.process = executed.process
     OR seen.pid = executed.pid AND NOT EXISTS (
            SELECT FROM observation AS other
            WHERE other.cluster_id = seen.cluster_id AND other.container_id = seen.container_id
              AND other.grade = 'executed' AND other.process = seen.process))
"""
"""`find_program` in SQL: whether what was `seen` was done by the program `executed` in the same container."""


class Execution(NamedTuple):
    """A program that a container executed."""

    process: str
    pid: int
    program_id: UUID


class UsedBy(NamedTuple):
    """A package that a program of an image uses, and the strongest evidence for it."""

    image_id: int
    program_id: UUID
    package_id: int
    grade: Grade
    path: str


def find_program(process: str, pid: int, executed: Sequence[Execution]) -> UUID | None:
    """Whose doing something was, among what its container `executed` before, oldest first.

    The program of the same name; where there is none, the last one of the same process, whose threads may have names
    of their own.
    """
    same_name = [item for item in executed if item.process == process]
    same_process = [item for item in executed if item.pid == pid]
    found = [item for item in same_name if item.pid == pid] or same_name or same_process
    return found[-1].program_id if found else None


async def place_executions(connection: AsyncConnection, container_ids: Sequence[str]) -> None:
    """Tell what these containers executed of their workloads, as far as these are known."""
    await _place(connection, _PLACE_OF_CONTAINERS, {"container_ids": list(container_ids)})


async def place_waiting(connection: AsyncConnection) -> None:
    """The same for what was executed before its container was known."""
    await _place(connection, _PLACE_ANY, {})


async def _place(connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any]) -> None:
    placed = await connection.execute(statement, {**parameters, "limit": PLACED_AT_ONCE})
    if placed.rowcount:
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'process')"))


async def load_executed(
    connection: AsyncConnection, container_ids: Iterable[str]
) -> Mapping[tuple[UUID, str], list[Execution]]:
    """What was executed, oldest first, by cluster and container."""
    found: defaultdict[tuple[UUID, str], list[Execution]] = defaultdict(list)
    for row in await connection.execute(_EXECUTED, {"container_ids": sorted(container_ids)}):
        found[row.cluster_id, row.container_id].append(Execution(row.process, row.pid, row.program_id))
    return found


# xmax is 0 for a row that was not there before.
_UPSERT_PACKAGES = text(
    """
    INSERT INTO program_package (image_id, program_id, package_id, grade, grade_rank, path)
    SELECT row.image_id, row.program_id, row.package_id, row.grade, row.grade_rank, row.path
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_id bigint, program_id uuid, package_id bigint,
         grade text, grade_rank smallint, path text)
    JOIN program ON program.id = row.program_id
    ORDER BY row.image_id, row.program_id, row.package_id
    ON CONFLICT (image_id, program_id, package_id) DO UPDATE SET
        grade = EXCLUDED.grade, grade_rank = EXCLUDED.grade_rank, path = EXCLUDED.path
    WHERE EXCLUDED.grade_rank > program_package.grade_rank
    RETURNING image_id, xmax = 0 AS is_new
    """
)


async def store_used_by(connection: AsyncConnection, uses: Iterable[UsedBy]) -> set[int]:
    """Keep the strongest evidence; returns the images of which a program uses a package it was not known to use."""
    best: dict[tuple[int, UUID, int], UsedBy] = {}
    for use in uses:
        known = best.setdefault(use[:3], use)
        if use.grade.rank > known.grade.rank:
            best[use[:3]] = use
    if not best:
        return set()
    rows = [use._asdict() | {"grade_rank": use.grade.rank} for use in best.values()]
    result = await connection.execute(_UPSERT_PACKAGES, {"rows": _json(rows)})
    return {row.image_id for row in result if row.is_new}


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
