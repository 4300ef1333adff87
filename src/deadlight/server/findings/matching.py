"""Matching packages with advisories, and keeping the matches: opened, kept or closed, never deleted."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import MALICIOUS_PREFIX, Affected, Bucket
from deadlight.advisories.match import Match, advised_as, match_package
from deadlight.advisories.reach import ORDER_STATE
from deadlight.advisories.version_keys import VersionKeys
from deadlight.ecosystems import position_of
from deadlight.model.package import Package
from deadlight.server.tables.findings import package_match_state, vulnerability_match

MATCHER_STATE = f"1.{ORDER_STATE}"
"""Raised when matching or a version order changes: packages matched under another are matched again."""

_PACKAGES = text("SELECT * FROM package WHERE id = ANY(:package_ids) ORDER BY id FOR NO KEY UPDATE")

# Only what can reach one of the versions: some packages have thousands of advisories for other versions.
_AFFECTED = text(
    """
    SELECT affected.advisory_id, affected.document FROM affected WHERE id IN (
        SELECT affected.id
        FROM jsonb_to_recordset(CAST(:packages AS jsonb)) AS wanted(ecosystem text, name text, position text)
        CROSS JOIN LATERAL (SELECT decode(wanted.position, 'hex') AS position) AS at
        JOIN affected USING (ecosystem, name)
        WHERE at.position IS NULL OR affected.order_state <> :order_state
           OR (coalesce(affected.lowest <= at.position, true) AND coalesce(at.position <= affected.highest, true)))
    """
)

_STORED = text(
    """
    SELECT * FROM vulnerability_match
    WHERE package_id = ANY(:package_ids) AND (matched_by = 'stated') = CAST(:stated AS boolean)
    """
)

_PACKAGES_IN_BUCKETS = text(
    """
    SELECT DISTINCT package.id
    FROM jsonb_to_recordset(CAST(:buckets AS jsonb)) AS bucket(ecosystem text, name text)
    JOIN package ON package.ecosystem = bucket.ecosystem AND bucket.name IN (package.name, package.source_name)
    UNION
    SELECT match.package_id
    FROM jsonb_to_recordset(CAST(:buckets AS jsonb)) AS bucket(ecosystem text, name text)
    JOIN affected USING (ecosystem, name)
    JOIN vulnerability_match AS match ON match.advisory_id = affected.advisory_id AND match.closed_at IS NULL
    WHERE match.matched_by = 'stated'
    """
)


MatchKey = tuple[int, str]
"""Package and advisory."""


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package with its row's id."""

    id: int
    package: Package
    findings_source: str = ""
    """The source that states its findings; of matching's then only malicious packages count."""


async def match_packages(connection: AsyncConnection, package_ids: Iterable[int]) -> set[MatchKey]:
    """Match packages with everything known; returns the matches that changed, as `store_matches` does.

    What a source states of packages of its own is left alone.
    """
    packages = await _load_packages(connection, sorted(package_ids))
    if not packages:
        return set()
    affected = await load_affected(connection, [item.package for item in packages])
    found = await asyncio.to_thread(_match_all, packages, affected)
    changed = await store_matches(connection, found)
    await _note_matched(connection, [item.id for item in packages])
    return changed


async def list_packages_in_buckets(connection: AsyncConnection, buckets: Sequence[Bucket]) -> list[int]:
    """Packages that advisories of these buckets can concern."""
    rows = await connection.execute(_PACKAGES_IN_BUCKETS, {"buckets": _bucket_rows(buckets)})
    return list(rows.scalars())


def _bucket_rows(buckets: Iterable[Bucket]) -> str:
    return msgspec.json.encode([{"ecosystem": ecosystem, "name": name} for ecosystem, name in buckets]).decode()


async def _load_packages(connection: AsyncConnection, package_ids: Sequence[int]) -> list[StoredPackage]:
    """The packages, locked in order: of two who match one at the same time, the second sees what the first did."""
    rows = await connection.execute(_PACKAGES, {"package_ids": package_ids})
    return [
        StoredPackage(
            row.id,
            Package(
                row.ecosystem,
                row.name,
                row.version,
                row.purl,
                row.source_name,
                row.source_version,
                row.architecture,
            ),
            row.findings_source,
        )
        for row in rows
    ]


async def load_affected(
    connection: AsyncConnection, packages: Sequence[Package]
) -> Mapping[Bucket, list[tuple[str, Affected]]]:
    """What may affect any of the packages, by bucket."""
    by_bucket: dict[Bucket, list[tuple[str, Affected]]] = {}
    wanted = await asyncio.to_thread(_positions, packages)
    for row in await connection.execute(_AFFECTED, {"packages": wanted, "order_state": ORDER_STATE}):
        entry = msgspec.convert(row.document, Affected)
        by_bucket.setdefault(entry.bucket, []).append((row.advisory_id, entry))
    return by_bucket


def _positions(packages: Sequence[Package]) -> str:
    """Where each version stands, as JSON rows; null where it has no place in an order."""
    keys = VersionKeys()
    rows = {}
    for item in packages:
        (ecosystem, name), version = advised_as(item)
        table = keys.of(ecosystem)
        key = table[version] if version and table is not None else None
        position = None if key is None else position_of(key).hex()
        rows[ecosystem, name, position] = {"ecosystem": ecosystem, "name": name, "position": position}
    return msgspec.json.encode(list(rows.values())).decode()


def _match_all(
    packages: Sequence[StoredPackage], affected: Mapping[Bucket, list[tuple[str, Affected]]]
) -> dict[int, tuple[Match, ...]]:
    keys = VersionKeys()
    return {item.id: match_package(item.package, _concerning(item, affected), keys).matches for item in packages}


def _concerning(
    item: StoredPackage, affected: Mapping[Bucket, list[tuple[str, Affected]]]
) -> Sequence[tuple[str, Affected]]:
    entries = affected.get(advised_as(item.package)[0], [])
    return [entry for entry in entries if entry[0].startswith(MALICIOUS_PREFIX)] if item.findings_source else entries


async def store_matches(
    connection: AsyncConnection, found: Mapping[int, tuple[Match, ...]], *, stated: bool = False
) -> set[MatchKey]:
    """Bring stored matches in line with what was found, or `stated`.

    Returns those that opened or closed, and those that a newer version mends now, or no more: which version that is
    makes no other risk.
    """
    rows = await connection.execute(_STORED, {"package_ids": list(found), "stated": stated})
    stored = {(row.package_id, row.advisory_id): row for row in rows}
    wanted = {(id_, match.advisory_id): match for id_, matches in found.items() for match in matches}
    opened = [key for key, match in wanted.items() if _differs(stored.get(key), match)]
    closed = [key for key, row in stored.items() if row.closed_at is None and key not in wanted]
    if opened:
        await connection.execute(_open_statement(), [_values(key, wanted[key]) for key in opened])
    if closed:
        await connection.execute(_CLOSE, [{"package": key[0], "advisory": key[1]} for key in closed])
    return {*(key for key in opened if _counts_otherwise(stored.get(key), wanted[key])), *closed}


def _differs(row: Row[Any] | None, match: Match) -> bool:
    return (
        row is None
        or row.closed_at is not None
        or (row.fix_version, row.matched_by) != (match.fix_version, match.matched_by.value)
    )


def _counts_otherwise(row: Row[Any] | None, match: Match) -> bool:
    return row is None or row.closed_at is not None or bool(row.fix_version) != bool(match.fix_version)


def _values(key: tuple[int, str], match: Match) -> dict[str, Any]:
    return {
        "package_id": key[0],
        "advisory_id": key[1],
        "fix_version": match.fix_version,
        "matched_by": match.matched_by.value,
    }


def _open_statement() -> Any:
    statement = insert(vulnerability_match)
    return statement.on_conflict_do_update(
        index_elements=["package_id", "advisory_id"],
        set_={
            "fix_version": statement.excluded.fix_version,
            "matched_by": statement.excluded.matched_by,
            "closed_at": None,
        },
    )


_CLOSE = (
    update(vulnerability_match)
    .where(
        vulnerability_match.c.package_id == bindparam("package"),
        vulnerability_match.c.advisory_id == bindparam("advisory"),
    )
    .values(closed_at=func.now())
)


async def _note_matched(connection: AsyncConnection, package_ids: Sequence[int]) -> None:
    statement = insert(package_match_state)
    statement = statement.on_conflict_do_update(
        index_elements=["package_id"], set_={"matcher_state": MATCHER_STATE, "matched_at": func.now()}
    )
    await connection.execute(statement, [{"package_id": id_, "matcher_state": MATCHER_STATE} for id_ in package_ids])


async def list_unmatched_packages(connection: AsyncConnection, image_id: int) -> list[int]:
    """Packages of an image that have not been matched by this matcher."""
    query = text(
        """
        SELECT DISTINCT image_package.package_id FROM image_package
        LEFT JOIN package_match_state AS state USING (package_id)
        WHERE image_package.image_id = :image_id AND state.matcher_state IS DISTINCT FROM :matcher_state
        """
    )
    rows = await connection.execute(query, {"image_id": image_id, "matcher_state": MATCHER_STATE})
    return list(rows.scalars())
