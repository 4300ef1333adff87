"""The page of a process: where it runs, what is wrong with what it uses and which files it touched."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.live_list import TimePeriod
from deadlight.model.vulnerability import Applicability
from deadlight.model.workload import RuntimeStatus
from deadlight.server.advisories.exploitation import EXPLOITATION
from deadlight.server.assessment.image_page import build_rows
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.assessment.processes import find_process
from deadlight.server.assessment.workload_schemas import (
    AccessedFile,
    LiveProcess,
    ProcessDetail,
    ProcessFinding,
    ProcessWorkload,
)
from deadlight.server.assessment.workloads import load_nodes
from deadlight.server.errors import NotFoundError
from deadlight.server.runtime.processes import OF_PROGRAM

WORKLOADS_LISTED = 100
WORKLOADS_ASKED = 50
CONTAINERS_ASKED = 200
FILES_LISTED = 2_000

_WORKLOADS = text(
    """
    SELECT workload.id, workload.name, workload.namespace, workload.kind, workload.kind_name, workload.cluster_id,
           cluster.name AS cluster, cluster.provider, placement.running, process.first_at, process.last_at
    FROM process
    JOIN placement USING (workload_id, image_tag_id)
    JOIN workload ON workload.id = process.workload_id
    JOIN cluster ON cluster.id = workload.cluster_id
    WHERE process.program_id = :program_id AND process.image_tag_id = :image_tag_id
      AND process.workload_id = ANY(:workload_ids)
    ORDER BY array_position(:workload_ids, workload.id)
    """
)

_FIRST_SEEN = text("SELECT min(first_at) FROM process WHERE program_id = :program_id AND image_tag_id = :image_tag_id")

# In three steps: planning it as one join of ten tables takes longer than answering it. LATERAL with LIMIT looks each
# package and vulnerability up by its key, as few as they are.
_FINDINGS = text(
    f"""
    WITH used AS MATERIALIZED (
        SELECT wanted.image_tag_id, program_package.*
        FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS wanted(image_tag_id bigint, program_id uuid)
        JOIN image_tag_image USING (image_tag_id)
        JOIN program_package USING (image_id, program_id)
        WHERE EXISTS (SELECT FROM image_package WHERE image_package.image_id = program_package.image_id
                        AND image_package.package_id = program_package.package_id
                        AND image_package.owner_package_id IS NULL)
    ), found AS MATERIALIZED (
        SELECT used.image_tag_id, used.program_id, used.image_id, used.package_id, used.grade, used.path,
               vulnerability_id, max(match.fix_version) AS fix_version
        FROM used
        JOIN vulnerability_match AS match ON match.package_id = used.package_id AND match.closed_at IS NULL
        JOIN advisory_vulnerability USING (advisory_id)
        GROUP BY used.image_tag_id, used.program_id, used.image_id, used.package_id, used.grade, used.path,
                 vulnerability_id
    )
    SELECT found.image_tag_id, found.program_id, vulnerability.name, vulnerability.severity,
           vulnerability.severity_source, vulnerability.cvss_score, vulnerability.summary, vulnerability.malicious,
           {EXPLOITATION}, package.name AS package, package.version, package.purl,
           found.fix_version, applicability.status AS applicability, found.grade, found.path
    FROM found
    JOIN LATERAL (SELECT * FROM package WHERE package.id = found.package_id LIMIT 1) AS package ON true
    JOIN LATERAL (SELECT * FROM vulnerability WHERE vulnerability.id = found.vulnerability_id LIMIT 1)
      AS vulnerability ON true
    LEFT JOIN applicability USING (image_id, package_id, vulnerability_id)
    ORDER BY vulnerability.malicious DESC, vulnerability.severity_rank DESC, vulnerability.cvss_score DESC NULLS LAST,
             vulnerability.name, package.name
    LIMIT 20000
    """  # noqa: S608 - constant
)

# Of the workloads and containers that executed it last: a sidecar of a whole fleet opens the same files everywhere.
_FILES = text(
    f"""
    WITH latest AS MATERIALIZED (
        SELECT workload_id FROM process WHERE program_id = :program_id AND image_tag_id = :image_tag_id
        ORDER BY last_at DESC LIMIT :workloads
    ), executed AS (
        SELECT executed.cluster_id, executed.container_id, program.name AS process, executed.pid
        FROM latest
        JOIN pod ON pod.workload_id = latest.workload_id
        JOIN container ON container.pod_id = pod.id AND container.image_tag_id = :image_tag_id
        JOIN execution AS executed ON executed.container_id = container.container_id
         AND executed.cluster_id = container.cluster_id AND executed.program_id = :program_id
        JOIN program ON program.id = executed.program_id
        ORDER BY container.removed_at IS NOT NULL, executed.last_at DESC LIMIT :containers
    )
    SELECT seen.path, seen.grade, bool_or(seen.changed) AS changed, sum(seen.count)::bigint AS times,
           count(DISTINCT seen.container_id) AS containers, min(seen.first_at) AS first_at, max(seen.last_at) AS last_at
    FROM executed JOIN observation AS seen
      ON seen.cluster_id = executed.cluster_id AND seen.container_id = executed.container_id
     AND seen.grade IN ('mapped', 'opened') AND {OF_PROGRAM}
    GROUP BY seen.path, seen.grade
    ORDER BY bool_or(seen.changed) DESC, seen.path, seen.grade LIMIT :limit
    """  # noqa: S608 - constant
)


_USERS = text(
    """
    SELECT DISTINCT recent.user_id FROM (
        SELECT user_id FROM execution WHERE program_id = :program_id AND user_id IS NOT NULL
          AND EXISTS (SELECT FROM container WHERE container.container_id = execution.container_id
                        AND container.cluster_id = execution.cluster_id AND container.image_tag_id = :image_tag_id)
        ORDER BY last_at DESC LIMIT :containers) AS recent
    ORDER BY recent.user_id
    """
)


async def build_process(
    connection: AsyncConnection, live: LiveIndex, image_tag_id: int, program_id: UUID
) -> ProcessDetail:
    """The page's head; raises NotFoundError."""
    process, workload_ids = await _get(connection, live, image_tag_id, program_id)
    key = {"program_id": program_id, "image_tag_id": image_tag_id}
    places = (await connection.execute(_WORKLOADS, {**key, "workload_ids": workload_ids[:WORKLOADS_LISTED]})).all()
    nodes = await load_nodes(connection, [row.id for row in places])
    first_seen_at = (await connection.execute(_FIRST_SEEN, key)).scalar_one()
    users = (await connection.execute(_USERS, {**key, "containers": CONTAINERS_ASKED})).scalars().all()
    (image_tag,) = await build_rows(connection, [image_tag_id], TimePeriod.TEN_DAYS)
    return ProcessDetail(
        **process.model_dump(),
        first_seen_at=first_seen_at or process.last_seen_at,
        users=list(users),
        image_tag=image_tag,
        workloads=[_workload(row, nodes.get(row.id, [])) for row in places],
    )


async def _get(
    connection: AsyncConnection, live: LiveIndex, image_tag_id: int, program_id: UUID
) -> tuple[LiveProcess, list[int]]:
    found = await find_process(connection, live, image_tag_id, program_id)
    if found is None:
        raise NotFoundError("no such process: what has not run for ten days is forgotten")
    return found


def _workload(row: Row[Any], nodes: list[str]) -> ProcessWorkload:
    return ProcessWorkload(
        id=row.id,
        name=row.name,
        namespace=row.namespace,
        kind=row.kind_name or row.kind,
        cluster=row.cluster,
        cluster_id=row.cluster_id,
        provider=row.provider,
        nodes=nodes,
        runtime_status=RuntimeStatus.RUNNING if row.running else RuntimeStatus.STOPPED,
        first_seen_at=row.first_at,
        last_seen_at=row.last_at,
    )


async def list_process_findings(
    connection: AsyncConnection, live: LiveIndex, image_tag_id: int, program_id: UUID
) -> list[ProcessFinding]:
    """What is known of the packages it was seen to use, the worst first; raises NotFoundError."""
    await _get(connection, live, image_tag_id, program_id)
    rows = await load_program_findings(connection, [(image_tag_id, program_id)])
    return [
        ProcessFinding(
            vulnerability=row.name,
            severity=row.severity,
            severity_source=row.severity_source,
            cvss_score=row.cvss_score,
            summary=row.summary,
            malicious=row.malicious,
            exploitation=row.exploitation,
            epss=row.epss,
            package=row.package,
            version=row.version,
            fix_version=row.fix_version,
            applicability=Applicability(row.applicability or Applicability.NOT_COVERED),
            grade=row.grade,
            evidence_path=row.path,
        )
        for row in rows
    ]


async def load_program_findings(
    connection: AsyncConnection, processes: Iterable[tuple[int, UUID]]
) -> Sequence[Row[Any]]:
    """Findings of the packages that processes, told by image tag and program, were seen to use; the worst first."""
    wanted = [{"image_tag_id": image_tag_id, "program_id": program_id} for image_tag_id, program_id in processes]
    return (await connection.execute(_FINDINGS, {"wanted": msgspec.json.encode(wanted).decode()})).all()


async def list_accessed_files(
    connection: AsyncConnection, live: LiveIndex, image_tag_id: int, program_id: UUID
) -> list[AccessedFile]:
    """What it opened or mapped as code in the containers that executed it last; raises NotFoundError."""
    await _get(connection, live, image_tag_id, program_id)
    parameters = {"program_id": program_id, "image_tag_id": image_tag_id}
    limits = {"workloads": WORKLOADS_ASKED, "containers": CONTAINERS_ASKED, "limit": FILES_LISTED}
    return [
        AccessedFile(
            path=row.path,
            grade=row.grade,
            changed=row.changed,
            count=row.times,
            containers=row.containers,
            first_at=row.first_at,
            last_at=row.last_at,
        )
        for row in await connection.execute(_FILES, parameters | limits)
    ]
