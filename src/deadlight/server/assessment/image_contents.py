"""What is in an image: its packages, its vulnerabilities and the evidence for both."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory
from deadlight.model.vulnerability import Applicability
from deadlight.server.assessment.image_schemas import (
    AdvisoryOut,
    AffectedPackage,
    FindingDetail,
    FindingRow,
    ImageFindings,
    ImagePackages,
    PackageRow,
)
from deadlight.server.errors import NotFoundError

MAX_ROWS = 10_000
MAX_REFERENCES = 50
MAX_DETAILS_LENGTH = 20_000

_PACKAGES = text(
    """
    WITH known AS (
        SELECT vulnerability_match.package_id, count(DISTINCT advisory_vulnerability.vulnerability_id) AS count
        FROM image_tag_image JOIN image_package USING (image_id)
        JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                                AND vulnerability_match.closed_at IS NULL
        JOIN advisory_vulnerability USING (advisory_id)
        WHERE image_tag_image.image_tag_id = :image_tag_id
        GROUP BY vulnerability_match.package_id
    )
    SELECT package.*, image_package.location, image_package.layer_digest, owner.purl AS owned_by,
           package_use.grade, package_use.path AS evidence_path, package_use.process AS evidence_process,
           package_use.first_at, count(*) OVER () AS total,
           CASE WHEN image_package.owner_package_id IS NULL THEN coalesce(known.count, 0) ELSE 0 END AS vulnerabilities
    FROM image_tag_image JOIN image_package USING (image_id)
    JOIN package ON package.id = image_package.package_id
    LEFT JOIN known ON known.package_id = package.id
    LEFT JOIN package AS owner ON owner.id = image_package.owner_package_id
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id
                         AND package_use.package_id = image_package.package_id
    WHERE image_tag_image.image_tag_id = :image_tag_id
    ORDER BY package.ecosystem, package.name, package.version, image_package.location LIMIT :limit
    """
)

# A package that the distribution ships is matched through the distribution's own package.
_FOUND = """
    FROM image_tag_image JOIN image_package USING (image_id)
    JOIN package ON package.id = image_package.package_id
    JOIN vulnerability_match ON vulnerability_match.package_id = package.id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
    LEFT JOIN applicability ON applicability.image_id = image_package.image_id
                           AND applicability.package_id = package.id
                           AND applicability.vulnerability_id = vulnerability.id
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id AND package_use.package_id = package.id
    WHERE image_tag_image.image_tag_id = :image_tag_id AND image_package.owner_package_id IS NULL
"""

_FIX_VERSION = "coalesce(string_agg(DISTINCT nullif(vulnerability_match.fix_version, ''), ', '), '') AS fix_version"
"""More than one where several release lines are maintained."""

_FINDINGS = text(
    f"""
    SELECT vulnerability.name, vulnerability.aliases, vulnerability.severity, vulnerability.cvss_score,
           vulnerability.summary, vulnerability.malicious,
           package.id AS package_id, package.name AS package, package.version, package.ecosystem, {_FIX_VERSION},
           applicability.status, package_use.grade, package_use.path AS evidence_path,
           package_use.process AS evidence_process, count(*) OVER () AS total
    {_FOUND}
    GROUP BY vulnerability.id, package.id, applicability.status, package_use.grade, package_use.path,
             package_use.process
    ORDER BY vulnerability.malicious DESC, vulnerability.severity_rank DESC, package_use.grade IS NULL,
             vulnerability.cvss_score DESC NULLS LAST, vulnerability.name, package.name
    LIMIT :limit
    """
)

_AFFECTED = text(
    f"""
    SELECT vulnerability.id AS vulnerability_id,
           package.id AS package_id, package.name, package.version, package.ecosystem, package.purl, {_FIX_VERSION},
           array_agg(DISTINCT image_package.location) AS locations,
           array_agg(DISTINCT vulnerability_match.advisory_id) AS advisories,
           min(image_package.layer_digest) AS layer_digest, applicability.status, applicability.reason,
           applicability.evidence, package_use.grade, package_use.path AS evidence_path,
           package_use.process AS evidence_process, package_use.first_at, package_use.last_at
    {_FOUND} AND vulnerability.name = :vulnerability
    GROUP BY vulnerability.id, package.id, applicability.status, applicability.reason, applicability.evidence,
             package_use.grade, package_use.path, package_use.process, package_use.first_at, package_use.last_at
    ORDER BY package_use.grade IS NULL, package.name, package.version LIMIT 200
    """
)

_VULNERABILITY = text("SELECT * FROM vulnerability WHERE id = :id")
_ADVISORIES = text(
    """
    SELECT document FROM advisory JOIN advisory_vulnerability ON advisory_vulnerability.advisory_id = advisory.id
    WHERE advisory_vulnerability.vulnerability_id = :id AND advisory.withdrawn_at IS NULL
    ORDER BY advisory.id LIMIT 100
    """
)

_COUNTS = text(
    f"""
    SELECT count(DISTINCT (vulnerability.id, package.id)) AS findings,
           count(DISTINCT vulnerability.id) FILTER (WHERE applicability.status = 'applicable') AS applicable
    {_FOUND}
    """
)


class FindingCounts(NamedTuple):
    """How many findings an image has, and how many distinct vulnerabilities of it are applicable."""

    findings: int
    applicable: int


async def count_findings(connection: AsyncConnection, image_tag_id: int) -> FindingCounts:
    """Of one image."""
    return FindingCounts(*(await connection.execute(_COUNTS, {"image_tag_id": image_tag_id})).one())


async def list_packages(connection: AsyncConnection, image_tag_id: int) -> ImagePackages:
    """Its packages, with the evidence of those seen in use."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_ROWS}
    rows = (await connection.execute(_PACKAGES, parameters)).all()
    return ImagePackages(packages=[_package(row) for row in rows], total=rows[0].total if rows else 0)


def _package(row: Row[Any]) -> PackageRow:
    return PackageRow(
        id=row.id,
        ecosystem=row.ecosystem,
        name=row.name,
        version=row.version,
        purl=row.purl,
        location=row.location,
        layer_digest=row.layer_digest,
        owned_by=row.owned_by or "",
        vulnerabilities=row.vulnerabilities,
        grade=row.grade,
        evidence_path=row.evidence_path or "",
        evidence_process=row.evidence_process or "",
        first_seen_running_at=row.first_at,
    )


async def list_findings(connection: AsyncConnection, image_tag_id: int) -> ImageFindings:
    """Its vulnerabilities by package, the most severe and those in use first."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_ROWS}
    rows = (await connection.execute(_FINDINGS, parameters)).all()
    return ImageFindings(vulnerabilities=[_finding(row) for row in rows], total=rows[0].total if rows else 0)


def _finding(row: Row[Any]) -> FindingRow:
    return FindingRow(
        vulnerability=row.name,
        aliases=list(row.aliases),
        severity=row.severity,
        cvss_score=row.cvss_score,
        summary=row.summary,
        malicious=row.malicious,
        package_id=row.package_id,
        package=row.package,
        version=row.version,
        ecosystem=row.ecosystem,
        fix_version=row.fix_version,
        applicability=_applicability(row),
        grade=row.grade,
        evidence_path=row.evidence_path or "",
        evidence_process=row.evidence_process or "",
    )


def _applicability(row: Row[Any]) -> Applicability:
    return Applicability(row.status or Applicability.NOT_COVERED)


async def get_finding(connection: AsyncConnection, image_tag_id: int, name: str) -> FindingDetail:
    """All that is known of a vulnerability of an image; raises NotFoundError where the image does not have it."""
    parameters = {"image_tag_id": image_tag_id, "vulnerability": name}
    affected = (await connection.execute(_AFFECTED, parameters)).all()
    if not affected:
        raise NotFoundError("no such vulnerability in this image: it may be fixed, or known by another name now")
    key = {"id": affected[0].vulnerability_id}
    row = (await connection.execute(_VULNERABILITY, key)).one()
    documents = (await connection.execute(_ADVISORIES, key)).scalars()
    advisories = [msgspec.convert(document, Advisory) for document in documents]
    return FindingDetail(
        vulnerability=row.name,
        aliases=list(row.aliases),
        severity=row.severity,
        severity_source=rating_source(row.severity, row.cvss_vector, advisories, malicious=row.malicious),
        cvss_score=row.cvss_score,
        cvss_vector=row.cvss_vector,
        summary=row.summary,
        details=next((item.details for item in advisories if item.details), "")[:MAX_DETAILS_LENGTH],
        malicious=row.malicious,
        published_at=row.published_at,
        advisories=[_advisory(item) for item in advisories],
        references=list(dict.fromkeys(url for item in advisories for url in item.references))[:MAX_REFERENCES],
        packages=[_affected(item) for item in affected],
    )


def rating_source(severity: str, cvss_vector: str, advisories: Iterable[Advisory], *, malicious: bool = False) -> str:
    """The advisory that a vulnerability has its severity from; empty where none says. Pure."""
    for item in advisories:
        says_so = item.is_malicious if malicious else (item.severity, item.cvss_vector) == (severity, cvss_vector)
        if says_so:
            return item.id
    return ""


def _advisory(item: Advisory) -> AdvisoryOut:
    return AdvisoryOut(
        id=item.id,
        severity=item.severity,
        cvss_score=item.cvss_score,
        cvss_vector=item.cvss_vector,
        published_at=item.published_at,
        modified_at=item.modified_at,
    )


def _affected(row: Row[Any]) -> AffectedPackage:
    return AffectedPackage(
        package_id=row.package_id,
        name=row.name,
        version=row.version,
        ecosystem=row.ecosystem,
        purl=row.purl,
        locations=list(row.locations),
        layer_digest=row.layer_digest,
        advisories=list(row.advisories),
        fix_version=row.fix_version,
        applicability=_applicability(row),
        applicability_reason=row.reason or "",
        applicability_evidence=list(row.evidence or ()),
        grade=row.grade,
        evidence_path=row.evidence_path or "",
        evidence_process=row.evidence_process or "",
        first_seen_running_at=row.first_at,
        last_seen_running_at=row.last_at,
    )
