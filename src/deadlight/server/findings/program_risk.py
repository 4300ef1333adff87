"""What is wrong with the packages that each program of an image uses: the risks of processes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import Severity
from deadlight.server.events.relay import CHANGES_CHANNEL
from deadlight.server.findings.risk import Finding, summarise

_USES = text("SELECT image_id, program_id, package_id FROM program_package WHERE image_id = ANY(:image_ids)")

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
    risk = summarise(finding for finding in findings if finding.package_id in package_ids)
    severities = {severity.value.lower(): risk.severities[severity] for severity in Severity}
    return {**severities, "critical_applicable": risk.critical_applicable, "malicious": risk.malicious}


async def update_program_risks(connection: AsyncConnection, findings: Mapping[int, Sequence[Finding]]) -> None:
    """Compute the risks of the programs of images anew from the images' findings, and store them where they changed.

    The caller holds the images' row locks.
    """
    used: defaultdict[tuple[int, UUID], set[int]] = defaultdict(set)
    for row in await connection.execute(_USES, {"image_ids": sorted(findings)}):
        used[row.image_id, row.program_id].add(row.package_id)
    if not used:
        return
    rows: list[dict[str, Any]] = [
        {"image_id": image_id, "program_id": program_id, **summarise_program(findings[image_id], package_ids)}
        for (image_id, program_id), package_ids in used.items()
    ]
    stored = await connection.execute(_UPSERT, {"rows": msgspec.json.encode(rows).decode()})
    if stored.rowcount:
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'image_risk')"))
