"""Loading the findings of images, and storing the risks that follow where they changed."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server.events.relay import CHANGES_CHANNEL
from deadlight.server.findings.risk import NOTHING, Finding, ImageRisk, RiskChange, compare, summarise, widen
from deadlight.server.findings.sql import COUNTED, FINDINGS, IN_USE

# Findings of images: what their packages match, what contextual analysis said and what sensors saw.
_FINDINGS = f"""
    SELECT DISTINCT image_package.image_id, image_package.package_id, vulnerability.id AS vulnerability_id,
           vulnerability.severity, vulnerability.malicious, vulnerability_match.fix_version,
           coalesce(applicability.status, :unless_judged) AS applicability,
           package_use.grade IS NOT NULL AS validated
    FROM {FINDINGS} {IN_USE}
    WHERE image_package.image_id = ANY(:image_ids) AND {COUNTED}
"""  # noqa: S608 - constants
_ALL = text(_FINDINGS)
_OF_VULNERABILITIES = text(f"{_FINDINGS} AND advisory_vulnerability.vulnerability_id = ANY(:vulnerability_ids)")
_OF_PACKAGES = text(
    f"""
    {_FINDINGS} AND (image_package.image_id, image_package.package_id) IN (
        SELECT * FROM unnest(CAST(:with_packages AS bigint[]), CAST(:package_ids AS bigint[])))
    """  # noqa: S608 - constant
)

# Twenty times as fast as making a member out of its value, for thousands of findings of an image.
_SEVERITIES = {severity.value: severity for severity in Severity}
_APPLICABILITIES = {applicability.value: applicability for applicability in Applicability}

_COUNTS = (
    *(severity.value.lower() for severity in Severity),
    "critical_applicable",
    "validated",
    "malicious",
    "applicabilities",
)
_STORED = text("SELECT * FROM image_risk WHERE image_id = ANY(:image_ids)")
_STORE = text(
    f"""
    INSERT INTO image_risk (image_id, version, state, packed, marks, {", ".join(_COUNTS)})
    SELECT row.image_id, nextval('risk_version'), :state, row.packed, row.marks,
           {", ".join(f"row.{name}" for name in _COUNTS)}
    FROM unnest(CAST(:image_id AS bigint[]), CAST(:packed AS bytea[]), CAST(:marks AS bytea[]),
                {", ".join(f"CAST(:{name} AS integer[])" for name in _COUNTS)})
         AS row(image_id, packed, marks, {", ".join(_COUNTS)})
    ON CONFLICT (image_id) DO UPDATE SET
        version = EXCLUDED.version, state = EXCLUDED.state, packed = EXCLUDED.packed, marks = EXCLUDED.marks,
        computed_at = now(), {", ".join(f"{name} = EXCLUDED.{name}" for name in _COUNTS)}
    """  # noqa: S608 - constants
)


async def load_findings(
    connection: AsyncConnection,
    image_ids: Sequence[int],
    *,
    vulnerability_ids: Sequence[int] | None = None,
    packages: Iterable[tuple[int, int]] | None = None,
) -> dict[int, list[Finding]]:
    """The findings of images, all or those of some vulnerabilities or `packages`, which are pairs of image and package.

    A vulnerability that several advisories report for a package is one finding.
    """
    parameters: dict[str, Any] = {"image_ids": list(image_ids), "unless_judged": Applicability.NOT_COVERED.value}
    statement = _ALL
    if vulnerability_ids is not None:
        statement, parameters["vulnerability_ids"] = _OF_VULNERABILITIES, list(vulnerability_ids)
    elif packages is not None:
        pairs = list(packages)
        parameters |= {"with_packages": [pair[0] for pair in pairs], "package_ids": [pair[1] for pair in pairs]}
        statement = _OF_PACKAGES
    findings: dict[int, list[Finding]] = {image_id: [] for image_id in image_ids}
    for finding in _merge((await connection.execute(statement, parameters)).all()):
        findings[finding.image_id].append(finding)
    return findings


def _merge(rows: Iterable[Sequence[Any]]) -> Iterable[Finding]:
    """Columns are taken by their place: by name they take as long as all the rest, for millions of findings."""
    merged: dict[tuple[int, int, int], Finding] = {}
    for image_id, package_id, vulnerability_id, severity, malicious, fix_version, applicability, validated in rows:
        key = (image_id, package_id, vulnerability_id)
        merged[key] = Finding(
            *key,
            _SEVERITIES[severity],
            malicious,
            bool(fix_version) or (key in merged and merged[key].fixable),
            _APPLICABILITIES[applicability],
            validated,
        )
    return merged.values()


async def update_risk(
    connection: AsyncConnection,
    image_ids: Sequence[int],
    state: str,
    vulnerability_ids: Sequence[int] | None = None,
) -> list[RiskChange]:
    """Compute the risk of images anew, and store it where it changed; returns what changed.

    With `vulnerability_ids` only what these bring is computed; what is stored of the images has to be of the same
    `state`, which names what it is computed with. The caller holds the images' row locks.
    """
    rows = {row.image_id: row for row in await connection.execute(_STORED, {"image_ids": list(image_ids)})}
    before = {id_: ImageRisk(row.packed, row.marks, row.malicious) for id_, row in rows.items()}
    if vulnerability_ids is None:
        findings = await load_findings(connection, image_ids)
        after = {id_: summarise(findings[id_]) for id_ in sorted(image_ids)}
    else:
        concerned = widen(vulnerability_ids, before.values())
        findings = await load_findings(connection, image_ids, vulnerability_ids=concerned.tolist())
        after = {id_: summarise(findings[id_], before[id_], concerned) for id_ in sorted(image_ids)}
    changed = {id_: risk for id_, risk in after.items() if before.get(id_) != risk or rows[id_].state != state}
    if changed:
        await _store(connection, changed, state)
    return [compare(id_, before.get(id_, NOTHING), risk) for id_, risk in changed.items()]


async def _store(connection: AsyncConnection, risks: dict[int, ImageRisk], state: str) -> None:
    columns: dict[str, list[Any]] = {
        "image_id": list(risks),
        "packed": [risk.packed for risk in risks.values()],
        "marks": [risk.marks for risk in risks.values()],
        **{name: [] for name in _COUNTS},
    }
    for risk in risks.values():
        counts = risk.count()
        for severity, count in counts.severities.items():
            columns[severity.value.lower()].append(count)
        for name in _COUNTS[len(Severity) :]:
            columns[name].append(getattr(counts, name))
    await connection.execute(_STORE, {**columns, "state": state})
    await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'image_risk')"))
