"""The image-tag page: who runs it, what is in it and what is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.attribution import Attribution
from deadlight.model.vulnerability import Applicability
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.filters import TimePeriod
from deadlight.server.assessment.schemas import (
    AttributionOut,
    FindingRow,
    ImageTagDetail,
    ImageTagRow,
    PackageRow,
    VerdictOut,
    WorkloadRow,
)
from deadlight.server.errors import NotFoundError
from deadlight.server.findings.image_facts import ImageFacts, load_image_facts
from deadlight.server.inventory.attribution import DeploymentEvidence, find_deployed_by

_PLACES = text(
    """
    SELECT placement.image_tag_id, count(DISTINCT workload.id) AS workloads, bool_or(placement.running) AS running,
           count(DISTINCT workload.cluster_id) AS clusters, bool_or(cluster.demonstration) AS demonstration,
           array_agg(DISTINCT cluster.provider ORDER BY cluster.provider) AS providers
    FROM placement
    JOIN workload ON workload.id = placement.workload_id
    JOIN cluster ON cluster.id = workload.cluster_id
    WHERE placement.image_tag_id = ANY(:image_tag_ids)
      AND (placement.gone_at IS NULL OR placement.gone_at > now() - CAST(:period AS interval))
    GROUP BY placement.image_tag_id
    """
)

_WORKLOADS = text(
    """
    SELECT workload.*, cluster.name AS cluster, cluster.demonstration,
           (SELECT coalesce(array_agg(DISTINCT pod.node_name ORDER BY pod.node_name), '{}') FROM pod
            WHERE pod.workload_id = workload.id AND pod.removed_at IS NULL AND pod.node_name <> '') AS nodes
    FROM workload JOIN cluster ON cluster.id = workload.cluster_id
    WHERE workload.image_tag_ids @> ARRAY[CAST(:image_tag_id AS bigint)] AND workload.removed_at IS NULL
    ORDER BY cluster.name, workload.namespace, workload.name LIMIT 1000
    """
)

_PACKAGES = text(
    """
    SELECT package.*, image_package.location, image_package.layer_digest, owner.purl AS owned_by,
           package_use.grade, package_use.path AS evidence_path, package_use.process AS evidence_process,
           package_use.first_at,
           (SELECT count(DISTINCT advisory_vulnerability.vulnerability_id)
            FROM vulnerability_match JOIN advisory_vulnerability USING (advisory_id)
            WHERE vulnerability_match.package_id = package.id AND vulnerability_match.closed_at IS NULL
              AND image_package.owner_package_id IS NULL) AS vulnerabilities
    FROM image_tag_image JOIN image_package USING (image_id)
    JOIN package ON package.id = image_package.package_id
    LEFT JOIN package AS owner ON owner.id = image_package.owner_package_id
    LEFT JOIN package_use ON package_use.image_id = image_package.image_id
                         AND package_use.package_id = image_package.package_id
    WHERE image_tag_image.image_tag_id = :image_tag_id
    ORDER BY package.ecosystem, package.name, package.version, image_package.location LIMIT 20000
    """
)

_FINDINGS = text(
    """
    SELECT vulnerability.name, vulnerability.aliases, vulnerability.severity, vulnerability.cvss_score,
           vulnerability.cvss_vector, vulnerability.summary, vulnerability.malicious,
           package.name AS package, package.version, package.ecosystem,
           max(vulnerability_match.fix_version) AS fix_version,
           array_agg(vulnerability_match.advisory_id) AS advisories,
           applicability.status, applicability.reason, applicability.evidence,
           package_use.grade, package_use.path AS evidence_path
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
    GROUP BY vulnerability.id, package.id, applicability.status, applicability.reason, applicability.evidence,
             package_use.grade, package_use.path
    ORDER BY vulnerability.malicious DESC, vulnerability.severity_rank DESC, package_use.grade IS NULL,
             vulnerability.cvss_score DESC NULLS LAST, vulnerability.name, package.name
    LIMIT 20000
    """
)

_EXTRA = text(
    """
    SELECT image.problems, (SELECT count(*) FROM image_package WHERE image_package.image_id = image.id) AS packages
    FROM image_tag_image JOIN image ON image.id = image_tag_image.image_id
    WHERE image_tag_image.image_tag_id = :image_tag_id
    """
)


async def build_rows(
    connection: AsyncConnection, image_tag_ids: Sequence[int], period: TimePeriod = TimePeriod.NOW
) -> list[ImageTagRow]:
    """Rows of a list, in the order of the ids, with the places of the period."""
    facts = await load_image_facts(connection, image_tag_ids)
    places = await load_places(connection, image_tag_ids, period)
    return [ImageTagRow(**_row(facts[id_], places.get(id_))) for id_ in image_tag_ids if id_ in facts]


async def load_places(
    connection: AsyncConnection, image_tag_ids: Sequence[int], period: TimePeriod = TimePeriod.NOW
) -> Mapping[int, Row[Any]]:
    """In how many workloads and clusters each image tag is, or was within the period, and whether it runs."""
    parameters = {"image_tag_ids": list(image_tag_ids), "period": period.length}
    return {row.image_tag_id: row for row in await connection.execute(_PLACES, parameters)}


def _row(facts: ImageFacts, place: Row[Any] | None) -> dict[str, Any]:
    row = facts.row
    return {
        "id": row.id,
        "registry": row.registry,
        "repository": row.repository,
        "tag": row.tag,
        "digest": row.digest,
        "platform": row.platform,
        "risks": list(facts.risks),
        "integrity_status": row.integrity_status,
        "violation_type": row.violation_type,
        "severities": facts.severities,
        "scan_status": row.scan_status or "queued",
        "runtime_status": RuntimeStatus.RUNNING if place and place.running else RuntimeStatus.STOPPED,
        "workloads_count": place.workloads if place else 0,
        "clusters_count": place.clusters if place else 0,
        "providers": list(place.providers) if place else [],
        "demonstration": bool(place and place.demonstration),
    }


async def build_detail(connection: AsyncConnection, image_tag_id: int) -> ImageTagDetail:
    """The page's head; raises NotFoundError."""
    facts = (await load_image_facts(connection, [image_tag_id])).get(image_tag_id)
    if facts is None:
        raise NotFoundError("no such image tag")
    row = facts.row
    extra = (await connection.execute(_EXTRA, {"image_tag_id": image_tag_id})).first()
    places = await load_places(connection, [image_tag_id])
    return ImageTagDetail(
        **_row(facts, places.get(image_tag_id)),
        pinned_digest=row.pinned_digest,
        first_seen_at=row.first_seen_at,
        distribution=row.distribution or "",
        scan_error=row.scan_error or "",
        scanned_at=row.scanned_at,
        scan_problems=list(extra.problems) if extra else [],
        verdict=_verdict(row),
        build_owner=attribution(facts.build_owner),
        validated_vulnerabilities=row.validated or 0,
        critical_applicable=row.critical_applicable or 0,
        packages_count=extra.packages if extra else 0,
    )


def _verdict(row: Row[Any]) -> VerdictOut:
    return VerdictOut(
        status=row.integrity_status,
        violation_type=row.violation_type,
        violation_severity=row.violation_severity,
        expected_digest=row.expected_digest or "",
        reason=row.reason or "",
        judged_at=row.judged_at,
        first_detected_at=row.first_detected_at,
        evidence=row.evidence or {},
        stale_reason=row.stale_reason or "",
        stale_since=row.stale_since,
        problem=row.source_problem or "",
    )


def attribution(value: Attribution | None) -> AttributionOut | None:
    """An attribution for people; None where nobody is known."""
    return AttributionOut.model_validate(value, from_attributes=True) if value else None


async def list_image_workloads(connection: AsyncConnection, image_tag_id: int) -> list[WorkloadRow]:
    """The workloads that have it now."""
    rows = await connection.execute(_WORKLOADS, {"image_tag_id": image_tag_id})
    return [
        WorkloadRow(
            id=row.id,
            name=row.name,
            namespace=row.namespace,
            kind=row.kind_name or row.kind,
            cluster=row.cluster,
            cluster_id=str(row.cluster_id),
            status=row.status,
            nodes=list(row.nodes),
            deployed_by=attribution(find_deployed_by(DeploymentEvidence.of(row))),
            demonstration=row.demonstration,
        )
        for row in rows
    ]


async def list_packages(connection: AsyncConnection, image_tag_id: int) -> list[PackageRow]:
    """Its packages, with the evidence of those seen in use."""
    rows = await connection.execute(_PACKAGES, {"image_tag_id": image_tag_id})
    return [
        PackageRow(
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
        for row in rows
    ]


async def list_findings(connection: AsyncConnection, image_tag_id: int) -> list[FindingRow]:
    """Its vulnerabilities by package, the most severe and those in use first."""
    rows = await connection.execute(_FINDINGS, {"image_tag_id": image_tag_id})
    return [
        FindingRow(
            vulnerability=row.name,
            aliases=list(row.aliases),
            severity=row.severity,
            cvss_score=row.cvss_score,
            cvss_vector=row.cvss_vector,
            summary=row.summary,
            malicious=row.malicious,
            package=row.package,
            version=row.version,
            ecosystem=row.ecosystem,
            fix_version=row.fix_version,
            applicability=Applicability(row.status or Applicability.NOT_COVERED),
            applicability_reason=row.reason or "",
            applicability_evidence=list(row.evidence or ()),
            grade=row.grade,
            evidence_path=row.evidence_path or "",
            advisories=sorted(set(row.advisories)),
        )
        for row in rows
    ]
