"""What an image is to be scanned for now: what clusters want of it, less what is known and up to date."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.exposure import ExposureCategory
from deadlight.model.scan_configuration import Scanner
from deadlight.scanner import (
    SCANNER_STATE,
    ExposureSetup,
    NotSupported,
    exposure_scanners,
    exposure_state,
    find_checkov,
    read_rule_file,
)
from deadlight.server.scans.configuration import find_wanted
from deadlight.server.secrets import derive_key
from deadlight.server.settings import Settings
from deadlight.server.tables.scans import exposure_scan, image

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
          WHERE (exposure_scan.scanner_state IS DISTINCT FROM wanted.state
                 OR exposure_scan.status = 'failed' AND exposure_scan.scanned_at < now() - :failed_for)
            AND (configuration.cluster_id IS NULL OR wanted.category = ANY(configuration.scanners))))
    ORDER BY scan.image_tag_id LIMIT :room
    """
)


RETRY_FAILED = timedelta(days=1)
"""After which a scanner that failed is asked again, unless the image is scanned for another reason before."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be found out about an image."""

    image_id: int
    packages: bool
    """Whether its packages are not known, or only to another version of the scanner."""
    categories: frozenset[ExposureCategory]
    """Exposures to look for."""
    setup: ExposureSetup

    def __bool__(self) -> bool:
        return self.packages or bool(self.categories)


def setup_of(settings: Settings) -> ExposureSetup:
    """What the scanners of exposures of this service depend on; raises InvalidRuleError."""
    salt = derive_key(settings.secret_key.get_secret_value(), "fingerprints of secrets")
    return ExposureSetup(salt, read_rule_file(settings.secret_rules), settings.checkov)


def find_lacking(settings: Settings) -> Mapping[Scanner, str]:
    """What this service lacks for a scanner, and what to do; empty where it lacks nothing."""
    checkov = find_checkov(settings.checkov)
    return {Scanner.IAC: checkov.reason} if isinstance(checkov, NotSupported) else {}


def exposure_states(setup: ExposureSetup) -> Mapping[ExposureCategory, str]:
    """The state of the scanners of each category; another one where a program comes or goes that a category needs."""
    scanners = exposure_scanners(setup)
    states = {
        category: exposure_state([item for item in scanners if item.category is category])
        for category in ExposureCategory
    }
    if isinstance(find_checkov(setup.checkov), NotSupported):
        states[ExposureCategory.IAC] += " without checkov"
    return states


async def find_due(connection: AsyncConnection, image_tag_id: int, image_id: int, setup: ExposureSetup) -> Due:
    """What an image that runs under this tag is to be scanned for."""
    wanted = await find_wanted(connection, image_tag_id)
    state = (await connection.execute(select(image.c.scanner_state).where(image.c.id == image_id))).scalar_one()
    rows = await connection.execute(
        select(exposure_scan.c.category, exposure_scan.c.scanner_state, exposure_scan.c.status).where(
            exposure_scan.c.image_id == image_id
        )
    )
    known = {row.category: row.scanner_state for row in rows if row.status != "failed"}
    categories = _categories(wanted, known, exposure_states(setup))
    return Due(image_id, state != SCANNER_STATE, categories, setup)


def _categories(
    wanted: Iterable[Scanner], known: Mapping[str, str], states: Mapping[ExposureCategory, str]
) -> frozenset[ExposureCategory]:
    names = {scanner.value for scanner in wanted}
    return frozenset(
        category for category, state in states.items() if category in names and known.get(category) != state
    )


async def list_stale(
    connection: AsyncConnection, setup: ExposureSetup, room: int, cluster_id: str | None = None
) -> list[int]:
    """Up to `room` image tags that run, in one cluster or any, whose result is of older scanners or lacks some."""
    states = exposure_states(setup)
    parameters = {
        "state": SCANNER_STATE,
        "categories": list(states),
        "states": list(states.values()),
        "room": room,
        "cluster_id": cluster_id,
        "failed_for": RETRY_FAILED,
    }
    return list((await connection.execute(_STALE, parameters)).scalars())
