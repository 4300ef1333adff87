"""How far each vulnerability of an image gets in the funnel, packed for the index that answers people's questions.

The truth stays normalised in its tables; this is what can be computed from them, and is computed again whenever one of
them changes. Each image has one packed set of `vulnerability id << 3 | stage` (docs/adr/0007-risk-index.md).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import Applicability, Severity, Stage, furthest_stage
from deadlight.server.events.relay import CHANGES_CHANNEL
from deadlight.server.tables.findings import image_risk, risk_version

STAGE_BITS = 3

RISK_STATE = "2"
"""Another one with everything more that is said of an image."""

APPLICABILITY_BITS = {
    Applicability.APPLICABLE: 1,
    Applicability.NOT_APPLICABLE: 2,
    Applicability.UNDETERMINED: 4,
    Applicability.NOT_COVERED: 8,
    Applicability.RESCAN_REQUIRED: 16,
    Applicability.UPGRADE_REQUIRED: 32,
    Applicability.NOT_SCANNED: 64,
}
"""As `image_risk.applicabilities` has them."""

# Findings of images: what their packages match, what contextual analysis said and what sensors saw. A package that
# the distribution ships is matched through the distribution's own package.
FINDINGS = text(
    """
    SELECT DISTINCT image_package.image_id, image_package.package_id, vulnerability.id AS vulnerability_id,
           vulnerability.severity, vulnerability.malicious, vulnerability_match.fix_version,
           coalesce(applicability.status, :unless_judged) AS applicability,
           package_use.grade IS NOT NULL AS validated
    FROM image_package
    JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
    LEFT JOIN applicability ON applicability.image_id = image_package.image_id
                           AND applicability.package_id = image_package.package_id
                           AND applicability.vulnerability_id = vulnerability.id
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id
                         AND package_use.package_id = image_package.package_id
    WHERE image_package.image_id = ANY(:image_ids) AND image_package.owner_package_id IS NULL
    """
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a package on an image."""

    image_id: int
    package_id: int
    vulnerability_id: int
    severity: Severity
    malicious: bool
    fixable: bool
    applicability: Applicability
    validated: bool

    @property
    def stage(self) -> Stage:
        """How far it gets in the funnel."""
        return furthest_stage(self.severity, self.applicability, fixable=self.fixable, validated=self.validated)


@dataclass(frozen=True, slots=True)
class ImageRisk:
    """What an image's row says: the furthest stage of each vulnerability and counts of distinct vulnerabilities."""

    stages: Mapping[int, Stage]
    severities: Mapping[Severity, int]
    critical_applicable: int
    validated: int
    malicious: int
    applicabilities: int
    """What contextual analysis found of any of them, as `APPLICABILITY_BITS`."""


def summarise(findings: Iterable[Finding]) -> ImageRisk:
    """The risk of one image from its findings. Pure."""
    stages: dict[int, Stage] = {}
    severity: dict[int, Severity] = {}
    critical_applicable: set[int] = set()
    validated: set[int] = set()
    malicious: set[int] = set()
    applicabilities = 0
    for finding in findings:
        applicabilities |= APPLICABILITY_BITS[finding.applicability]
        vulnerability_id, stage = finding.vulnerability_id, finding.stage
        if stage > stages.get(vulnerability_id, -1):
            stages[vulnerability_id] = stage
        severity[vulnerability_id] = finding.severity
        if finding.severity is Severity.CRITICAL and finding.applicability is Applicability.APPLICABLE:
            critical_applicable.add(vulnerability_id)
        if finding.validated:
            validated.add(vulnerability_id)
        if finding.malicious:
            malicious.add(finding.package_id)
    counts = Counter(severity.values())
    return ImageRisk(
        stages,
        {level: counts[level] for level in Severity},
        len(critical_applicable),
        len(validated),
        len(malicious),
        applicabilities,
    )


def pack(stages: Mapping[int, Stage]) -> bytes:
    """Sorted little-endian uint32 values `vulnerability id << 3 | stage`."""
    values = np.fromiter((id_ << STAGE_BITS | stage for id_, stage in stages.items()), "<u4", len(stages))
    values.sort()
    return values.tobytes()


def unpack(packed: bytes) -> dict[int, Stage]:
    """What `pack` was given."""
    return {int(value) >> STAGE_BITS: Stage(int(value) & 7) for value in np.frombuffer(packed, "<u4")}


@dataclass(frozen=True, slots=True)
class RiskChange:
    """What became of an image's vulnerabilities."""

    image_id: int
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    advanced: tuple[int, ...] = ()
    """Those that got further in the funnel."""
    badges_changed: bool = False
    """Whether the image got or lost a risk, which may be without any of these: a severity or a judgement changed."""

    @property
    def is_news(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.advanced or self.badges_changed)


# Twenty times as fast as making a member out of its value, for thousands of findings of an image.
_SEVERITIES = {severity.value: severity for severity in Severity}
_APPLICABILITIES = {applicability.value: applicability for applicability in Applicability}


async def load_findings(connection: AsyncConnection, image_ids: Sequence[int]) -> dict[int, list[Finding]]:
    """The findings of images; a vulnerability that several advisories report for a package is one finding."""
    parameters = {"image_ids": list(image_ids), "unless_judged": Applicability.NOT_COVERED.value}
    merged: dict[tuple[int, int, int], Finding] = {}
    for row in await connection.execute(FINDINGS, parameters):
        key = (row.image_id, row.package_id, row.vulnerability_id)
        known = merged.get(key)
        merged[key] = Finding(
            *key,
            _SEVERITIES[row.severity],
            row.malicious,
            bool(row.fix_version) or (known is not None and known.fixable),
            _APPLICABILITIES[row.applicability],
            row.validated,
        )
    findings: dict[int, list[Finding]] = {image_id: [] for image_id in image_ids}
    for finding in merged.values():
        findings[finding.image_id].append(finding)
    return findings


async def update_risk(
    connection: AsyncConnection, findings: Mapping[int, Sequence[Finding]], state: str
) -> list[RiskChange]:
    """Compute the risk of images anew from their findings, and store it where it changed; returns what changed.

    The caller holds the images' row locks. `state` names what it is computed with; under another one it is computed
    again.
    """
    ordered = sorted(findings)
    query = select(image_risk).where(image_risk.c.image_id.in_(ordered))
    before = {row.image_id: row for row in await connection.execute(query)}
    changes = []
    for image_id in ordered:
        risk = summarise(findings[image_id])
        values = _row_values(risk) | {"state": state}
        row = before.get(image_id)
        if row is None or any(getattr(row, name) != value for name, value in values.items()):
            await _store(connection, image_id, values)
            change = _compare(image_id, unpack(row.packed) if row else {}, risk.stages)
            changes.append(replace(change, badges_changed=_badges(row) != _badges(risk)))
    if changes:
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'image_risk')"))
    return changes


def _badges(risk: ImageRisk | Row[Any] | None) -> tuple[bool, bool]:
    """Whether it is a risk by critical applicable vulnerabilities, and by malicious packages."""
    return (bool(risk.critical_applicable), bool(risk.malicious)) if risk else (False, False)


def _compare(image_id: int, before: Mapping[int, Stage], after: Mapping[int, Stage]) -> RiskChange:
    return RiskChange(
        image_id,
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(before.keys() - after.keys())),
        tuple(sorted(id_ for id_, stage in after.items() if id_ in before and stage > before[id_])),
    )


def _row_values(risk: ImageRisk) -> dict[str, Any]:
    return {
        "packed": pack(risk.stages),
        "critical": risk.severities[Severity.CRITICAL],
        "high": risk.severities[Severity.HIGH],
        "medium": risk.severities[Severity.MEDIUM],
        "low": risk.severities[Severity.LOW],
        "unknown": risk.severities[Severity.UNKNOWN],
        "critical_applicable": risk.critical_applicable,
        "validated": risk.validated,
        "malicious": risk.malicious,
        "applicabilities": risk.applicabilities,
    }


async def _store(connection: AsyncConnection, image_id: int, values: Mapping[str, Any]) -> None:
    fresh = {**values, "version": risk_version.next_value(), "computed_at": text("now()")}
    statement = insert(image_risk).values(image_id=image_id, **fresh)
    await connection.execute(statement.on_conflict_do_update(index_elements=["image_id"], set_=fresh))
