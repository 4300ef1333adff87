"""What is in an image: its packages, its vulnerabilities and the evidence for both."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory
from deadlight.model.vulnerability import Applicability
from deadlight.server.advisories.exploitation import EXPLOITATION, IS_EXPLOITED_ENOUGH
from deadlight.server.assessment.evidence import SEEN, SEEN_BY, describe_coverage
from deadlight.server.assessment.image_schemas import (
    AdvisoryOut,
    AffectedPackage,
    FindingDetail,
    ImageFindings,
    ImagePackages,
)
from deadlight.server.errors import NotFoundError
from deadlight.server.runtime.watch import coverage_of_image_tag

MAX_ROWS = 10_000
MAX_REFERENCES = 50
MAX_DETAILS_LENGTH = 20_000

# What somebody's bill of materials states (`scans/store.py` keeps that as a location of its own) is a row of its own
# only where nothing else says that the package is there.
_PACKAGES = text(
    f"""
    WITH listed AS MATERIALIZED (
        SELECT image_package.* FROM image_tag_image JOIN image_package USING (image_id)
        WHERE image_tag_image.image_tag_id = :image_tag_id),
    stated AS (
        SELECT package_id, array_agg(location ORDER BY location COLLATE "C") AS by
        FROM listed WHERE location LIKE 'sbom:%' GROUP BY package_id),
    found AS (SELECT DISTINCT package_id FROM listed WHERE location NOT LIKE 'sbom:%')
    SELECT package.*, listed.location, coalesce(stated.by, '{{}}') AS stated_by, listed.layer_digest,
           coalesce(owner.purl, '') AS owned_by,
           package_use.grade, coalesce(package_use.path, '') AS evidence_path,
           coalesce(package_use.process, '') AS evidence_process, {SEEN},
           count(*) OVER () AS total,
           (SELECT count(DISTINCT advisory_vulnerability.vulnerability_id)
            FROM vulnerability_match JOIN advisory_vulnerability USING (advisory_id)
            WHERE vulnerability_match.package_id = package.id AND vulnerability_match.closed_at IS NULL
              AND listed.owner_package_id IS NULL) AS vulnerabilities
    FROM listed
    JOIN LATERAL (SELECT * FROM package WHERE package.id = listed.package_id LIMIT 1) AS package ON true
    LEFT JOIN LATERAL (SELECT purl FROM package WHERE package.id = listed.owner_package_id LIMIT 1) AS owner ON true
    LEFT JOIN package_use ON package_use.image_id = listed.image_id AND package_use.package_id = listed.package_id
    {SEEN_BY.format(of="listed")}
    LEFT JOIN stated ON stated.package_id = listed.package_id
    LEFT JOIN found ON found.package_id = listed.package_id
    WHERE listed.location NOT LIKE 'sbom:%' OR (found.package_id IS NULL AND listed.location = stated.by[1])
    ORDER BY package.ecosystem COLLATE "C", package.name COLLATE "C", package.version COLLATE "C",
             listed.location COLLATE "C" LIMIT :limit
    """  # noqa: S608 - constants
)

# Which packages of an image have which vulnerabilities. A package that the distribution ships is matched through the
# distribution's own package. Texts are compared as bytes: by the rules of a language it takes ten times as long.
_MATCHES = """
    FROM image_tag_image JOIN image_package USING (image_id)
    JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    WHERE image_tag_image.image_tag_id = :image_tag_id AND image_package.owner_package_id IS NULL
"""
_FINDING = "image_package.image_id, image_package.package_id, advisory_vulnerability.vulnerability_id"

# More than one fix version where several releases are maintained.
_FIX_VERSION = """
    coalesce(string_agg(DISTINCT nullif(vulnerability_match.fix_version, '') COLLATE "C", ', '), '') AS fix_version
"""

# What is known of a row of `found`. LATERAL with LIMIT looks each package up by its key: the planner, which cannot know
# how few there are, would read all packages there are.
_KNOWN = """
    JOIN LATERAL (SELECT * FROM package WHERE package.id = found.package_id LIMIT 1) AS package ON true
    LEFT JOIN applicability ON applicability.image_id = found.image_id AND applicability.package_id = found.package_id
                           AND applicability.vulnerability_id = found.vulnerability_id
    LEFT JOIN package_use ON package_use.image_id = found.image_id AND package_use.package_id = found.package_id
"""

_EVIDENCE = f"""
    coalesce(applicability.status, '{Applicability.NOT_COVERED.value}') AS applicability, package_use.grade,
    coalesce(package_use.path, '') AS evidence_path, coalesce(package_use.process, '') AS evidence_process
"""

_FINDINGS = text(
    f"""
    WITH found AS MATERIALIZED (SELECT {_FINDING}, {_FIX_VERSION} {_MATCHES} GROUP BY {_FINDING})
    SELECT vulnerability.name AS vulnerability, vulnerability.aliases, vulnerability.severity,
           vulnerability.severity_source, vulnerability.cvss_score, vulnerability.summary, vulnerability.malicious,
           {EXPLOITATION}, package.id AS package_id, package.name AS package, package.version, package.ecosystem,
           found.fix_version, {_EVIDENCE}, count(*) OVER () AS total
    FROM found {_KNOWN}
    JOIN LATERAL (SELECT * FROM vulnerability WHERE vulnerability.id = found.vulnerability_id LIMIT 1)
      AS vulnerability ON true
    WHERE {IS_EXPLOITED_ENOUGH}
    ORDER BY vulnerability.malicious DESC, vulnerability.severity_rank DESC, package_use.grade IS NULL,
             vulnerability.cvss_score DESC NULLS LAST, vulnerability.name COLLATE "C", package.name COLLATE "C"
    LIMIT :limit
    """  # noqa: S608 - constants
)

_AFFECTED = text(
    f"""
    WITH found AS MATERIALIZED (
        SELECT {_FINDING}, {_FIX_VERSION}, array_agg(DISTINCT image_package.location COLLATE "C") AS locations,
               coalesce(min(nullif(image_package.layer_digest, '')), '') AS layer_digest,
               array_agg(DISTINCT vulnerability_match.advisory_id COLLATE "C") AS advisories
        {_MATCHES} AND vulnerability_id = (SELECT id FROM vulnerability WHERE name = :vulnerability)
        GROUP BY {_FINDING})
    SELECT found.*, package.name, package.version, package.ecosystem, package.purl, {_EVIDENCE},
           coalesce(applicability.reason, '') AS applicability_reason,
           coalesce(applicability.evidence, '[]') AS applicability_evidence, {SEEN}
    FROM found {_KNOWN} {SEEN_BY.format(of="found")}
    ORDER BY package_use.grade IS NULL, package.name, package.version LIMIT 200
    """  # noqa: S608 - constants
)

_VULNERABILITY = text(f"SELECT *, {EXPLOITATION} FROM vulnerability WHERE id = :id")  # noqa: S608 - constants
_ADVISORIES = text(
    """
    SELECT document FROM advisory JOIN advisory_vulnerability ON advisory_vulnerability.advisory_id = advisory.id
    WHERE advisory_vulnerability.vulnerability_id = :id AND advisory.withdrawn_at IS NULL
    ORDER BY advisory.id LIMIT 100
    """
)

_COUNTS = text(
    f"""
    WITH found AS MATERIALIZED (SELECT DISTINCT {_FINDING} {_MATCHES})
    SELECT count(*) AS findings,
           count(DISTINCT vulnerability_id) FILTER (WHERE applicability.status = 'applicable') AS applicable
    FROM found LEFT JOIN applicability USING (image_id, package_id, vulnerability_id)
    """  # noqa: S608 - constants
)


_LAYERS = text(
    "SELECT layer_digests FROM image_tag_image JOIN image ON image.id = image_id WHERE image_tag_id = :image_tag_id"
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
    rows = (await connection.execute(_PACKAGES, {"image_tag_id": image_tag_id, "limit": MAX_ROWS})).all()
    packages = [row._asdict() for row in rows]
    coverage = describe_coverage(await coverage_of_image_tag(connection, image_tag_id))
    return ImagePackages.model_validate({"packages": packages, "total": _total(rows), "coverage": coverage})


async def list_findings(
    connection: AsyncConnection, image_tag_id: int, *, known_exploited: bool = False, min_epss: float = 0.0
) -> ImageFindings:
    """Its vulnerabilities by package, the most severe and those in use first.

    With `known_exploited` only those that CISA knows to be exploited; with `min_epss` those at least so likely to be.
    """
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_ROWS}
    urgent = {"known_exploited": known_exploited, "min_epss": min_epss}
    rows = (await connection.execute(_FINDINGS, parameters | urgent)).all()
    found = [row._asdict() for row in rows]
    coverage = describe_coverage(await coverage_of_image_tag(connection, image_tag_id))
    return ImageFindings.model_validate({"vulnerabilities": found, "total": _total(rows), "coverage": coverage})


async def list_layers(connection: AsyncConnection, image_tag_id: int) -> list[str]:
    """The digests of its layers, lowest first; none before it has been scanned."""
    layers = (await connection.execute(_LAYERS, {"image_tag_id": image_tag_id})).scalar()
    return list(layers or ())


def _total(rows: Sequence[Row[Any]]) -> int:
    return rows[0].total if rows else 0


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
        severity_source=row.severity_source,
        cvss_score=row.cvss_score,
        cvss_vector=row.cvss_vector,
        summary=row.summary,
        details=next((item.details for item in advisories if item.details), "")[:MAX_DETAILS_LENGTH],
        malicious=row.malicious,
        exploitation=row.exploitation,
        epss=row.epss,
        published_at=row.published_at,
        advisories=[_advisory(item) for item in advisories],
        references=list(dict.fromkeys(url for item in advisories for url in item.references))[:MAX_REFERENCES],
        packages=[AffectedPackage.model_validate(item._asdict()) for item in affected],
        coverage=describe_coverage(await coverage_of_image_tag(connection, image_tag_id)),
    )


def _advisory(item: Advisory) -> AdvisoryOut:
    return AdvisoryOut(
        id=item.id,
        severity=item.severity,
        cvss_score=item.cvss_score,
        cvss_vector=item.cvss_vector,
        published_at=item.published_at,
        modified_at=item.modified_at,
    )
