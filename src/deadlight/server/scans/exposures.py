"""Exposures as rows: found, still there, gone. None is ever deleted while its image is kept."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.scanner import Examined
from deadlight.server.db.zero_bytes import without_zero_bytes
from deadlight.server.tables.scans import exposure_scan, image

_FOUND = """
    jsonb_to_recordset(CAST(:rows AS jsonb)) AS found(rule_id text, severity text, severity_rank smallint, title text,
        description text, recommendation text, path text, location text, evidence text, cwe text, fingerprint text,
        layer_digest text, is_deleted boolean)
"""
_SAME = """
    exposure.image_id = :image_id AND exposure.category = :category AND exposure.rule_id = found.rule_id
    AND exposure.path = found.path AND exposure.location = found.location AND exposure.fingerprint = found.fingerprint
"""
_CLOSE = text(
    f"""
    UPDATE exposure SET closed_at = now()
    WHERE image_id = :image_id AND category = :category AND closed_at IS NULL
      AND NOT EXISTS (SELECT FROM {_FOUND} WHERE {_SAME})
    """  # noqa: S608 - constants
)
_RENEW = text(
    f"""
    UPDATE exposure SET closed_at = NULL, severity = found.severity, severity_rank = found.severity_rank,
        title = found.title, description = found.description, recommendation = found.recommendation,
        evidence = found.evidence, cwe = found.cwe, layer_digest = found.layer_digest, is_deleted = found.is_deleted
    FROM {_FOUND} WHERE {_SAME}
    """  # noqa: S608 - constants
)
_ADD = text(
    f"""
    INSERT INTO exposure (image_id, category, rule_id, severity, severity_rank, title, description, recommendation,
                          path, location, evidence, cwe, fingerprint, layer_digest, is_deleted)
    SELECT :image_id, :category, found.rule_id, found.severity, found.severity_rank, found.title, found.description,
           found.recommendation, found.path, found.location, found.evidence, found.cwe, found.fingerprint,
           found.layer_digest, found.is_deleted
    FROM {_FOUND}
    WHERE NOT EXISTS (SELECT FROM exposure WHERE {_SAME})
    """  # noqa: S608 - constants
)


async def store_exposures(
    connection: AsyncConnection,
    image_id: int,
    examined: Mapping[ExposureCategory, Examined],
    states: Mapping[ExposureCategory, str],
) -> None:
    """Bring what is known of an image's exposures in step with what was found; others' categories are left alone."""
    # Several image tags can be this image, each with a job of its own: what two find at once is noted once.
    await connection.execute(select(image.c.id).where(image.c.id == image_id).with_for_update())
    for category, found in sorted(examined.items()):
        if not found.error and not found.not_supported:
            await _reconcile(connection, image_id, category, found.exposures)
        await _note(connection, image_id, category, found, states[category])


async def _reconcile(
    connection: AsyncConnection, image_id: int, category: ExposureCategory, exposures: Iterable[Exposure]
) -> None:
    rows = {(item.rule_id, item.path, item.location, item.fingerprint): _row(item) for item in exposures}
    parameters = {
        "image_id": image_id,
        "category": category.value,
        "rows": msgspec.json.encode(without_zero_bytes(list(rows.values()))).decode(),
    }
    for statement in (_CLOSE, _RENEW, _ADD):
        await connection.execute(statement, parameters)


def _row(item: Exposure) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(item)
    del row["category"]
    return row | {"severity_rank": item.severity.rank}


async def _note(
    connection: AsyncConnection, image_id: int, category: ExposureCategory, found: Examined, state: str
) -> None:
    values = {
        "image_id": image_id,
        "category": category.value,
        "status": "failed" if found.error else "not_supported" if found.not_supported else "done",
        "reason": found.error or found.not_supported,
        "scanner_state": state,
        "problems": without_zero_bytes(list(found.problems)),
    }
    statement = upsert(exposure_scan).values(**values)
    changed = {name: statement.excluded[name] for name in values} | {"scanned_at": text("now()")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["image_id", "category"], set_=changed))
