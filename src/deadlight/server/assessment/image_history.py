"""What a tag has been and what was wrong with an image, as far as it was seen."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.image_schemas import ImageHistory, PastViolation, TagDigest

MAX_ROWS = 200

_DIGESTS = text(
    """
    SELECT tag_history.digest, tag_history.first_seen_at, tag_history.last_seen_at,
           tag_history.pushed_by, tag_history.pushed_at, count(*) OVER () AS total,
           source.state = 'present' AND source.record ->> 'digest' = tag_history.digest AS is_current,
           (SELECT min(ran.id) FROM image_tag AS ran
            WHERE ran.registry = image_tag.registry AND ran.repository = image_tag.repository
              AND ran.tag = image_tag.tag AND ran.digest = tag_history.digest) AS ran_id
    FROM image_tag
    JOIN source_record AS source
      ON source.registry = image_tag.registry AND source.repository = image_tag.repository
     AND source.reference = coalesce(nullif(image_tag.pinned_digest, ''), image_tag.tag)
    JOIN tag_history ON tag_history.source_record_id = source.id
    WHERE image_tag.id = :image_tag_id
    ORDER BY is_current DESC, tag_history.last_seen_at DESC, tag_history.id DESC LIMIT :limit
    """
)

_VIOLATIONS = text(
    """
    SELECT violation.*, count(*) OVER () AS total,
           (SELECT count(DISTINCT workload_id) FROM violation_location
            WHERE violation_location.violation_id = violation.id) AS workloads
    FROM violation WHERE image_tag_id = :image_tag_id
    ORDER BY closed_at IS NULL DESC, first_detected_at DESC, id DESC LIMIT :limit
    """
)


async def load_history(connection: AsyncConnection, image_tag_id: int) -> ImageHistory:
    """Every digest its tag has had, and every violation it has had, each newest first."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_ROWS}
    digests = (await connection.execute(_DIGESTS, parameters)).all()
    violations = (await connection.execute(_VIOLATIONS, parameters)).all()
    return ImageHistory(
        digests=[_digest(row) for row in digests],
        digests_total=digests[0].total if digests else 0,
        violations=[_violation(row) for row in violations],
        violations_total=violations[0].total if violations else 0,
    )


def _digest(row: Row[Any]) -> TagDigest:
    return TagDigest(
        digest=row.digest,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        is_current=bool(row.is_current),
        pushed_by=row.pushed_by,
        pushed_at=row.pushed_at,
        image_tag_id=row.ran_id,
    )


def _violation(row: Row[Any]) -> PastViolation:
    return PastViolation(
        id=row.id,
        type=row.type,
        severity=row.severity,
        running_digest=row.evidence.get("running_digest") or "",
        registry_digest=row.evidence.get("registry_digest") or "",
        first_detected_at=row.first_detected_at,
        last_confirmed_at=row.last_confirmed_at,
        closed_at=row.closed_at,
        close_reason=row.close_reason,
        occurrence=row.occurrence,
        workloads_count=row.workloads,
    )
