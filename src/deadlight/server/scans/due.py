"""What an image is to be scanned for now: what clusters want of it, less what is known and up to date."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.exposure import ExposureCategory
from deadlight.model.scan_configuration import Scanner
from deadlight.scanner import SCANNER_STATE, exposure_scanners, exposure_state
from deadlight.server.scans.configuration import find_wanted
from deadlight.server.tables.scans import exposure_scan

_STALE = text(
    """
    SELECT DISTINCT scan.image_tag_id
    FROM scan
    JOIN image_tag_image ON image_tag_image.image_tag_id = scan.image_tag_id
    JOIN image ON image.id = image_tag_image.image_id
    JOIN container ON container.image_tag_id = scan.image_tag_id
    LEFT JOIN scan_configuration AS configuration ON configuration.cluster_id = container.cluster_id
    WHERE scan.status = 'done' AND container.state = 'running' AND container.removed_at IS NULL
      AND (configuration.cluster_id IS NULL OR 'sca' = ANY(configuration.scanners))
      AND (CAST(:cluster_id AS uuid) IS NULL OR container.cluster_id = CAST(:cluster_id AS uuid))
      AND (image.scanner_state <> :state OR EXISTS (
          SELECT FROM unnest(CAST(:categories AS text[]), CAST(:states AS text[])) AS wanted(category, state)
          LEFT JOIN exposure_scan ON exposure_scan.image_id = image.id AND exposure_scan.category = wanted.category
          WHERE exposure_scan.scanner_state IS DISTINCT FROM wanted.state
            AND (configuration.cluster_id IS NULL OR wanted.category = ANY(configuration.scanners))))
    ORDER BY scan.image_tag_id LIMIT :room
    """
)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be found out about an image."""

    image_id: int
    packages: bool
    """Whether its packages are not known, or only to another version of the scanner."""
    categories: frozenset[ExposureCategory]
    """Exposures to look for."""

    def __bool__(self) -> bool:
        return self.packages or bool(self.categories)


@cache
def exposure_states() -> Mapping[ExposureCategory, str]:
    """The state of the scanners of each category of exposures that this version has."""
    scanners = exposure_scanners(b"")
    categories = [category for category in ExposureCategory if any(item.category is category for item in scanners)]
    return {
        category: exposure_state([item for item in scanners if item.category is category]) for category in categories
    }


async def find_due(connection: AsyncConnection, image_tag_id: int, image: Row[tuple[int, str]]) -> Due:
    """What an image that runs under this tag is to be scanned for."""
    wanted = await find_wanted(connection, image_tag_id)
    rows = await connection.execute(
        select(exposure_scan.c.category, exposure_scan.c.scanner_state).where(exposure_scan.c.image_id == image.id)
    )
    known = {row.category: row.scanner_state for row in rows}
    return Due(image.id, image.scanner_state != SCANNER_STATE, _categories(wanted, known))


def _categories(wanted: Iterable[Scanner], known: Mapping[str, str]) -> frozenset[ExposureCategory]:
    names = {scanner.value for scanner in wanted}
    states = exposure_states().items()
    return frozenset(category for category, state in states if category in names and known.get(category) != state)


async def list_stale(connection: AsyncConnection, room: int, cluster_id: str | None = None) -> list[int]:
    """Up to `room` image tags that run, in one cluster or any, whose result is of older scanners or lacks some."""
    states = exposure_states()
    parameters = {
        "state": SCANNER_STATE,
        "categories": list(states),
        "states": list(states.values()),
        "room": room,
        "cluster_id": cluster_id,
    }
    return list((await connection.execute(_STALE, parameters)).scalars())
