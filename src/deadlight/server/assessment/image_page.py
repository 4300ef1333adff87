"""The image-tag page: who runs it, what is in it and what is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.image import ImageReference
from deadlight.model.integrity import ViolationType
from deadlight.model.live_list import TimePeriod
from deadlight.model.vulnerability import Severity
from deadlight.model.workload import RuntimeStatus
from deadlight.registry.types.table import TYPES, expected_digest_label
from deadlight.server.assessment.image_contents import count_findings
from deadlight.server.assessment.image_places import list_deployers, list_namespaces
from deadlight.server.assessment.schemas import ImageTagDetail, ImageTagRow, SourceOut, VerdictOut
from deadlight.server.errors import NotFoundError
from deadlight.server.findings.image_facts import ImageFacts, load_image_facts
from deadlight.server.integrity.recommendations import recommended_steps
from deadlight.server.owners.attributions import attribution
from deadlight.server.registries.scanning import ScanWith
from deadlight.server.registries.service import Registry, find_registry
from deadlight.server.registries.stored_facts import read_facts

NO_SUCH_IMAGE_TAG = "no such image tag"
MAX_NAMESPACES = 50

_PLACES = text(
    """
    SELECT placement.image_tag_id, count(*) AS workloads, bool_or(placement.running) AS running,
           count(DISTINCT workload.cluster_id) AS clusters, bool_or(cluster.demonstration) AS demonstration,
           array_agg(DISTINCT cluster.provider ORDER BY cluster.provider) AS providers,
           ARRAY[sum(detections[1]), sum(detections[2]), sum(detections[3]), sum(detections[4]),
                 sum(detections[5])]::integer[] AS detections
    FROM placement
    JOIN workload ON workload.id = placement.workload_id
    JOIN cluster ON cluster.id = workload.cluster_id
    WHERE placement.image_tag_id = ANY(:image_tag_ids)
      AND (placement.gone_at IS NULL OR placement.gone_at > now() - CAST(:period AS interval))
    GROUP BY placement.image_tag_id
    """
)

_EXISTS = text("SELECT 1 FROM image_tag WHERE id = :image_tag_id")

_EXTRA = text(
    """
    SELECT image.problems || coalesce(image_statement.statement -> 'problems', '[]') AS problems,
           (SELECT count(*) FILTER (WHERE location NOT LIKE 'sbom:%')
                   + count(DISTINCT package_id) FILTER (WHERE location LIKE 'sbom:%' AND NOT EXISTS (
                       SELECT FROM image_package AS found WHERE found.image_id = image.id
                         AND found.package_id = image_package.package_id AND found.location NOT LIKE 'sbom:%'))
            FROM image_package WHERE image_package.image_id = image.id) AS packages,
           image.findings_source <> '' AS is_stated, coalesce(image_statement.decision, '') AS decision
    FROM image_tag_image JOIN image ON image.id = image_tag_image.image_id
    LEFT JOIN image_statement ON image_statement.image_id = image.id
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
        "detections": dict(zip(Severity, place.detections if place else [0] * len(Severity), strict=True)),
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
        raise NotFoundError(NO_SUCH_IMAGE_TAG)
    row = facts.row
    extra = (await connection.execute(_EXTRA, {"image_tag_id": image_tag_id})).first()
    places = await load_places(connection, [image_tag_id])
    namespaces = await list_namespaces(connection, image_tag_id)
    counts = await count_findings(connection, image_tag_id)
    registry = await find_registry(connection, row.registry)
    return ImageTagDetail(
        **_row(facts, places.get(image_tag_id)),
        pinned_digest=row.pinned_digest,
        first_seen_at=row.first_seen_at,
        namespaces=namespaces[:MAX_NAMESPACES],
        namespaces_count=len(namespaces),
        source=_registry(row, registry),
        distribution=row.distribution or "",
        scan_error=row.scan_error or "",
        scanned_at=row.scanned_at,
        scan_problems=list(extra.problems) if extra else [],
        scan_with=ScanWith.XRAY if extra and extra.is_stated else ScanWith.DEADLIGHT,
        scan_decision=extra.decision if extra else "",
        verdict=_verdict(row, registry),
        build_owner=attribution(facts.build_owner),
        deployed_by=await list_deployers(connection, image_tag_id),
        findings_count=counts.findings,
        applicable_vulnerabilities=counts.applicable,
        validated_vulnerabilities=row.validated or 0,
        critical_applicable=row.critical_applicable or 0,
        malicious_packages=row.malicious or 0,
        packages_count=extra.packages if extra else 0,
    )


async def require_image_tag(connection: AsyncConnection, image_tag_id: int) -> None:
    """Raises NotFoundError where there is no such image tag."""
    if (await connection.execute(_EXISTS, {"image_tag_id": image_tag_id})).first() is None:
        raise NotFoundError(NO_SUCH_IMAGE_TAG)


def _registry(row: Row[Any], registry: Registry | None) -> SourceOut:
    is_there = registry is not None and row.violation_type != ViolationType.MISSING_SOURCE
    kind = registry.type if registry else ""
    return SourceOut(
        host=row.registry,
        type=kind,
        product=TYPES[kind].label if kind in TYPES else "",
        expected_digest_label=expected_digest_label(kind),
        trusted=bool(registry and registry.trusts(row.repository)),
        origin=_origin(row, registry),
        link=_link(row, registry, row.digest) if is_there else "",
    )


def _origin(row: Row[Any], registry: Registry | None) -> str:
    reference = ImageReference(row.registry, row.repository, row.tag, row.pinned_digest)
    entered = registry.origin_of(reference) if registry else None
    return str(entered or read_facts(row.source_facts).origin or "")


def _link(row: Row[Any], registry: Registry | None, digest: str) -> str:
    """Where the registry has an artifact of the image's repository; empty for a registry that nobody added.

    The page that the registry named is that of the artifact the tag has now.
    """
    if registry is None or not digest:
        return ""
    is_expected = digest == (row.expected_digest or row.digest)
    return registry.link_to(row.repository, digest, read_facts(row.source_facts).link if is_expected else "")


def _verdict(row: Row[Any], registry: Registry | None) -> VerdictOut:
    violation = row.violation_type and ViolationType(row.violation_type)
    return VerdictOut(
        status=row.integrity_status,
        violation_type=violation,
        violation_severity=row.violation_severity,
        expected_digest=row.expected_digest or "",
        expected_link=_link(row, registry, row.expected_digest or ""),
        reason=row.reason or "",
        judged_at=row.judged_at,
        first_detected_at=row.first_detected_at,
        first_ever_detected_at=row.first_ever_detected_at,
        occurrence=row.occurrence or 0,
        tag_mutable=row.mutable,
        mutability_source=row.mutability_source or "",
        mutability_detail=row.mutability_detail or "",
        evidence=row.evidence or {},
        recommended_steps=list(recommended_steps(violation)) if violation else [],
        stale_reason=row.stale_reason or "",
        stale_since=row.stale_since,
        problem=row.source_problem or "",
    )
