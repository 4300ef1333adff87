"""Contextual analysis of Go programs: which vulnerable functions were linked into those of an image."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import VulnerableImport
from deadlight.scanner import GO_RECORDS, LinkedFunctions, go_records, judge_linked_functions, load_functions

# Only records of Go's own database say what to look for.
_CANDIDATES = text(
    """
    SELECT image_package.image_id, package.id AS package_id, advisory_vulnerability.vulnerability_id,
           array_agg(DISTINCT image_package.location) AS locations,
           jsonb_object_agg(affected.advisory_id, coalesce(affected.document -> 'imports', '[]')) AS imports
    FROM image_package
    JOIN package ON package.id = image_package.package_id
    JOIN vulnerability_match ON vulnerability_match.package_id = package.id
                            AND vulnerability_match.closed_at IS NULL
    JOIN affected ON affected.advisory_id = vulnerability_match.advisory_id
                 AND affected.ecosystem = package.ecosystem AND affected.name = package.source_name
    JOIN advisory_vulnerability ON advisory_vulnerability.advisory_id = affected.advisory_id
    WHERE image_package.image_id = ANY(:image_ids) AND image_package.owner_package_id IS NULL
      AND package.ecosystem = 'Go' AND starts_with(affected.advisory_id, :go_records)
      AND (CAST(:vulnerability_ids AS bigint[]) IS NULL
           OR advisory_vulnerability.vulnerability_id = ANY(CAST(:vulnerability_ids AS bigint[])))
    GROUP BY image_package.image_id, package.id, advisory_vulnerability.vulnerability_id
    ORDER BY image_package.image_id
    """
)
_FACTS = text("SELECT facts FROM call_evidence WHERE image_id = :image_id")


class _Facts(msgspec.Struct, frozen=True):
    """Of what is kept for contextual analysis, the part about Go."""

    go_programs: dict[str, bytes] = {}


async def judge_go(
    connection: AsyncConnection, image_ids: Sequence[int], vulnerability_ids: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Rows of `applicability` for vulnerabilities of Go modules, all or some; one image after the other in memory."""
    some = None if vulnerability_ids is None else list(vulnerability_ids)
    parameters = {"image_ids": list(image_ids), "go_records": GO_RECORDS, "vulnerability_ids": some}
    candidates = await connection.execute(_CANDIDATES, parameters)
    rows: list[dict[str, Any]] = []
    for image_id, concerning in groupby(candidates.all(), key=lambda row: row.image_id):
        facts = (await connection.execute(_FACTS, {"image_id": image_id})).scalar_one_or_none()
        if facts is not None:
            rows += _judge(list(concerning), msgspec.msgpack.decode(facts, type=_Facts).go_programs)
    return rows


def _judge(candidates: Sequence[Row[Any]], programs: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """The judgements of one image, each of whose programs is unpacked once."""
    locations = {location for row in candidates for location in row.locations}
    functions = {location: load_functions(programs, location) for location in sorted(locations)}
    for row in candidates:
        yield _row(row, {f"/{location}": functions[location] for location in row.locations})


def _row(row: Row[Any], programs: Mapping[str, LinkedFunctions | None]) -> dict[str, Any]:
    imports = msgspec.convert(row.imports, dict[str, tuple[VulnerableImport, ...]])
    result = judge_linked_functions(go_records(imports), programs)
    return {
        "image_id": row.image_id,
        "package_id": row.package_id,
        "vulnerability_id": row.vulnerability_id,
        "status": result.status.value,
        "reason": result.reason,
        "evidence": msgspec.to_builtins(result.evidence),
    }
