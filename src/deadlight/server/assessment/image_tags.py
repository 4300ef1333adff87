"""Lists of image tags: filtered, ordered, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.paging import Number, Ordering, Text

# Worst first: malicious, violation, critical and applicable, untrusted; then by what is known to be wrong.
BADGES = """
    (CASE WHEN risk.malicious > 0 THEN 8 ELSE 0 END
     + CASE WHEN verdict.violation_type IS NOT NULL THEN 4 ELSE 0 END
     + CASE WHEN risk.critical_applicable > 0 THEN 2 ELSE 0 END
     + CASE WHEN verdict.status = 'Untrusted Registry' THEN 1 ELSE 0 END)
"""

IMAGES = """
    image_tag
    LEFT JOIN verdict ON verdict.image_tag_id = image_tag.id
    LEFT JOIN image_tag_image ON image_tag_image.image_tag_id = image_tag.id
    LEFT JOIN image_risk AS risk ON risk.image_id = image_tag_image.image_id
"""

# What an image itself has to meet: the parameters are `ImageFilter.parameters`.
CONDITIONS = """
    (CAST(:search AS text) IS NULL
     OR image_tag.registry || '/' || image_tag.repository || ':' || image_tag.tag ILIKE :search
     OR image_tag.digest ILIKE :search)
    AND (CAST(:risks AS text[]) IS NULL
         OR 'malicious' = ANY(:risks) AND risk.malicious > 0
         OR 'integrity_violation' = ANY(:risks) AND verdict.violation_type IS NOT NULL
         OR 'critical_applicable_cves' = ANY(:risks) AND risk.critical_applicable > 0
         OR 'untrusted_registry' = ANY(:risks) AND verdict.status = 'Untrusted Registry')
    AND (CAST(:severities AS text[]) IS NULL
         OR 'Critical' = ANY(:severities) AND risk.critical > 0 OR 'High' = ANY(:severities) AND risk.high > 0
         OR 'Medium' = ANY(:severities) AND risk.medium > 0 OR 'Low' = ANY(:severities) AND risk.low > 0
         OR 'Unknown' = ANY(:severities) AND risk.unknown > 0)
    AND (CAST(:cves AS text[]) IS NULL OR EXISTS (
          SELECT FROM image_package
          JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                                  AND vulnerability_match.closed_at IS NULL
          JOIN advisory_vulnerability USING (advisory_id)
          JOIN vulnerability_alias ON vulnerability_alias.vulnerability_id = advisory_vulnerability.vulnerability_id
          WHERE image_package.image_id = image_tag_image.image_id AND image_package.owner_package_id IS NULL
            AND vulnerability_alias.name = ANY(:cves)))
    AND (CAST(:applicabilities AS text[]) IS NULL OR EXISTS (
          SELECT FROM applicability WHERE applicability.image_id = image_tag_image.image_id
            AND applicability.status = ANY(:applicabilities)))
    AND (CAST(:component_names AS text[]) IS NULL OR EXISTS (
          SELECT FROM image_package JOIN package ON package.id = image_package.package_id
          JOIN unnest(CAST(:component_names AS text[]), CAST(:component_versions AS text[])) AS wanted(name, version)
            ON package.name = wanted.name AND wanted.version IN ('', package.version)
          WHERE image_package.image_id = image_tag_image.image_id))
"""

_MATCHING = f"""
    FROM {IMAGES}
    WHERE EXISTS (
        SELECT FROM container
        JOIN pod ON pod.id = container.pod_id
        JOIN cluster ON cluster.id = container.cluster_id
        WHERE container.image_tag_id = image_tag.id
          AND ((container.state = 'running' AND container.removed_at IS NULL)
               OR coalesce(container.removed_at, now()) > now() - CAST(:period AS interval)
                  AND container.started_at IS NOT NULL AND CAST(:period AS interval) > interval '0')
          AND (CAST(:clusters AS text[]) IS NULL OR cluster.name = ANY(:clusters) OR cluster.id::text = ANY(:clusters))
          AND (CAST(:namespaces AS text[]) IS NULL OR pod.namespace = ANY(:namespaces)))
      AND {CONDITIONS}
"""

_COUNT = text(f"SELECT count(*) {_MATCHING}")


class ImageOrder(StrEnum):
    """What a list is ordered by."""

    RISKS = "risks"
    NAME = "name"
    REPOSITORY_PATH = "repository_path"
    REGISTRY = "registry"


_NAME = ("image_tag.repository", "image_tag.tag", "image_tag.id")
_RISKS = (BADGES, "coalesce(risk.critical, 0)", "coalesce(risk.high, 0)", "image_tag.id")
_ORDERINGS = {
    ImageOrder.RISKS: Ordering("risks", _RISKS, (Number, Number, Number, Number), descending=True),
    ImageOrder.NAME: Ordering("name", _NAME, (Text, Text, Number)),
    ImageOrder.REPOSITORY_PATH: Ordering("repository_path", _NAME, (Text, Text, Number)),
    ImageOrder.REGISTRY: Ordering("registry", ("image_tag.registry", *_NAME), (Text, Text, Text, Number)),
}
_PAGES = {
    (order, after): text(_ORDERINGS[order].page("image_tag.id", _MATCHING, after=after))
    for order in ImageOrder
    for after in (False, True)
}


@dataclass(frozen=True, slots=True)
class ImageTagPage:
    """Ids in order, how many there are in all, and the key of the next page (empty at the end)."""

    ids: Sequence[int]
    total: int
    next_key: str


async def list_image_tags(
    connection: AsyncConnection, wanted: ImageFilter, order: ImageOrder, limit: int, next_key: str
) -> ImageTagPage:
    """A page of the image tags that run (or ran within the period) and meet the filter.

    Raises:
        BadRequestError: `next_key` is not of this list.
    """
    ordering = _ORDERINGS[order]
    parameters = wanted.parameters() | {"limit": limit + 1}
    if next_key:
        parameters |= ordering.bounds(next_key)
    total = (await connection.execute(_COUNT, parameters)).scalar_one()
    rows = (await connection.execute(_PAGES[order, bool(next_key)], parameters)).all()
    more = len(rows) > limit
    return ImageTagPage([row.id for row in rows[:limit]], total, ordering.key(rows[limit - 1]) if more else "")
