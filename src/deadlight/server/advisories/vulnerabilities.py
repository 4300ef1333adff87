"""Keeping vulnerabilities, the alias groups of advisories, in step with the advisories."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory, Bucket
from deadlight.advisories.aliases import AliasGroup, group_advisories, identifier_sets
from deadlight.advisories.vulnerability import merge
from deadlight.server.tables.advisories import (
    advisory,
    advisory_vulnerability,
    vulnerability,
    vulnerability_alias,
)


async def regroup(connection: AsyncConnection, changed: Sequence[Advisory]) -> set[Bucket]:
    """Group again everything connected with the changed advisories.

    A new alias can join two vulnerabilities and a lost one can part them, so the whole of what they touch is grouped
    anew. Returns the buckets of every advisory whose vulnerability is not what it was.
    """
    if not changed:
        return set()
    touched = await _connected(connection, changed)
    names = _names(changed) | await _known_names(connection, touched)
    members = await _members(connection, touched, changed)
    await _forget_links(connection, touched, [item.id for item in changed])
    buckets: set[Bucket] = set()
    known = await _rows(connection, touched)
    for group in group_advisories(members):
        if not group.identifiers & names:
            continue  # a notice of several flaws brings in others that are not concerned
        vulnerability_id, is_news = await _store_group(connection, group, known)
        await _link(connection, group, vulnerability_id)
        if is_news:
            buckets.update(bucket for item in group.advisories for bucket in item.buckets)
    await _drop(connection, known.values())
    return buckets


def _names(advisories: Iterable[Advisory]) -> set[str]:
    return {name for item in advisories for identifiers in identifier_sets(item) for name in identifiers}


async def _known_names(connection: AsyncConnection, vulnerability_ids: set[int]) -> set[str]:
    query = select(vulnerability_alias.c.name).where(vulnerability_alias.c.vulnerability_id.in_(vulnerability_ids))
    return set((await connection.execute(query)).scalars())


async def _connected(connection: AsyncConnection, changed: Sequence[Advisory]) -> set[int]:
    """Vulnerabilities that share a name with a changed advisory, or that it spoke of until now."""
    by_name = select(vulnerability_alias.c.vulnerability_id).where(vulnerability_alias.c.name.in_(_names(changed)))
    by_link = select(advisory_vulnerability.c.vulnerability_id).where(
        advisory_vulnerability.c.advisory_id.in_([item.id for item in changed])
    )
    return set((await connection.execute(by_name.union(by_link))).scalars())


async def _members(
    connection: AsyncConnection, vulnerability_ids: set[int], changed: Sequence[Advisory]
) -> list[Advisory]:
    query = (
        select(advisory.c.document)
        .join(advisory_vulnerability, advisory_vulnerability.c.advisory_id == advisory.c.id)
        .where(advisory_vulnerability.c.vulnerability_id.in_(vulnerability_ids))
        .distinct()
    )
    stored = [msgspec.convert(document, Advisory) for document in (await connection.execute(query)).scalars()]
    return list({item.id: item for item in (*stored, *changed)}.values())


async def _forget_links(connection: AsyncConnection, vulnerability_ids: set[int], advisory_ids: Sequence[str]) -> None:
    links, names = advisory_vulnerability.c, vulnerability_alias.c
    stale = links.vulnerability_id.in_(vulnerability_ids) | links.advisory_id.in_(advisory_ids)
    await connection.execute(delete(advisory_vulnerability).where(stale))
    await connection.execute(delete(vulnerability_alias).where(names.vulnerability_id.in_(vulnerability_ids)))


async def _rows(connection: AsyncConnection, vulnerability_ids: set[int]) -> dict[str, Any]:
    query = select(vulnerability).where(vulnerability.c.id.in_(vulnerability_ids))
    return {row.name: row for row in await connection.execute(query)}


async def _store_group(connection: AsyncConnection, group: AliasGroup, known: dict[str, Any]) -> tuple[int, bool]:
    """The vulnerability's id, and whether it is new or says something else than before; takes it out of `known`."""
    values = _values(group)
    name = group.id if group.id in known else next((item for item in sorted(group.identifiers) if item in known), "")
    row = known.pop(name, None)
    if row is None:
        statement = insert(vulnerability).values(**values).returning(vulnerability.c.id)
        return (await connection.execute(statement)).scalar_one(), True
    if {column: getattr(row, column) for column in values} == values:
        return row.id, False
    await connection.execute(update(vulnerability).where(vulnerability.c.id == row.id).values(**values))
    return row.id, True


def _values(group: AliasGroup) -> dict[str, Any]:
    merged = merge(group)
    return {
        "name": merged.id,
        "aliases": list(merged.aliases),
        "severity": merged.severity.value,
        "severity_rank": merged.severity.rank,
        "cvss_score": merged.cvss_score,
        "cvss_vector": merged.cvss_vector,
        "summary": merged.summary or merged.details[:300],
        "malicious": merged.is_malicious,
        "published_at": merged.published_at,
    }


async def _link(connection: AsyncConnection, group: AliasGroup, vulnerability_id: int) -> None:
    links = [{"advisory_id": item.id, "vulnerability_id": vulnerability_id} for item in group.advisories]
    await connection.execute(upsert(advisory_vulnerability).on_conflict_do_nothing(), links)
    statement = upsert(vulnerability_alias)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"vulnerability_id": statement.excluded.vulnerability_id}
    )
    names = [{"name": name, "vulnerability_id": vulnerability_id} for name in sorted(group.identifiers)]
    await connection.execute(statement, names)


async def _drop(connection: AsyncConnection, rows: Iterable[Any]) -> None:
    """What no advisory speaks of any more: joined to another, or all its advisories withdrawn."""
    ids = [row.id for row in rows]
    if ids:
        await connection.execute(delete(vulnerability).where(vulnerability.c.id.in_(ids)))
