"""Everything there is to say about an image tag in one place: what pages show, lists filter by and alerts carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.attribution import Attribution, Confidence
from deadlight.model.integrity import IntegrityStatus
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.registry.attestations.evidence import Provenance
from deadlight.registry.provenance import BuildEvidence, find_build_owner, party_of
from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.advisories.exploitation import EXPLOITATION
from deadlight.server.findings.sql import COUNTED, FINDINGS, IN_USE
from deadlight.server.registries.stored_facts import read_facts

_FACTS = text(
    """
    SELECT image_tag.id, image_tag.registry, image_tag.repository, image_tag.tag, image_tag.digest,
           image_tag.pinned_digest, image_tag.platform, image_tag.first_seen_at,
           verdict.status AS integrity_status, verdict.violation_type, verdict.expected_digest, verdict.reason,
           verdict.stale_reason, verdict.stale_since, verdict.judged_at,
           verdict.mutable, verdict.mutability_source, verdict.mutability_detail,
           violation.id AS violation_id, violation.severity AS violation_severity,
           violation.first_detected_at, violation.first_ever_detected_at, violation.occurrence, violation.evidence,
           source.problem AS source_problem, source.facts AS source_facts,
           scan.status AS scan_status, scan.error AS scan_error, scan.finished_at AS scanned_at,
           image.id AS image_id, image.annotations, image.config -> 'labels' AS labels, image.distribution,
           risk.critical, risk.high, risk.medium, risk.low, risk.unknown, risk.critical_applicable,
           risk.validated, risk.malicious,
           artifact.facts AS artifact, coalesce(artifact.problem, '') AS artifact_problem,
           pushed.by AS pushed_by, pushed.at AS pushed_at,
           registry.type AS registry_type, attestation.evidence -> 'provenance' AS provenance
    FROM image_tag
    LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
    LEFT JOIN violation ON violation.image_tag_id = image_tag.id AND violation.closed_at IS NULL
    LEFT JOIN source_record AS source
           ON source.registry = image_tag.registry AND source.repository = image_tag.repository
          AND source.reference = coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag)
    LEFT JOIN scan ON scan.image_tag_id = image_tag.id
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image ON image.id = image_tag_image.image_id
    LEFT JOIN image_risk AS risk ON risk.image_id = image.id
    LEFT JOIN artifact_facts AS artifact ON artifact.image_tag_id = image_tag.id
    LEFT JOIN registry ON registry.host = image_tag.registry
    LEFT JOIN attestation ON attestation.image_tag_id = image_tag.id
    LEFT JOIN LATERAL (
        SELECT tag_history.pushed_by AS by, tag_history.pushed_at AS at FROM tag_history
        WHERE tag_history.source_record_id = source.id AND tag_history.pushed_by <> ''
          AND (tag_history.digest = image_tag.digest
               OR verdict.status = 'No Issues' AND tag_history.digest = source.record ->> 'digest')
        ORDER BY tag_history.pushed_at DESC NULLS LAST LIMIT 1) AS pushed ON true
    WHERE image_tag.id = ANY(:image_tag_ids)
    """
)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image tag with its verdict, its scan, its risks and who built it."""

    row: Row[Any]
    """The columns of `_FACTS`."""

    @property
    def is_scanned(self) -> bool:
        """Whether its packages are known, and so its vulnerabilities as far as advisories go."""
        return self.row.critical is not None

    @property
    def severities(self) -> dict[Severity, int] | None:
        """Distinct vulnerabilities by severity; None while it is not scanned."""
        if not self.is_scanned:
            return None
        return {severity: getattr(self.row, severity.value.lower()) for severity in Severity}

    @property
    def risks(self) -> tuple[Risk, ...]:
        """Its badges, worst first."""
        status = self.row.integrity_status and IntegrityStatus(self.row.integrity_status)
        holds = {
            Risk.MALICIOUS: bool(self.row.malicious),
            Risk.INTEGRITY_VIOLATION: bool(status and status.is_violation),
            Risk.CRITICAL_APPLICABLE_CVES: bool(self.row.critical_applicable),
            Risk.UNTRUSTED_REGISTRY: status is IntegrityStatus.UNTRUSTED_REGISTRY,
        }
        return tuple(risk for risk in Risk if holds[risk])

    @property
    def artifact(self) -> ArtifactFacts:
        """What its registry's own API knows of it; empty where there is none or it has not answered yet."""
        return read_facts(self.row.artifact)

    @property
    def build_owner(self) -> Attribution | None:
        """Who built it, where provenance, its registry or the image says."""
        return find_build_owner(
            BuildEvidence(
                msgspec.convert(self.row.provenance or (), tuple[Provenance, ...]),
                self.artifact.build,
                self.row.annotations or {},
                self.row.labels or {},
            )
        )

    @property
    def pushed_by(self) -> Attribution | None:
        """Who pushed it, where its registry's own API says, or said of its tag, or its webhook told."""
        artifact, row = self.artifact, self.row
        recorded = (artifact.pushed_by, artifact.pushed_at, "record of the push")
        told = (row.pushed_by, row.pushed_at, "report of the push to its tag")
        name, at, kind = recorded if artifact.pushed_by else told
        if not name:
            return None
        source = f"{row.registry}'s {kind}"
        return Attribution(name, source, Confidence.RECORDED, party_of(name), link=artifact.link, at=at)


async def load_image_facts(connection: AsyncConnection, image_tag_ids: Sequence[int]) -> Mapping[int, ImageFacts]:
    """Facts by image tag id; ids that are not there are left out."""
    rows = await connection.execute(_FACTS, {"image_tag_ids": list(image_tag_ids)})
    return {row.id: ImageFacts(row) for row in rows}


_TOP_VULNERABILITIES = text(
    f"""
    SELECT vulnerability.id, vulnerability.name, vulnerability.severity, vulnerability.severity_rank,
           vulnerability.severity_source, vulnerability.cvss_score, vulnerability.cvss_vector, vulnerability.summary,
           vulnerability.malicious, {EXPLOITATION},
           coalesce(max(applicability.status) FILTER (WHERE applicability.status = 'applicable'),
                    max(applicability.status), :unless_judged) AS applicability,
           max(vulnerability_match.fix_version) AS fix_version,
           bool_or(package_use.grade IS NOT NULL) AS validated,
           jsonb_agg(DISTINCT jsonb_build_object('component_id', package.purl, 'name', package.name,
                                                 'version', package.version)) AS components
    FROM {FINDINGS} {IN_USE}
    JOIN package ON package.id = image_package.package_id
    WHERE image_package.image_id = :image_id AND {COUNTED}
    GROUP BY vulnerability.id
    ORDER BY vulnerability.severity_rank DESC, bool_or(package_use.grade IS NOT NULL) DESC,
             vulnerability.cvss_score DESC NULLS LAST, vulnerability.name
    LIMIT :limit
    """  # noqa: S608 - constant
)


async def list_vulnerabilities(connection: AsyncConnection, image_id: int, limit: int) -> Sequence[Row[Any]]:
    """An image's vulnerabilities, the most severe and those seen running first."""
    parameters = {"image_id": image_id, "limit": limit, "unless_judged": "not_covered"}
    return (await connection.execute(_TOP_VULNERABILITIES, parameters)).all()
