"""What only the database knows: which images have a weakness or package, and which workloads a node or process."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.live_vectors import Ints

# One array: as rows, thousands of ids take longer to read than to find.
_CVES = text(
    """
    SELECT array_agg(image_package.image_id)
    FROM vulnerability_alias
    JOIN advisory_vulnerability USING (vulnerability_id)
    JOIN vulnerability_match ON vulnerability_match.advisory_id = advisory_vulnerability.advisory_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN image_package ON image_package.package_id = vulnerability_match.package_id
                      AND image_package.owner_package_id IS NULL
    WHERE vulnerability_alias.name = ANY(:cves)
    """
)

_PACKAGES = text(
    """
    SELECT array_agg(image_package.image_id)
    FROM package JOIN image_package ON image_package.package_id = package.id
    WHERE (CAST(:packages AS text[]) IS NULL OR package.name = ANY(:packages))
      AND (CAST(:package_versions AS text[]) IS NULL OR package.version = ANY(:package_versions))
    """
)

_COMPONENTS = text(
    """
    SELECT array_agg(image_package.image_id)
    FROM unnest(CAST(:names AS text[]), CAST(:versions AS text[])) AS wanted(name, version)
    JOIN package ON package.name = wanted.name AND wanted.version IN ('', package.version)
    JOIN image_package ON image_package.package_id = package.id
    """
)

_NODES = text(
    """
    SELECT DISTINCT pod.workload_id, container.image_tag_id
    FROM pod JOIN container ON container.pod_id = pod.id
    WHERE pod.node_name = ANY(:nodes) AND pod.workload_id IS NOT NULL AND container.image_tag_id IS NOT NULL
      AND (coalesce(container.removed_at, pod.removed_at) IS NULL
           OR coalesce(container.removed_at, pod.removed_at) > now() - CAST(:period AS interval))
    """
)

_PROCESSES = text(
    """
    SELECT DISTINCT process.workload_id, process.image_tag_id
    FROM program JOIN process ON process.program_id = program.id
    WHERE (CAST(:processes AS text[]) IS NULL OR program.name = ANY(:processes))
      AND (CAST(:paths AS text[]) IS NULL OR program.path = ANY(:paths))
      AND (CAST(:hashes AS text[]) IS NULL OR program.sha256 = ANY(:hashes))
    """
)


@dataclass(frozen=True, slots=True)
class Lookups:
    """By filter: ids of images, and pairs of workload id and image tag id, that meet it."""

    images: dict[str, Ints] = field(default_factory=dict)
    placements: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


async def look_up(connection: AsyncConnection, wanted: ImageFilter) -> Lookups:
    """Ask for those of the filter's conditions that columns in memory do not answer."""
    found = Lookups()
    for name, statement, parameters in _image_questions(wanted):
        ids = (await connection.execute(statement, parameters)).scalar_one()
        found.images[name] = np.array(ids or (), np.int64)
    for name, statement, parameters in _place_questions(wanted):
        rows = (await connection.execute(statement, parameters)).all()
        found.placements[name] = [(row.workload_id, row.image_tag_id) for row in rows]
    return found


_Question = tuple[str, Any, dict[str, Any]]


def _image_questions(wanted: ImageFilter) -> list[_Question]:
    questions: list[_Question] = []
    if wanted.cves:
        questions.append(("cves", _CVES, {"cves": list(wanted.cves)}))
    if wanted.packages or wanted.package_versions:
        names, versions = list(wanted.packages) or None, list(wanted.package_versions) or None
        questions.append(("packages", _PACKAGES, {"packages": names, "package_versions": versions}))
    if wanted.components:
        names, versions = [item.name for item in wanted.components], [item.version for item in wanted.components]
        questions.append(("components", _COMPONENTS, {"names": names, "versions": versions}))
    return questions


def _place_questions(wanted: ImageFilter) -> list[_Question]:
    questions: list[_Question] = []
    if wanted.nodes:
        parameters = {"nodes": list(wanted.nodes), "period": wanted.period.length}
        questions.append(("nodes", _NODES, parameters))
    if wanted.processes or wanted.paths or wanted.hashes:
        names = {"processes": wanted.processes, "paths": wanted.paths, "hashes": wanted.hashes}
        parameters = {name: list(values) or None for name, values in names.items()}
        questions.append(("processes", _PROCESSES, parameters))
    return questions
