"""Verdicts and violations as rows: a statement for all image tags of a source, not one for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.integrity import IntegrityStatus, MutabilitySource, ViolationType
from deadlight.server.integrity.mutability import Mutability
from deadlight.server.integrity.verdict import Verdict
from deadlight.server.tables.integrity import verdict as verdict_table

_STORE_VERDICTS = text(
    """
    INSERT INTO verdict (image_tag_id, status, violation_type, reason, expected_digest, mutable, mutability_source,
                         mutability_detail, judged_at, stale_reason, stale_since)
    SELECT image_tag_id, status, violation_type, reason, expected_digest, mutable, mutability_source,
           mutability_detail, now(), '', NULL
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(
        image_tag_id bigint, status text, violation_type text, reason text, expected_digest text, mutable boolean,
        mutability_source text, mutability_detail text)
    ORDER BY image_tag_id
    ON CONFLICT (image_tag_id) DO UPDATE SET
        status = EXCLUDED.status, violation_type = EXCLUDED.violation_type, reason = EXCLUDED.reason,
        expected_digest = EXCLUDED.expected_digest, mutable = EXCLUDED.mutable,
        mutability_source = EXCLUDED.mutability_source, mutability_detail = EXCLUDED.mutability_detail,
        judged_at = EXCLUDED.judged_at, stale_reason = '', stale_since = NULL
    """
)

_CONFIRM_VIOLATIONS = text(
    """
    UPDATE violation SET last_confirmed_at = now()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_tag_id bigint, type text)
    WHERE violation.image_tag_id = row.image_tag_id AND violation.type = row.type AND closed_at IS NULL
    RETURNING violation.image_tag_id
    """
)

_CLOSE_VIOLATIONS = text(
    """
    UPDATE violation SET closed_at = now(), close_reason = row.reason
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_tag_id bigint, reason text)
    WHERE violation.image_tag_id = row.image_tag_id AND closed_at IS NULL
    """
)

_OPEN_VIOLATION = text(
    """
    INSERT INTO violation (image_tag_id, type, severity, evidence, occurrence, reopened_from, first_ever_detected_at)
    SELECT :image_tag_id, :type, :severity, CAST(:evidence AS jsonb), coalesce(earlier.occurrence, 0) + 1, earlier.id,
           coalesce(earlier.first_ever_detected_at, now())
    FROM (SELECT) AS new LEFT JOIN LATERAL (
        SELECT * FROM violation WHERE image_tag_id = :image_tag_id AND type = :type ORDER BY id DESC LIMIT 1
    ) AS earlier ON true
    RETURNING id
    """
)

_MARK_STALE = text(
    """
    UPDATE verdict SET stale_reason = row.reason, stale_since = coalesce(stale_since, now())
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(image_tag_id bigint, reason text)
    WHERE verdict.image_tag_id = row.image_tag_id
    """
)


def as_parameter(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows for a statement that reads them from `:rows`."""
    return {"rows": msgspec.json.encode(rows).decode()}


async def find_verdicts(connection: AsyncConnection, image_tag_ids: Sequence[int]) -> dict[int, Verdict]:
    """The verdicts that stand, by image tag."""
    if not image_tag_ids:
        return {}
    query = select(verdict_table).where(verdict_table.c.image_tag_id.in_(image_tag_ids))
    return {row.image_tag_id: _verdict(row) for row in await connection.execute(query)}


def _verdict(row: Row[Any]) -> Verdict:
    source = row.mutability_source and MutabilitySource(row.mutability_source)
    return Verdict(
        IntegrityStatus(row.status),
        row.violation_type and ViolationType(row.violation_type),
        row.expected_digest,
        row.reason,
        Mutability(row.mutable, source, row.mutability_detail) if source else None,
        row.stale_reason,
    )


async def store_verdicts(connection: AsyncConnection, verdicts: Sequence[tuple[int, Verdict]]) -> None:
    """Store verdicts as judged now."""
    if not verdicts:
        return
    rows = [
        {
            "image_tag_id": id_,
            "status": verdict.status,
            "violation_type": verdict.violation,
            "reason": verdict.reason,
            "expected_digest": verdict.expected_digest,
            "mutable": verdict.mutability.mutable if verdict.mutability else None,
            "mutability_source": verdict.mutability.source if verdict.mutability else None,
            "mutability_detail": verdict.mutability.detail if verdict.mutability else "",
        }
        for id_, verdict in verdicts
    ]
    await connection.execute(_STORE_VERDICTS, as_parameter(rows))


async def mark_stale(connection: AsyncConnection, verdicts: Sequence[tuple[int, Verdict]]) -> None:
    """Leave verdicts as they are, with why they cannot be confirmed, and since when."""
    if verdicts:
        rows = [{"image_tag_id": id_, "reason": verdict.stale_reason} for id_, verdict in verdicts]
        await connection.execute(_MARK_STALE, as_parameter(rows))


async def confirm_violations(connection: AsyncConnection, types: Mapping[int, ViolationType]) -> set[int]:
    """Note that violations still are what they are; returns the image tags that have one open of this type."""
    if not types:
        return set()
    rows = [{"image_tag_id": id_, "type": type_} for id_, type_ in types.items()]
    return set((await connection.execute(_CONFIRM_VIOLATIONS, as_parameter(rows))).scalars())


async def close_violations(connection: AsyncConnection, reasons: Mapping[int, str]) -> None:
    """Close what is open of these image tags, each for its reason."""
    if reasons:
        rows = [{"image_tag_id": id_, "reason": reason} for id_, reason in reasons.items()]
        await connection.execute(_CLOSE_VIOLATIONS, as_parameter(rows))


async def open_violation(
    connection: AsyncConnection, image_tag_id: int, type_: ViolationType, evidence: Mapping[str, Any]
) -> int:
    """Open a violation and return its id; there is none open of this image tag.

    Where there was one of its type before, this one says which, and when the first of them all was detected.
    """
    values = {"image_tag_id": image_tag_id, "type": type_.value, "severity": type_.severity.value}
    document = msgspec.json.encode(evidence).decode()
    opened: int = (await connection.execute(_OPEN_VIOLATION, values | {"evidence": document})).scalar_one()
    return opened
