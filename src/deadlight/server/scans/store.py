"""Scans and images as rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.package import InstalledPackage, Package
from deadlight.model.scan_configuration import Scanner
from deadlight.registry.resolve import ResolvedImage
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.scans.layer_process import SquashedImage
from deadlight.server.tables.scans import (
    call_evidence,
    image,
    image_package,
    image_tag_image,
    scan,
)

MAX_LOCATION_BYTES = 2_000

TOLD = "told by the registry's scanner"
"""The location of packages that nothing in the image was found to prove."""

_QUEUE = text(
    """
    INSERT INTO scan (image_tag_id) SELECT id FROM image_tag WHERE id = :image_tag_id
    ON CONFLICT (image_tag_id) DO UPDATE SET status = 'queued', error = '', attempts = 0, queued_at = now(),
        started_at = NULL, finished_at = NULL
    RETURNING image_tag_id
    """
)
_REQUEUE = text(
    """
    UPDATE scan SET status = 'queued', error = '', attempts = 0, queued_at = now(), started_at = NULL,
                    finished_at = NULL
    FROM image_tag
    WHERE image_tag.id = scan.image_tag_id
      AND (image_tag.registry = :host AND scan.status IN ('failed', 'skipped', 'waiting')
           OR image_tag.id = :image_tag_id AND scan.status NOT IN ('queued', 'running')
              AND (scan.status <> 'done' OR EXISTS (
                  SELECT FROM image_tag_image JOIN exposure_scan USING (image_id)
                  WHERE image_tag_image.image_tag_id = image_tag.id AND exposure_scan.status = 'failed')))
    RETURNING scan.image_tag_id
    """
)
_LEAVE_OUT = text(
    """
    INSERT INTO scan (image_tag_id, status, error, finished_at)
    SELECT id, 'switched_off', :reason, now() FROM image_tag WHERE id = ANY(:image_tag_ids)
    ON CONFLICT (image_tag_id) DO UPDATE SET status = EXCLUDED.status, error = EXCLUDED.error,
        finished_at = EXCLUDED.finished_at
    """
)
_LEFT_OUT = text(
    "SELECT image_tag_id FROM scan WHERE image_tag_id = ANY(:image_tag_ids) AND status IN ('switched_off', 'expired')"
)


async def queue_scan(connection: AsyncConnection, image_tag_id: int) -> bool:
    """Note that a scan is wanted; False where the image tag has been removed."""
    return (await connection.execute(_QUEUE, {"image_tag_id": image_tag_id})).first() is not None


async def requeue_scans(connection: AsyncConnection, host: str | None, image_tag_id: int | None) -> Sequence[int]:
    """Note that what could not be scanned, of a registry or of one image tag, is to be tried again; returns which."""
    rows = await connection.execute(_REQUEUE, {"host": host, "image_tag_id": image_tag_id})
    return rows.scalars().all()


async def leave_out(connection: AsyncConnection, image_tag_ids: Iterable[int]) -> None:
    """Note that images are not scanned because the clusters that run them are configured so."""
    reason = f"{Scanner.SCA.label} is switched off in every cluster that runs the image"
    await connection.execute(_LEAVE_OUT, {"image_tag_ids": sorted(image_tag_ids), "reason": reason})


async def find_left_out(connection: AsyncConnection, image_tag_ids: Iterable[int]) -> set[int]:
    """Those of these image tags that were left out, or whose result expired when nobody wanted it."""
    return set((await connection.execute(_LEFT_OUT, {"image_tag_ids": sorted(image_tag_ids)})).scalars())


async def begin_scan(connection: AsyncConnection, image_tag_id: int) -> int | None:
    """Note that a scan runs; returns which attempt it is, or None where there is nothing left to scan."""
    values = {"status": "running", "started_at": func.clock_timestamp(), "attempts": scan.c.attempts + 1}
    wanted = update(scan).where(scan.c.image_tag_id == image_tag_id, scan.c.status != "done")
    attempts: int | None = (
        await connection.execute(wanted.values(**values).returning(scan.c.attempts))
    ).scalar_one_or_none()
    return attempts


async def end_scan(
    connection: AsyncConnection, image_tag_id: int, status: str, error: str = "", layers_scanned: int = 0
) -> None:
    """Note how a scan ended: done, failed (will not be tried again), waiting (will be) or skipped."""
    values = {
        "status": status,
        "error": without_zero_bytes(error[:2000]),
        "layers_scanned": layers_scanned,
        "finished_at": func.clock_timestamp(),
    }
    await connection.execute(update(scan).where(scan.c.image_tag_id == image_tag_id).values(**values))


async def count_unfinished(connection: AsyncConnection) -> int:
    """How many scans wait or run."""
    query = select(func.count()).where(scan.c.status.in_(("queued", "running")))
    count: int = (await connection.execute(query)).scalar_one()
    return count


async def store_image(connection: AsyncConnection, image_tag_id: int, resolved: ResolvedImage) -> int:
    """The id of the image's row, made where it is new, and the image tag's link to it."""
    config = resolved.config
    values = {
        "digest": resolved.digest,
        "config_digest": config.digest,
        "platform": str(config.platform),
        "layer_digests": [item.digest for item in resolved.layers],
        "config": without_zero_bytes(msgspec.to_builtins(config)),
        "annotations": without_zero_bytes(resolved.annotations),
    }
    statement = upsert(image).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=["digest"], set_={"annotations": statement.excluded.annotations}
    )
    image_id: int = (await connection.execute(statement.returning(image.c.id))).scalar_one()
    link = upsert(image_tag_image).values(image_tag_id=image_tag_id, image_id=image_id)
    await connection.execute(link.on_conflict_do_update(index_elements=["image_tag_id"], set_={"image_id": image_id}))
    return image_id


async def store_contents(
    connection: AsyncConnection, image_id: int, squashed: SquashedImage, scanner_state: str
) -> None:
    """Replace what is known of an image's contents and record that it is scanned.

    What only the scanner of its registry told stays, and so does who states its packages' findings.
    """
    locked = select(image.c.findings_source).where(image.c.id == image_id).with_for_update()
    findings_source = (await connection.execute(locked)).scalar_one_or_none() or ""
    ids = await _package_ids(connection, [item.package for item in squashed.packages], findings_source)
    by_purl = {item.package.purl: ids[item.package] for item in squashed.packages}
    found = (image_package.c.image_id == image_id) & (image_package.c.location != TOLD)
    await connection.execute(delete(image_package).where(found))
    rows = [_image_package_row(image_id, item, ids, by_purl) for item in squashed.packages]
    if rows:
        await connection.execute(upsert(image_package).on_conflict_do_nothing(), rows)
    calls = upsert(call_evidence).values(image_id=image_id, facts=squashed.calls)
    await connection.execute(calls.on_conflict_do_update(index_elements=["image_id"], set_={"facts": squashed.calls}))
    await connection.execute(
        update(image)
        .where(image.c.id == image_id)
        .values(
            distribution=squashed.distribution,
            scanner_state=scanner_state,
            file_index=squashed.file_index,
            executable_index=squashed.executable_index or None,
            problems=without_zero_bytes(list(squashed.problems[:200])),
            scanned_at=func.now(),
        )
    )


async def store_told_packages(
    connection: AsyncConnection, image_id: int, packages: Sequence[Package], findings_source: str
) -> Mapping[Package, int]:
    """Replace the packages of an image that only its registry's scanner tells of; returns their ids."""
    told = (image_package.c.image_id == image_id) & (image_package.c.location == TOLD)
    await connection.execute(delete(image_package).where(told))
    if not packages:
        return {}
    ids = await _package_ids(connection, packages, findings_source)
    rows = [{"image_id": image_id, "package_id": id_, "location": TOLD, "layer_digest": ""} for id_ in ids.values()]
    await connection.execute(upsert(image_package).on_conflict_do_nothing(), rows)
    return ids


def _image_package_row(
    image_id: int, item: InstalledPackage, ids: Mapping[Package, int], by_purl: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "package_id": ids[item.package],
        "location": _bounded(item.location),
        "layer_digest": item.layer_digest,
        "owner_package_id": by_purl.get(item.owner_purl),
    }


def _bounded(location: str) -> str:
    """A path that an index of PostgreSQL can hold (2,704 bytes a row); deeper ones are written to make trouble."""
    raw = location.encode()
    return location if len(raw) <= MAX_LOCATION_BYTES else f"{raw[:MAX_LOCATION_BYTES].decode(errors='ignore')}…"


_INSERT_PACKAGES = text(
    """
    INSERT INTO package (ecosystem, name, version, purl, source_name, source_version, architecture, findings_source)
    SELECT ecosystem, name, version, purl, source_name, source_version, architecture, CAST(:findings_source AS text)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(ecosystem text, name text, version text, purl text,
         source_name text, source_version text, architecture text)
    ORDER BY purl, ecosystem, source_name, source_version
    ON CONFLICT DO NOTHING
    """
)
_FIND_PACKAGES = text(
    """
    SELECT package.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(ecosystem text, purl text,
         source_name text, source_version text)
    JOIN package USING (purl, ecosystem, source_name, source_version)
    WHERE package.findings_source = :findings_source
    """
).bindparams(bindparam("rows"))


async def _package_ids(
    connection: AsyncConnection, packages: Sequence[Package], findings_source: str
) -> Mapping[Package, int]:
    rows = {"rows": msgspec.json.encode(sorted(set(packages))).decode(), "findings_source": findings_source}
    await connection.execute(_INSERT_PACKAGES, rows)
    found = {_identity(row): row.id for row in await connection.execute(_FIND_PACKAGES, rows)}
    return {item: found[_identity(item)] for item in packages}


def _identity(item: Any) -> tuple[str, str, str, str]:
    return item.purl, item.ecosystem, item.source_name, item.source_version


async def record_scanned(connection: AsyncConnection, image_id: int) -> None:
    """Record that an image's contents are known."""
    await record_events(connection, [NewEvent(EventType.IMAGE_SCANNED, f"image:{image_id}", {"image_id": image_id})])
