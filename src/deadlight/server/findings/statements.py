"""Making findings of what the scanner of an image's registry states, and withdrawing them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.package import Package
from deadlight.registry.statements import Statement
from deadlight.server.advisories.service import apply_advisories, remove_source
from deadlight.server.advisories.turns import wait_for_turn
from deadlight.server.findings.matching import store_matches
from deadlight.server.findings.stated import Placed, advisory_of, place
from deadlight.server.runtime.joining import move_uses
from deadlight.server.scans.statements import find_statement, restate_packages
from deadlight.server.scans.store import TOLD, store_told_packages
from deadlight.server.tables.advisories import advisory
from deadlight.server.tables.findings import stated_applicability
from deadlight.server.tables.scans import image

PATIENCE = timedelta(seconds=2)
"""For the turn to change advisories: longer ones would keep connections from everybody else."""

_PACKAGES = text(
    """
    SELECT DISTINCT package.*, image_package.location = :told AS is_told
    FROM image_package JOIN package ON package.id = image_package.package_id
    WHERE image_package.image_id = :image_id AND image_package.owner_package_id IS NULL ORDER BY package.id
    """
)
_OTHERS = text(
    """
    SELECT DISTINCT image_id FROM image_package
    WHERE package_id = ANY(:package_ids) AND image_id <> :image_id ORDER BY image_id
    """
)
_IN_USE = text("SELECT EXISTS (SELECT FROM image WHERE findings_source = :source)")


async def apply_statement(connection: AsyncConnection, image_id: int) -> Sequence[int]:
    """Bring the packages and stated matches of an image in line with what its registry's scanner says of it.

    Returns the other images that have packages whose matches changed. Without a statement, what there was is withdrawn.
    """
    query = select(image.c.findings_source, image.c.distribution).where(image.c.id == image_id)
    row = (await connection.execute(query)).first()
    if row is None:
        return []
    kept = await find_statement(connection, image_id)
    if kept is None:
        await _withdraw(connection, image_id, row.findings_source)
        return []
    if kept.statement is None:
        return []
    await _restate(connection, image_id, kept.source)
    if row.findings_source not in {"", kept.source}:
        await _forget_source(connection, row.findings_source)
    changed = await _apply(connection, image_id, kept.source, kept.statement, row.distribution)
    others = await connection.execute(_OTHERS, {"package_ids": sorted(changed), "image_id": image_id})
    return others.scalars().all()


async def _restate(connection: AsyncConnection, image_id: int, findings_source: str) -> None:
    """Its packages become those of the source, and what sensors saw of them goes along."""
    moves = await restate_packages(connection, image_id, findings_source)
    if moves:
        await move_uses(connection, image_id, moves)


async def _apply(
    connection: AsyncConnection, image_id: int, source: str, statement: Statement, distribution: str
) -> set[int]:
    """Returns the ids of packages whose matches changed."""
    rows = (await connection.execute(_PACKAGES, {"image_id": image_id, "told": TOLD})).all()
    ids = {_package(row): int(row.id) for row in rows if not row.is_told}
    placed = await asyncio.to_thread(place, statement, source, list(ids), distribution)
    ids |= await store_told_packages(connection, image_id, placed.told, source)
    await _import(connection, source, statement)
    changed = await store_matches(
        connection, {id_: placed.matches.get(item, ()) for item, id_ in ids.items()}, stated=True
    )
    await _store_applicability(connection, image_id, placed, ids)
    return {package_id for package_id, _ in changed}


def _package(row: Row[Any]) -> Package:
    return Package(
        row.ecosystem, row.name, row.version, row.purl, row.source_name, row.source_version, row.architecture
    )


async def _import(connection: AsyncConnection, source: str, statement: Statement) -> None:
    """Keep the issues as advisories of the source; those that are known and unchanged are left alone."""
    advisories = {item.id: item for item in (advisory_of(issue, source) for issue in statement.issues)}
    query = select(advisory.c.id, advisory.c.content_hash).where(advisory.c.id.in_(list(advisories)))
    known = {row.id: row.content_hash for row in await connection.execute(query)}
    changed = [item for id_, item in advisories.items() if known.get(id_) != item.content_hash]
    if changed:
        await wait_for_turn(connection, PATIENCE)
        await apply_advisories(connection, source, changed)


async def _store_applicability(
    connection: AsyncConnection, image_id: int, placed: Placed, ids: Mapping[Package, int]
) -> None:
    await connection.execute(delete(stated_applicability).where(stated_applicability.c.image_id == image_id))
    rows = [
        {"image_id": image_id, "package_id": ids[package], "advisory_id": advisory_id, "status": status.value}
        for (package, advisory_id), status in placed.applicability.items()
    ]
    if rows:
        await connection.execute(insert(stated_applicability), rows)


async def _withdraw(connection: AsyncConnection, image_id: int, source: str) -> None:
    """Nothing is stated of it any more: its packages are matched again, and what only was told of is gone."""
    if not source:
        return
    await store_told_packages(connection, image_id, (), source)
    await connection.execute(delete(stated_applicability).where(stated_applicability.c.image_id == image_id))
    await _restate(connection, image_id, "")
    await _forget_source(connection, source)


async def _forget_source(connection: AsyncConnection, source: str) -> None:
    """Remove a source's advisories with the last image that has its findings from it."""
    if not (await connection.execute(_IN_USE, {"source": source})).scalar_one():
        await wait_for_turn(connection, PATIENCE)
        await remove_source(connection, source)
