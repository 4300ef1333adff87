"""What containers execute, gathered by workload, image and program; and which packages each program uses.

An execution may be reported before anybody knows whose container it was: it waits until the workload is known to have
the image. Sensors say whether a program still runs; where they do not, it does for as long as its workload runs the
image.
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
from deadlight.server.runtime.twins import supersede_plain

PLACED_AT_ONCE = 10_000

PROGRAM_ID = """
    CAST(left(encode(sha256(convert_to((
        CASE WHEN {sha256} = '' THEN jsonb_build_array({process}, {path}, to_jsonb({arguments}))
             ELSE jsonb_build_array({process}, {path}, to_jsonb({arguments}), {sha256}) END)::text, 'UTF8')),
        'hex'), 32) AS uuid)
"""
"""A program's id, from expressions for its name, path, arguments and hash: everybody gives the same program the same.

Where the hash is not known it is the id that programs had before sensors told hashes.
"""

_PLAIN_ID = PROGRAM_ID.format(process="process", path="path", arguments="arguments", sha256="''")

_STORE = text(
    f"""
    WITH told AS (
        SELECT *, {PROGRAM_ID.format(process="process", path="path", arguments="arguments", sha256="sha256")}
               AS program_id, CASE WHEN sha256 <> '' THEN {_PLAIN_ID} END AS plain_id
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(container_id text, path text, process text,
             arguments text[], sha256 text, pid integer, parent_pid integer, user_id bigint, count bigint,
             first_at timestamptz, last_at timestamptz, changed boolean, running boolean)
    ), weighed AS MATERIALIZED (
        SELECT told.*, EXISTS (
                   SELECT FROM execution WHERE execution.cluster_id = :cluster_id
                    AND execution.container_id = told.container_id
                    AND execution.program_id IN (told.program_id, told.plain_id)) AS is_known
        FROM told
    ), held AS (
        SELECT container_id, (SELECT count(*) FROM execution WHERE execution.cluster_id = :cluster_id
                                                  AND execution.container_id = weighed.container_id) AS executions
        FROM weighed WHERE NOT is_known GROUP BY container_id
    ), admitted AS (
        SELECT *, is_known OR executions + count(*) FILTER (WHERE NOT is_known)
                  OVER (PARTITION BY container_id ORDER BY first_at, program_id) <= :most AS has_room
        FROM weighed LEFT JOIN held USING (container_id)
    ), row AS (
        SELECT * FROM admitted WHERE has_room
    ), refused AS (
        INSERT INTO observed_container (cluster_id, container_id, refused_executions)
        SELECT :cluster_id, container_id, count(*) FROM admitted WHERE NOT has_room
        GROUP BY container_id ORDER BY container_id
        ON CONFLICT (cluster_id, container_id) DO UPDATE SET
            refused_executions = observed_container.refused_executions + EXCLUDED.refused_executions
    ), known AS (
        INSERT INTO program (id, name, path, arguments, sha256, plain_id)
        SELECT DISTINCT ON (program_id) program_id, process, path, arguments, sha256, plain_id FROM row
        ORDER BY program_id
        ON CONFLICT DO NOTHING
    ), learned AS (
        DELETE FROM execution USING row
        WHERE execution.cluster_id = :cluster_id AND execution.container_id = row.container_id
          AND execution.program_id = row.plain_id
          AND NOT EXISTS (SELECT FROM row AS same WHERE same.program_id = row.plain_id
                                                    AND same.container_id = row.container_id)
    )
    INSERT INTO execution (cluster_id, container_id, program_id, pid, parent_pid, user_id, count, first_at, last_at,
                           changed, running)
    SELECT :cluster_id, container_id, program_id, pid, parent_pid, user_id, count, first_at, last_at, changed, running
    FROM row ORDER BY container_id, program_id
    ON CONFLICT (cluster_id, container_id, program_id) DO UPDATE SET
        pid = EXCLUDED.pid, parent_pid = EXCLUDED.parent_pid,
        user_id = coalesce(EXCLUDED.user_id, execution.user_id),
        count = execution.count + EXCLUDED.count,
        first_at = least(execution.first_at, EXCLUDED.first_at),
        last_at = greatest(execution.last_at, EXCLUDED.last_at),
        changed = execution.changed OR EXCLUDED.changed,
        running = coalesce(EXCLUDED.running, execution.running), placed = false
    """  # noqa: S608 - constant
)

_PLACE = """
    WITH seen AS (
        SELECT execution.id, execution.program_id, execution.first_at, execution.last_at, execution.changed,
               execution.running, placement.workload_id, placement.image_tag_id
        FROM execution
        JOIN container ON container.container_id = execution.container_id
                      AND container.cluster_id = execution.cluster_id
        JOIN pod ON pod.id = container.pod_id
        JOIN placement ON placement.workload_id = pod.workload_id AND placement.image_tag_id = container.image_tag_id
        WHERE NOT execution.placed {condition}
        ORDER BY execution.id LIMIT :limit FOR UPDATE OF execution SKIP LOCKED
    ), marked AS (
        UPDATE execution SET placed = true FROM seen WHERE execution.id = seen.id
    )
    INSERT INTO process (workload_id, image_tag_id, program_id, changed, first_at, last_at, running)
    SELECT workload_id, image_tag_id, program_id, bool_or(changed), min(first_at), max(last_at),
           CASE WHEN bool_or(running) THEN true WHEN bool_and(running IS NOT NULL) THEN false END
    FROM seen
    GROUP BY workload_id, image_tag_id, program_id ORDER BY workload_id, image_tag_id, program_id
    ON CONFLICT (workload_id, image_tag_id, program_id) DO UPDATE SET
        changed = process.changed OR EXCLUDED.changed, first_at = least(process.first_at, EXCLUDED.first_at),
        last_at = greatest(process.last_at, EXCLUDED.last_at), running = process.running OR EXCLUDED.running
    RETURNING workload_id, image_tag_id, program_id
"""
_PLACE_OF_CONTAINERS = text(_PLACE.format(condition="AND execution.container_id = ANY(:container_ids)"))
_PLACE_ANY = text(_PLACE.format(condition=""))

# One that has ended in a container may go on in another of the workload: the first that is found to do so answers.
_SETTLE = text(
    """
    UPDATE process SET running = false
    FROM unnest(CAST(:workload_ids AS bigint[]), CAST(:image_tag_ids AS bigint[]), CAST(:program_ids AS uuid[]))
         AS told(workload_id, image_tag_id, program_id)
    WHERE process.workload_id = told.workload_id AND process.image_tag_id = told.image_tag_id
      AND process.program_id = told.program_id AND process.running IS DISTINCT FROM false
      AND NOT EXISTS (
          SELECT FROM pod
          JOIN container ON container.pod_id = pod.id AND container.image_tag_id = told.image_tag_id
          JOIN execution ON execution.container_id = container.container_id
                        AND execution.cluster_id = container.cluster_id AND execution.program_id = told.program_id
          WHERE pod.workload_id = told.workload_id AND container.removed_at IS NULL
            AND execution.running IS NOT FALSE)
    """
)

_EXECUTED = text(
    """
    SELECT cluster_id, container_id, program.name AS process, pid, program_id
    FROM execution JOIN program ON program.id = program_id
    WHERE container_id = ANY(:container_ids)
    ORDER BY execution.first_at, execution.id
    """
)

OF_PROGRAM = """
    (seen.process = executed.process
     OR seen.pid = executed.pid AND NOT EXISTS (
            SELECT FROM execution AS other JOIN program ON program.id = other.program_id
            WHERE other.cluster_id = seen.cluster_id AND other.container_id = seen.container_id
              AND program.name = seen.process))
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


async def store_executions(
    connection: AsyncConnection, cluster_id: UUID, rows: Sequence[Mapping[str, Any]], most: int
) -> None:
    """Keep what containers executed, one row for each program of a container; a hash may come later than the rest.

    A container that has `most` programs gets no further ones, and that is counted. None takes another's place: what
    follows from a program (its process, which others keep in memory) is never taken back.
    """
    if rows:
        await connection.execute(_STORE, {"cluster_id": cluster_id, "rows": _json(rows), "most": most})


async def place_executions(connection: AsyncConnection, container_ids: Sequence[str]) -> None:
    """Tell what these containers executed of their workloads, as far as these are known."""
    await _place(connection, _PLACE_OF_CONTAINERS, {"container_ids": list(container_ids)})


async def place_waiting(connection: AsyncConnection) -> None:
    """The same for what was executed before its container was known."""
    await _place(connection, _PLACE_ANY, {})


async def _place(connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any]) -> None:
    placed = (await connection.execute(statement, {**parameters, "limit": PLACED_AT_ONCE})).all()
    if placed:
        names = ("workload_id", "image_tag_id", "program_id")
        await connection.execute(_SETTLE, {f"{name}s": [getattr(row, name) for row in placed] for name in names})
        await supersede_plain(connection, [(row.workload_id, row.image_tag_id) for row in placed])
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
