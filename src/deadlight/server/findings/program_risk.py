"""What is wrong with the packages that each program of an image uses: the risks of processes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import Severity
from deadlight.server.events.relay import CHANGES_CHANNEL
from deadlight.server.findings.risk import Finding, summarise
from deadlight.server.findings.stored_risk import load_findings

_USES = "SELECT image_id, program_id, package_id FROM program_package WHERE image_id = ANY(:image_ids)"
_ALL_USES = text(_USES)
_USES_WITH = text(
    f"""
    {_USES} AND (image_id, program_id) IN (
        SELECT image_id, program_id FROM program_package
        WHERE image_id = ANY(:image_ids) AND package_id = ANY(:package_ids))
    """  # noqa: S608 - constant
)

_COUNTS = ("critical", "high", "medium", "low", "unknown", "critical_applicable", "malicious")

# Only what changed is written, and only what changed is told of.
_UPSERT = text(
    f"""
    INSERT INTO program_risk (image_id, program_id, {", ".join(_COUNTS)})
    SELECT row.image_id, row.program_id, {", ".join(f"row.{name}" for name in _COUNTS)}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_id bigint, program_id uuid,
         {", ".join(f"{name} integer" for name in _COUNTS)})
    JOIN program ON program.id = row.program_id
    ORDER BY row.image_id, row.program_id
    ON CONFLICT (image_id, program_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _COUNTS)}
    WHERE ({", ".join(f"program_risk.{name}" for name in _COUNTS)})
          IS DISTINCT FROM ({", ".join(f"EXCLUDED.{name}" for name in _COUNTS)})
    """  # noqa: S608 - constants
)


def summarise_program(findings: Iterable[Finding], package_ids: set[int]) -> dict[str, int]:
    """Counts of distinct vulnerabilities among the packages that a program uses. Pure."""
    risk = summarise(finding for finding in findings if finding.package_id in package_ids).count()
    severities = {severity.value.lower(): risk.severities[severity] for severity in Severity}
    return {**severities, "critical_applicable": risk.critical_applicable, "malicious": risk.malicious}


async def update_program_risks(
    connection: AsyncConnection, image_ids: Sequence[int], package_ids: Sequence[int] | None = None
) -> None:
    """Compute the risks of the programs of images anew, and store them where they changed.

    With `package_ids` only those of programs that use any of these. The caller holds the images' row locks.
    """
    parameters = {"image_ids": list(image_ids), "package_ids": list(package_ids or ())}
    used: defaultdict[tuple[int, UUID], set[int]] = defaultdict(set)
    for row in await connection.execute(_ALL_USES if package_ids is None else _USES_WITH, parameters):
        used[row.image_id, row.program_id].add(row.package_id)
    if not used:
        return
    packages = {(image_id, package_id) for (image_id, _), of_program in used.items() for package_id in of_program}
    findings = await load_findings(connection, sorted({item[0] for item in packages}), packages=packages)
    rows: list[dict[str, Any]] = [
        {"image_id": image_id, "program_id": program_id, **summarise_program(findings[image_id], of_program)}
        for (image_id, program_id), of_program in used.items()
    ]
    stored = await connection.execute(_UPSERT, {"rows": msgspec.json.encode(rows).decode()})
    if stored.rowcount:
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'image_risk')"))
