"""Whether images are to be scanned at all: what the clusters that run them are configured to.

An image is scanned for something as long as one of the clusters that run it wants that, and one that runs nowhere
because somebody asked for it.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.scan_configuration import DEFAULT_RETENTION_DAYS, Scanner
from deadlight.server.scans.layers import forget_layers

PLACES = """
    SELECT cluster_id FROM container
    WHERE image_tag_id = {image_tag_id} AND state = 'running' AND removed_at IS NULL
    UNION
    SELECT cluster_id FROM workload WHERE image_tag_ids @> ARRAY[{image_tag_id}] AND removed_at IS NULL
"""
"""SQL: the clusters that run an image tag, with those where it has run and its workload is still there."""

_SWITCHED_OFF = text(
    f"""
    SELECT asked.id FROM unnest(CAST(:image_tag_ids AS bigint[])) AS asked(id)
    CROSS JOIN LATERAL (
        SELECT bool_or(configuration.cluster_id IS NULL
                       OR CAST(:scanner AS text) = ANY(configuration.scanners)) AS is_on
        FROM ({PLACES.format(image_tag_id="asked.id")}) AS place
        LEFT JOIN scan_configuration AS configuration USING (cluster_id)) AS switch
    WHERE NOT switch.is_on
    """  # noqa: S608 - constants
)

_IMAGES_SWITCHED_OFF = text(
    f"""
    SELECT image_tag_image.image_id
    FROM image_tag_image
    CROSS JOIN LATERAL ({PLACES.format(image_tag_id="image_tag_image.image_tag_id")}) AS place
    LEFT JOIN scan_configuration AS configuration USING (cluster_id)
    WHERE image_tag_image.image_id = ANY(:image_ids)
    GROUP BY image_tag_image.image_id
    HAVING NOT bool_or(configuration.cluster_id IS NULL OR CAST(:scanner AS text) = ANY(configuration.scanners))
    """  # noqa: S608 - constants
)

_ALL_ON = text("SELECT NOT EXISTS (SELECT FROM scan_configuration WHERE NOT CAST(:scanner AS text) = ANY(scanners))")


# One whose configuration nobody has set, or that runs nowhere because somebody asked for it, is scanned for everything.
_WANTED = text(
    f"""
    SELECT configuration.scanners
    FROM ({PLACES.format(image_tag_id="CAST(:image_tag_id AS bigint)")}) AS place
    LEFT JOIN scan_configuration AS configuration USING (cluster_id)
    """  # noqa: S608 - constants
)


async def find_wanted(connection: AsyncConnection, image_tag_id: int) -> set[Scanner]:
    """What an image tag is to be scanned for: whatever any of the clusters that run it wants."""
    rows = (await connection.execute(_WANTED, {"image_tag_id": image_tag_id})).scalars().all()
    if not rows or None in rows:
        return set(Scanner)
    return {Scanner(name) for names in rows for name in names}


async def is_on_everywhere(connection: AsyncConnection, scanner: Scanner) -> bool:
    """Whether no cluster has a scanner switched off: then there is nothing to look up for any image."""
    everywhere: bool = (await connection.execute(_ALL_ON, {"scanner": scanner.value})).scalar_one()
    return everywhere


async def find_switched_off(connection: AsyncConnection, scanner: Scanner, image_tag_ids: Iterable[int]) -> set[int]:
    """Those of these image tags that run, and only in clusters where the scanner is off."""
    parameters = {"scanner": scanner.value, "image_tag_ids": sorted(image_tag_ids)}
    return set((await connection.execute(_SWITCHED_OFF, parameters)).scalars())


async def find_images_switched_off(connection: AsyncConnection, scanner: Scanner, image_ids: Iterable[int]) -> set[int]:
    """The same for images, whatever the tags they run under."""
    parameters = {"scanner": scanner.value, "image_ids": sorted(image_ids)}
    return set((await connection.execute(_IMAGES_SWITCHED_OFF, parameters)).scalars())


# The shortest retention of the clusters that run an image counts; for one that runs nowhere the longest there is.
_EXPIRED = text(
    f"""
    SELECT image.id, image.layer_digests,
           coalesce(bool_or(configuration.cluster_id IS NULL OR 'sca' = ANY(configuration.scanners))
                    FILTER (WHERE place.cluster_id IS NOT NULL), false) AS is_renewed
    FROM image
    LEFT JOIN image_tag_image ON image_tag_image.image_id = image.id
    LEFT JOIN LATERAL ({PLACES.format(image_tag_id="image_tag_image.image_tag_id")}) AS place ON true
    LEFT JOIN scan_configuration AS configuration ON configuration.cluster_id = place.cluster_id
    WHERE image.scanner_state <> ''
      AND image.scanned_at < now() - interval '1 day' * (SELECT coalesce(min(retention_days), :days)
                                                         FROM scan_configuration WHERE retention_days < :days)
    GROUP BY image.id
    HAVING image.scanned_at < now() - interval '1 day' * coalesce(
        min(coalesce(configuration.retention_days, :days)) FILTER (WHERE place.cluster_id IS NOT NULL),
        (SELECT max(coalesce(retention_days, :days)) FROM cluster LEFT JOIN scan_configuration
                ON scan_configuration.cluster_id = cluster.id WHERE cluster.removed_at IS NULL), :days)
    ORDER BY image.id LIMIT 200
    """  # noqa: S608 - constants
)

_RENEW = (
    text("UPDATE image SET scanner_state = '' WHERE id = ANY(:image_ids)"),
    text("UPDATE exposure_scan SET scanner_state = '' WHERE image_id = ANY(:image_ids)"),
)

_FORGET_IMAGES = (
    text(
        """
        UPDATE scan SET status = 'expired', finished_at = now(),
                        error = 'the result has expired, and no cluster that is scanned runs the image'
        FROM image_tag_image
        WHERE image_tag_image.image_id = ANY(:image_ids) AND scan.image_tag_id = image_tag_image.image_tag_id
        """
    ),
    text("DELETE FROM image WHERE id = ANY(:image_ids)"),
)


async def expire_results(connection: AsyncConnection) -> None:
    """End what is older than the clusters keep it: where it is still wanted it is scanned anew, else forgotten.

    A result that is renewed stays in sight until the new one takes its place.
    """
    expired = (await connection.execute(_EXPIRED, {"days": DEFAULT_RETENTION_DAYS})).all()
    if not expired:
        return
    # Shared layers are read again too, once, by whichever image comes first; none is worth more than its images.
    digests = sorted({digest for row in expired for digest in row.layer_digests})
    await forget_layers(connection, digests)
    for statement in _RENEW:
        await connection.execute(statement, {"image_ids": [row.id for row in expired if row.is_renewed]})
    unwanted = [row.id for row in expired if not row.is_renewed]
    for statement in _FORGET_IMAGES if unwanted else ():
        await connection.execute(statement, {"image_ids": unwanted})
