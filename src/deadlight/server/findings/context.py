"""Contextual analysis of images: which of their vulnerabilities their own code can reach."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.package import Package
from deadlight.model.scan_configuration import Scanner
from deadlight.model.vulnerability import Applicability
from deadlight.scanner import ApplicabilityResult, FirstPartyCode, RuleSet, judge_applicability, load_rules
from deadlight.server.findings.go_context import judge_go
from deadlight.server.findings.sql import COUNTED, MATCHES
from deadlight.server.scans.configuration import find_images_switched_off, is_on_everywhere
from deadlight.server.tables.findings import applicability

# Of all vulnerabilities of images, or of some where `only` is a condition on `vulnerability_id`.
_FORGET = "DELETE FROM applicability WHERE image_id = ANY(:image_ids) {only}"
# Only what a rule names can be judged, and what is in Go programs; the rest is not covered, which needs no row.
_CANDIDATES = f"""
    SELECT DISTINCT image_package.image_id, package.*, vulnerability.id AS vulnerability_id,
           vulnerability.name AS vulnerability, vulnerability.aliases
    FROM {MATCHES}
    JOIN package ON package.id = image_package.package_id
    WHERE image_package.image_id = ANY(:image_ids) AND {COUNTED}
      AND (vulnerability.name = ANY(:named) OR vulnerability.aliases && CAST(:named AS text[])) {{only}}
"""  # noqa: S608 - constants
_NOT_SCANNED = """
    INSERT INTO applicability (image_id, package_id, vulnerability_id, status, reason)
    SELECT DISTINCT image_package.image_id, image_package.package_id, advisory_vulnerability.vulnerability_id,
           :status, :reason
    FROM image_package
    JOIN vulnerability_match ON vulnerability_match.package_id = image_package.package_id
                            AND vulnerability_match.closed_at IS NULL
    JOIN advisory_vulnerability USING (advisory_id)
    WHERE image_package.image_id = ANY(:image_ids) AND image_package.owner_package_id IS NULL {only}
"""
# Where several issues of one vulnerability are judged otherwise, being applicable comes first: so do the words.
_STATED = """
    INSERT INTO applicability (image_id, package_id, vulnerability_id, status, reason)
    SELECT DISTINCT ON (stated.image_id, stated.package_id, vulnerability_id)
           stated.image_id, stated.package_id, vulnerability_id, stated.status, :reason
    FROM stated_applicability AS stated
    JOIN vulnerability_match AS match ON match.package_id = stated.package_id
                                     AND match.advisory_id = stated.advisory_id AND match.closed_at IS NULL
    JOIN advisory_vulnerability ON advisory_vulnerability.advisory_id = stated.advisory_id
    WHERE stated.image_id = ANY(:image_ids) {only}
    ORDER BY stated.image_id, stated.package_id, vulnerability_id, stated.status
    ON CONFLICT (image_id, package_id, vulnerability_id) DO UPDATE SET
        status = EXCLUDED.status, reason = EXCLUDED.reason, judged_at = now()
    WHERE applicability.status = 'not_covered'
"""


class _Statements:
    """Those of judging images."""

    def __init__(self, only: str = "") -> None:
        self.forget = text(_FORGET.format(only=only))
        self.candidates = text(_CANDIDATES.format(only=only))
        self.stated = text(_STATED.format(only=only))
        self.not_scanned = text(_NOT_SCANNED.format(only=only))


_OF_ALL = _Statements()
_OF_SOME = _Statements("AND vulnerability_id = ANY(:vulnerability_ids)")
_STATED_REASON = "The scanner of the image's registry says so; no rule of Deadlight is about it."
_CODE = text("SELECT image_id, facts FROM call_evidence WHERE image_id = ANY(:image_ids)")


@cache
def rules() -> RuleSet:
    """The rules of this version, read once."""
    return load_rules()


async def judge_images(
    connection: AsyncConnection, image_ids: Sequence[int], vulnerability_ids: Sequence[int] | None = None
) -> None:
    """Judge anew which vulnerabilities of these images are applicable, all or some.

    Those of images that run only where contextual analysis is switched off are `not_scanned`. What the scanner of an
    image's registry says counts where no rule is about a vulnerability.
    """
    statements = _OF_ALL if vulnerability_ids is None else _OF_SOME
    concerned = {"image_ids": list(image_ids), "vulnerability_ids": list(vulnerability_ids or ())}
    left_out = await _find_left_out(connection, image_ids)
    to_judge = concerned | {"image_ids": [image_id for image_id in image_ids if image_id not in left_out]}
    named = {"named": sorted(rules().by_vulnerability)}
    candidates = (await connection.execute(statements.candidates, to_judge | named)).all()
    code = await _load_code(connection, {row.image_id for row in candidates})
    await connection.execute(statements.forget, concerned)
    rows = {
        (row.image_id, row.id, row.vulnerability_id): _judge(row, code[row.image_id])
        for row in candidates
        if row.image_id in code
    }
    judged = [*rows.values(), *await judge_go(connection, to_judge["image_ids"], vulnerability_ids)]
    if judged:
        await connection.execute(insert(applicability), judged)
    await connection.execute(statements.stated, to_judge | {"reason": _STATED_REASON})
    if left_out:
        reason = f"{Scanner.CONTEXTUAL_ANALYSIS.label} is switched off in every cluster that runs the image."
        values = {"status": Applicability.NOT_SCANNED.value, "reason": reason, "image_ids": sorted(left_out)}
        await connection.execute(statements.not_scanned, concerned | values)


async def _find_left_out(connection: AsyncConnection, image_ids: Sequence[int]) -> set[int]:
    if await is_on_everywhere(connection, Scanner.CONTEXTUAL_ANALYSIS):
        return set()
    return await find_images_switched_off(connection, Scanner.CONTEXTUAL_ANALYSIS, image_ids)


_STANDING = text(
    """
    SELECT image.id, EXISTS (SELECT FROM applicability WHERE applicability.image_id = image.id
                             AND status = 'not_scanned') AS is_left_out
    FROM image WHERE id = ANY(:image_ids)
    """
)


async def find_misjudged(connection: AsyncConnection, image_ids: Sequence[int]) -> set[int]:
    """Those of these images that are judged although they should be left out, or the other way round."""
    rows = (await connection.execute(_STANDING, {"image_ids": list(image_ids)})).all()
    left_out = await _find_left_out(connection, image_ids)
    return {row.id for row in rows if row.is_left_out != (row.id in left_out)}


async def _load_code(connection: AsyncConnection, image_ids: Iterable[int]) -> Mapping[int, FirstPartyCode]:
    rows = await connection.execute(_CODE, {"image_ids": sorted(image_ids)})
    return {row.image_id: msgspec.msgpack.decode(row.facts, type=FirstPartyCode) for row in rows}


def _judge(row: Row[Any], code: FirstPartyCode) -> dict[str, Any]:
    package = Package(
        row.ecosystem, row.name, row.version, row.purl, row.source_name, row.source_version, row.architecture
    )
    result: ApplicabilityResult = judge_applicability(rules(), code, {row.vulnerability, *row.aliases}, package)
    return {
        "image_id": row.image_id,
        "package_id": row.id,
        "vulnerability_id": row.vulnerability_id,
        "status": result.status.value,
        "reason": result.reason,
        "evidence": msgspec.to_builtins(result.evidence),
    }
