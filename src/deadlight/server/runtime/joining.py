"""Joining observations with the files of the image that the container runs: which packages are proven to be in use.

Either side may arrive first: an observation before its container is known or its image is scanned waits as pending
and is joined when the other side is there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.observation import Grade
from deadlight.scanner import FileIndex
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.runtime.binaries import check_binaries
from deadlight.server.runtime.processes import UsedBy, find_program, load_executed, store_used_by
from deadlight.server.runtime.proof import file_of, proves_use

JOINED_AT_ONCE = 10_000

_PENDING = """
    SELECT observation.*, image.id AS found_image_id
    FROM observation
    JOIN container ON container.container_id = observation.container_id
                  AND container.cluster_id = observation.cluster_id
    JOIN image_tag_image ON image_tag_image.image_tag_id = container.image_tag_id
    JOIN image ON image.id = image_tag_image.image_id AND image.file_index IS NOT NULL
    WHERE observation.image_id IS NULL AND {condition}
    ORDER BY observation.id LIMIT :limit FOR UPDATE OF observation SKIP LOCKED
"""

PENDING_OF_CONTAINERS = text(_PENDING.format(condition="observation.container_id = ANY(:container_ids)"))
PENDING_OF_IMAGE = text(_PENDING.format(condition="image.id = :image_id"))
PENDING = text(_PENDING.format(condition="true"))

_FILE_INDEXES = text("SELECT id, file_index FROM image WHERE id = ANY(:image_ids)")

_PACKAGES = text(
    """
    SELECT image_package.image_id, package.purl, min(coalesce(owner_package_id, package_id)) AS package_id,
           array_agg(DISTINCT location) AS locations
    FROM image_package JOIN package ON package.id = image_package.package_id
    WHERE image_package.image_id = ANY(:image_ids) AND package.purl = ANY(:purls)
    GROUP BY image_package.image_id, package.purl
    """
)

_MARK_JOINED = text(
    """
    UPDATE observation SET image_id = row.image_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id bigint, image_id bigint) WHERE observation.id = row.id
    """
)

# The strongest evidence counts; xmax is 0 for a row that was not there before.
_UPSERT_USE = text(
    """
    INSERT INTO package_use (image_id, package_id, grade, grade_rank, path, process, container_id, cluster_id, first_at,
                             last_at)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_id bigint, package_id bigint, grade text,
         grade_rank smallint, path text, process text, container_id text, cluster_id uuid, first_at timestamptz,
         last_at timestamptz)
    ORDER BY image_id, package_id
    ON CONFLICT (image_id, package_id) DO UPDATE SET
        grade = CASE WHEN EXCLUDED.grade_rank > package_use.grade_rank THEN EXCLUDED.grade ELSE package_use.grade END,
        path = CASE WHEN EXCLUDED.grade_rank > package_use.grade_rank THEN EXCLUDED.path ELSE package_use.path END,
        process = CASE WHEN EXCLUDED.grade_rank > package_use.grade_rank
                       THEN EXCLUDED.process ELSE package_use.process END,
        container_id = CASE WHEN EXCLUDED.grade_rank > package_use.grade_rank
                            THEN EXCLUDED.container_id ELSE package_use.container_id END,
        cluster_id = CASE WHEN EXCLUDED.grade_rank > package_use.grade_rank
                          THEN EXCLUDED.cluster_id ELSE package_use.cluster_id END,
        grade_rank = greatest(EXCLUDED.grade_rank, package_use.grade_rank),
        first_at = least(EXCLUDED.first_at, package_use.first_at),
        last_at = greatest(EXCLUDED.last_at, package_use.last_at)
    RETURNING image_id, package_id, xmax = 0 AS is_new
    """
)

_UPSERT_TOOL_READ = text(
    """
    INSERT INTO tool_read (image_id, package_id, path, process, first_at, last_at)
    SELECT DISTINCT ON (image_id, package_id) * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_id bigint,
         package_id bigint, path text, process text, first_at timestamptz, last_at timestamptz)
    ORDER BY image_id, package_id, last_at DESC
    ON CONFLICT (image_id, package_id) DO UPDATE SET
        path = EXCLUDED.path, process = EXCLUDED.process, first_at = least(EXCLUDED.first_at, tool_read.first_at),
        last_at = greatest(EXCLUDED.last_at, tool_read.last_at)
    """
)

_MOVE_USES = tuple(
    text(
        f"""
        UPDATE {table} SET package_id = move.after
        FROM unnest(CAST(:before AS bigint[]), CAST(:after AS bigint[])) AS move(before, after)
        WHERE {table}.image_id = :image_id AND {table}.package_id = move.before
          AND NOT EXISTS (SELECT FROM {table} AS there WHERE there.image_id = :image_id
                          AND there.package_id = move.after{also})
        """  # noqa: S608 - constants
    )
    for table, also in (
        ("package_use", ""),
        ("tool_read", ""),
        ("program_package", " AND there.program_id = program_package.program_id"),
    )
)

FORGET_JOINS = text("UPDATE observation SET image_id = NULL WHERE image_id = :image_id")


@dataclass(frozen=True, slots=True)
class _Use:
    """A package of an image, used by a process."""

    image_id: int
    package_id: int
    grade: Grade
    observed: Row[Any]

    @property
    def is_proven(self) -> bool:
        """Whether it is a use at all, and not only something that was read."""
        row = self.observed
        return not row.tool and proves_use(Grade(row.grade), row.path, row.process, row.arguments)


async def move_uses(connection: AsyncConnection, image_id: int, moves: Sequence[Row[tuple[int, int]]]) -> None:
    """Keep what was seen of an image's packages when these become others: ids `before` and `after`."""
    ids = {"before": [move.before for move in moves], "after": [move.after for move in moves]}
    for statement in _MOVE_USES:
        await connection.execute(statement, {"image_id": image_id, **ids})


async def join_pending(connection: AsyncConnection, pending: TextClause, **parameters: Any) -> int:
    """Look pending observations up in the files of their images; returns how many were looked up."""
    rows = (await connection.execute(pending, {"limit": JOINED_AT_ONCE, **parameters})).all()
    if not rows:
        return 0
    owners = await _find_owners(connection, rows)
    uses = await _resolve_packages(connection, owners)
    marks = [{"id": row.id, "image_id": row.found_image_id} for row in rows]
    await check_binaries(connection, rows)
    await connection.execute(_MARK_JOINED, {"rows": _json(marks)})
    await _store_uses(connection, [use for use in uses if use.is_proven])
    await _store_tool_reads(connection, [use for use in uses if not use.is_proven])
    return len(rows)


async def _find_owners(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[tuple[Row[Any], str]]:
    """Observations of files that belong to packages, once for each.

    What was changed after start is nobody's.
    """
    image_ids = sorted({row.found_image_id for row in rows})
    stored = await connection.execute(_FILE_INDEXES, {"image_ids": image_ids})
    indexes = {row.id: FileIndex.from_bytes(row.file_index) for row in stored}
    told = [row for row in rows if not row.changed]
    return [(row, purl) for row in told for purl in indexes[row.found_image_id].find(file_of(row.path))]


async def _resolve_packages(connection: AsyncConnection, owners: Sequence[tuple[Row[Any], str]]) -> list[_Use]:
    parameters = {
        "image_ids": sorted({row.found_image_id for row, _ in owners}),
        "purls": sorted({purl for _, purl in owners}),
    }
    known = {(row.image_id, row.purl): row for row in await connection.execute(_PACKAGES, parameters)}
    return [
        _Use(row.found_image_id, package.package_id, grade_of(Grade(row.grade), row.path, package.locations), row)
        for row, purl in owners
        if (package := known.get((row.found_image_id, purl)))
    ]


def grade_of(grade: Grade, path: str, locations: Sequence[str]) -> Grade:
    """What using a file says of a package that is known by the files at `locations`.

    Whoever executes a program certainly executes that program; of the modules that were linked into it, whose one
    location it is, one only knows that their code was mapped.
    """
    return Grade.MAPPED if grade is Grade.EXECUTED and path.removeprefix("/") in locations else grade


async def _store_uses(connection: AsyncConnection, uses: Sequence[_Use]) -> None:
    """Keep the best evidence for each package; record which were not known to be used, or not by whom."""
    best: dict[tuple[int, int], _Use] = {}
    for use in uses:
        key = (use.image_id, use.package_id)
        if key not in best or use.grade.rank > best[key].grade.rank:
            best[key] = use
    if not best:
        return
    result = await connection.execute(_UPSERT_USE, {"rows": _json([_use_row(use) for use in best.values()])})
    new = [best[row.image_id, row.package_id] for row in result if row.is_new]
    images = await store_used_by(connection, await _tell_programs(connection, uses))
    await record_events(connection, [*_used_events(new), *_program_events(images - {use.image_id for use in new})])


async def _store_tool_reads(connection: AsyncConnection, uses: Sequence[_Use]) -> None:
    """What was only seen to be read in a way that shows no use: kept to be shown, and proof of nothing."""
    names = ("path", "process", "first_at", "last_at")
    rows = [
        {"image_id": use.image_id, "package_id": use.package_id} | {name: getattr(use.observed, name) for name in names}
        for use in uses
    ]
    if rows:
        await connection.execute(_UPSERT_TOOL_READ, {"rows": _json(rows)})


async def _tell_programs(connection: AsyncConnection, uses: Sequence[_Use]) -> list[UsedBy]:
    """Which program made each use, where that can be told."""
    executed = await load_executed(connection, {use.observed.container_id for use in uses})
    found = []
    for use in uses:
        row = use.observed
        programs = executed.get((row.cluster_id, row.container_id), ())
        own = row.program_id if row.grade == Grade.EXECUTED else None
        program_id = own or find_program(row.process, row.pid, programs)
        if program_id:
            found.append(UsedBy(use.image_id, program_id, use.package_id, use.grade, row.path))
    return found


def _use_row(use: _Use) -> dict[str, Any]:
    observed = use.observed
    names = ("path", "process", "container_id", "cluster_id", "first_at", "last_at")
    return {
        "image_id": use.image_id,
        "package_id": use.package_id,
        "grade": use.grade,
        "grade_rank": use.grade.rank,
        **{name: getattr(observed, name) for name in names},
    }


def _used_events(uses: Iterable[_Use]) -> list[NewEvent]:
    packages: defaultdict[int, list[int]] = defaultdict(list)
    for use in uses:
        packages[use.image_id].append(use.package_id)
    return [
        NewEvent(
            EventType.PACKAGES_USED, f"image:{image_id}", {"image_id": image_id, "package_ids": sorted(package_ids)}
        )
        for image_id, package_ids in packages.items()
    ]


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()


def _program_events(image_ids: Iterable[int]) -> list[NewEvent]:
    return [
        NewEvent(EventType.PROGRAMS_USED_PACKAGES, f"image:{image_id}", {"image_id": image_id})
        for image_id in sorted(image_ids)
    ]
