"""What an image exposes, and how far its scans are."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.exposure import ExposureCategory
from deadlight.server.assessment.exposure_schemas import (
    ExposureRow,
    ExposuresStatusOut,
    ImageExposures,
    ScanDetailsOut,
    ScannerStatusOut,
    ScanStatusOut,
)
from deadlight.server.scans.configuration import find_wanted
from deadlight.server.scans.status import ScanFacts, ScannerState, ScannerStatus, ScanStatus, rate_scan

MAX_ROWS = 2_000
MAX_PROBLEMS = 200

_EXPOSURES = text(
    """
    SELECT exposure.*, count(*) OVER () AS total
    FROM image_tag_image JOIN exposure USING (image_id)
    WHERE image_tag_image.image_tag_id = :image_tag_id AND exposure.closed_at IS NULL
    ORDER BY exposure.severity_rank DESC, exposure.is_deleted, exposure.category, exposure.rule_id,
             exposure.path COLLATE "C", exposure.id LIMIT :limit
    """
)
_SCAN = text(
    """
    SELECT coalesce(scan.status, '') AS status, coalesce(scan.error, '') AS error, scan.queued_at, scan.finished_at,
           image.id AS image_id, image.scanned_at, image_risk.image_id IS NOT NULL AS is_assessed
    FROM image_tag
    LEFT JOIN scan ON scan.image_tag_id = image_tag.id
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image ON image.id = image_tag_image.image_id
    LEFT JOIN image_risk ON image_risk.image_id = image.id
    WHERE image_tag.id = :image_tag_id
    """
)
_EXAMINED = text("SELECT category, status, reason, scanned_at FROM exposure_scan WHERE image_id = :image_id")
_PROBLEMS = text(
    """
    SELECT problems FROM image_tag_image JOIN exposure_scan USING (image_id) WHERE image_tag_id = :image_tag_id
    ORDER BY category
    """
)


async def load_scan_status(connection: AsyncConnection, image_tag_id: int) -> ScanStatus:
    """How far the scans of an image tag are; nothing is scanned of one that is not there."""
    row = (await connection.execute(_SCAN, {"image_tag_id": image_tag_id})).one_or_none()
    if row is None:
        return rate_scan(ScanFacts())
    examined = (await connection.execute(_EXAMINED, {"image_id": row.image_id})).all()
    return rate_scan(
        ScanFacts(
            scan_status=row.status,
            error=row.error,
            queued_at=row.queued_at,
            finished_at=row.finished_at,
            scanned_at=row.scanned_at,
            is_assessed=row.is_assessed,
            wanted=frozenset(await find_wanted(connection, image_tag_id)),
            exposures={
                ExposureCategory(item.category): ScannerStatus(
                    ScannerState(item.status.upper()), item.scanned_at, item.reason
                )
                for item in examined
            },
        )
    )


async def list_exposures(connection: AsyncConnection, image_tag_id: int) -> ImageExposures:
    """The open exposures of an image tag."""
    parameters = {"image_tag_id": image_tag_id, "limit": MAX_ROWS}
    rows = (await connection.execute(_EXPOSURES, parameters)).all()
    status = await load_scan_status(connection, image_tag_id)
    return ImageExposures(
        exposures=[ExposureRow.model_validate(row, from_attributes=True) for row in rows],
        total=rows[0].total if rows else 0,
        problems=await _list_problems(connection, image_tag_id),
        status=_exposures_status(status),
    )


async def _list_problems(connection: AsyncConnection, image_tag_id: int) -> list[str]:
    found = (await connection.execute(_PROBLEMS, {"image_tag_id": image_tag_id})).scalars()
    return [problem for problems in found for problem in problems][:MAX_PROBLEMS]


def describe_scan(status: ScanStatus) -> ScanStatusOut:
    """As the API tells it."""
    return ScanStatusOut(
        overall=_status(status.overall),
        details=ScanDetailsOut(
            sca=_status(status.sca),
            contextual_analysis=_status(status.contextual_analysis),
            exposures=_exposures_status(status),
        ),
    )


def _exposures_status(status: ScanStatus) -> ExposuresStatusOut:
    categories = {category: _status(part) for category, part in status.categories.items()}
    return ExposuresStatusOut(**dict(_status(status.exposures)), categories=categories)


def _status(part: ScannerStatus) -> ScannerStatusOut:
    return ScannerStatusOut(status=part.status, time=part.time, reason=part.reason)
