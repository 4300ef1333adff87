"""Bringing findings in line with what changed, and telling whom it concerns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Bucket
from deadlight.model.event import EventType
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.findings.context import judge_images, rules
from deadlight.server.findings.matching import (
    MATCHER_STATE,
    list_packages_in_buckets,
    list_unmatched_packages,
    match_packages,
)
from deadlight.server.findings.program_risk import update_program_risks
from deadlight.server.findings.risk import RISK_STATE, RiskChange, load_findings, update_risk
from deadlight.server.findings.statements import apply_statement

_IMAGES_WITH = text("SELECT DISTINCT image_id FROM image_package WHERE package_id = ANY(:package_ids)")

# What an advisory says can have changed while its matches stay, its severity for one; without a match it says nothing.
_IMAGES_CONCERNED = text(
    """
    SELECT image_id FROM image_package WHERE package_id = ANY(:changed)
    UNION
    SELECT image_package.image_id
    FROM vulnerability_match AS found
    JOIN advisory ON advisory.id = found.advisory_id
    JOIN image_package ON image_package.package_id = found.package_id
    WHERE found.package_id = ANY(:package_ids) AND found.closed_at IS NULL
      AND (advisory.imported_at >= :since OR EXISTS (
          SELECT FROM advisory_vulnerability
          JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
          WHERE advisory_vulnerability.advisory_id = advisory.id AND vulnerability.updated_at >= :since))
    """
)

_VULNERABILITIES_OF = text(
    """
    SELECT DISTINCT vulnerability_id FROM vulnerability_match JOIN advisory_vulnerability USING (advisory_id)
    WHERE package_id = ANY(:package_ids) AND closed_at IS NULL ORDER BY vulnerability_id
    """
)

# In the order of their ids, for all images at once, as every transaction locks that locks several workloads.
_PLACES = text(
    """
    SELECT workload.id AS workload_id, image_tag_image.image_tag_id, image_tag_image.image_id
    FROM workload JOIN image_tag_image ON image_tag_image.image_tag_id = ANY(workload.image_tag_ids)
    WHERE image_tag_image.image_id = ANY(:image_ids) AND workload.removed_at IS NULL
    ORDER BY workload.id FOR NO KEY UPDATE OF workload
    """
)

_LOCK_IMAGES = text("SELECT id FROM image WHERE id = ANY(:image_ids) ORDER BY id FOR NO KEY UPDATE")


def assessment_state() -> str:
    """What findings are made with; it changes with the matcher, any applicability rule and what is said of an image."""
    return f"{MATCHER_STATE}:{rules().state}:{RISK_STATE}"


async def assess_image(connection: AsyncConnection, image_id: int) -> Sequence[int]:
    """An image has been scanned: apply what is stated of it, match what nobody has matched, and compute its risk.

    Returns the other images that what is stated of its packages concerns: they are to be refreshed.
    """
    others = await apply_statement(connection, image_id)
    await match_packages(connection, await list_unmatched_packages(connection, image_id))
    await refresh_images(connection, [image_id])
    return others


async def rematch_buckets(
    connection: AsyncConnection, buckets: Sequence[Bucket], since: datetime | None = None
) -> None:
    """Advisories have changed: match again the packages they can concern, and refresh the images of those that changed.

    `since` is when advisories were written, so that images which have only other advisories are left alone. Without it
    every image with such a package is refreshed, as it must be where advisories are gone, and their matches with them.
    """
    package_ids = await list_packages_in_buckets(connection, buckets)
    changed = await match_packages(connection, package_ids)
    parameters = {"package_ids": package_ids, "changed": sorted(changed), "since": since}
    rows = await connection.execute(_IMAGES_CONCERNED if since else _IMAGES_WITH, parameters)
    await refresh_images(connection, rows.scalars().all())


async def refresh_images(
    connection: AsyncConnection, image_ids: Iterable[int], *, used_package_ids: Sequence[int] = ()
) -> None:
    """Judge what is applicable, compute the risk anew, and record what changed for the workloads that run them.

    `used_package_ids` are packages that sensors saw in use for the first time: news also where it moves no stage.
    """
    ordered = sorted(set(image_ids))
    if not ordered:
        return
    await connection.execute(_LOCK_IMAGES, {"image_ids": ordered})  # whoever computes one next sees what this did
    await judge_images(connection, ordered)
    validated = await _vulnerabilities_of(connection, used_package_ids)
    findings = await load_findings(connection, ordered)
    changes = await update_risk(connection, findings, assessment_state())
    await update_program_risks(connection, findings)
    news = {change.image_id: change for change in changes if change.is_news}
    if validated:
        news = {image_id: RiskChange(image_id) for image_id in ordered} | news
    if news:
        await record_events(connection, await _changed_events(connection, news, validated))


async def refresh_program_risks(connection: AsyncConnection, image_ids: Iterable[int]) -> None:
    """Compute the risks of images' programs anew."""
    ordered = sorted(set(image_ids))
    await connection.execute(_LOCK_IMAGES, {"image_ids": ordered})
    await update_program_risks(connection, await load_findings(connection, ordered))


async def _vulnerabilities_of(connection: AsyncConnection, package_ids: Sequence[int]) -> list[int]:
    if not package_ids:
        return []
    return list((await connection.execute(_VULNERABILITIES_OF, {"package_ids": list(package_ids)})).scalars())


async def _changed_events(
    connection: AsyncConnection, news: Mapping[int, RiskChange], validated: Sequence[int]
) -> list[NewEvent]:
    places = await connection.execute(_PLACES, {"image_ids": list(news)})
    return [
        NewEvent(
            EventType.VULNERABILITIES_CHANGED,
            f"workload:{place.workload_id}",
            {
                "workload_id": place.workload_id,
                "image_tag_id": place.image_tag_id,
                "added": news[place.image_id].added,
                "removed": news[place.image_id].removed,
                "advanced": news[place.image_id].advanced,
                "validated": validated,
            },
        )
        for place in places
    ]
