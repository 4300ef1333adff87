"""Keeping vulnerabilities, the alias groups of advisories, in step with the advisories."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory, Bucket
from deadlight.advisories.aliases import AliasGroup, group_advisories, identifier_sets
from deadlight.advisories.cve_record import CveRating
from deadlight.advisories.severity import Rating
from deadlight.advisories.vulnerability import merge
from deadlight.model.vulnerability import Severity

# Arrays, not lists of parameters: an import may well touch more names than a statement may have parameters (65,535).
_CONNECTED = text(
    """
    SELECT vulnerability_id FROM vulnerability_alias WHERE name = ANY(:names)
    UNION SELECT vulnerability_id FROM advisory_vulnerability WHERE advisory_id = ANY(:advisory_ids)
    """
)
_SPOKEN_OF = text(
    """
    SELECT DISTINCT ON (advisory_id, vulnerability_id) advisory_id, vulnerability_id,
           coalesce(ecosystem, '') AS ecosystem, coalesce(name, '') AS name
    FROM advisory_vulnerability LEFT JOIN affected USING (advisory_id)
    WHERE vulnerability_id = ANY(:ids)
    ORDER BY advisory_id, vulnerability_id, ecosystem COLLATE "C", name COLLATE "C"
    """
)
_KNOWN_NAMES = text("SELECT name FROM vulnerability_alias WHERE vulnerability_id = ANY(:ids)")
_MEMBERS = text(
    """
    SELECT document FROM advisory
    WHERE id IN (SELECT advisory_id FROM advisory_vulnerability WHERE vulnerability_id = ANY(:ids))
    """
)
_CVE_RATINGS = text("SELECT * FROM cve_rating WHERE cve = ANY(:cves)")
_ROWS = text("SELECT * FROM vulnerability WHERE id = ANY(:ids)")
_FORGET_LINKS = text("DELETE FROM advisory_vulnerability WHERE vulnerability_id = ANY(:ids)")
_FORGET_NAMES = text("DELETE FROM vulnerability_alias WHERE vulnerability_id = ANY(:ids)")
_DELETE = text("DELETE FROM vulnerability WHERE id = ANY(:ids)")

_RECORDSET = """
    jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id bigint, name text, aliases text[], severity text,
        severity_rank smallint, severity_source text, cvss_score float, cvss_vector text, summary text,
        malicious boolean, published_at timestamptz)
"""
_INSERT = text(
    f"""
    INSERT INTO vulnerability (name, aliases, severity, severity_rank, severity_source, cvss_score, cvss_vector,
                               summary, malicious, published_at)
    SELECT name, aliases, severity, severity_rank, severity_source, cvss_score, cvss_vector, summary, malicious,
           published_at
    FROM {_RECORDSET} RETURNING id, name
    """  # noqa: S608 - constant
)
_UPDATE = text(
    f"""
    UPDATE vulnerability
    SET name = row.name, aliases = row.aliases, severity = row.severity, severity_rank = row.severity_rank,
        severity_source = row.severity_source, cvss_score = row.cvss_score, cvss_vector = row.cvss_vector,
        summary = row.summary, malicious = row.malicious, published_at = row.published_at, updated_at = now()
    FROM {_RECORDSET} WHERE vulnerability.id = row.id
    """  # noqa: S608 - constant
)
_LINK = text(
    """
    INSERT INTO advisory_vulnerability (advisory_id, vulnerability_id)
    SELECT * FROM unnest(CAST(:advisory_ids AS text[]), CAST(:vulnerability_ids AS bigint[])) ON CONFLICT DO NOTHING
    """
)
_NAME = text(
    """
    INSERT INTO vulnerability_alias (name, vulnerability_id)
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:vulnerability_ids AS bigint[]))
    """
)


_JUDGED_BY = ("name", "aliases", "severity", "malicious")
"""What of a vulnerability counts in an image's risk: rules are about names."""


class Link(NamedTuple):
    """An advisory speaks of a vulnerability."""

    advisory_id: str
    vulnerability_id: int


@dataclass(frozen=True, slots=True)
class _Placed:
    """A group, what its row is to say, and the row that stands for it until now, if any does."""

    group: AliasGroup
    values: Mapping[str, Any]
    row: Row[Any] | None

    @property
    def is_news(self) -> bool:
        return self._says_otherwise(self.values)

    @property
    def is_judged_otherwise(self) -> bool:
        return self._says_otherwise(_JUDGED_BY)

    def _says_otherwise(self, names: Iterable[str]) -> bool:
        return self.row is None or any(getattr(self.row, name) != self.values[name] for name in names)


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What came of grouping again."""

    vulnerability_ids: set[int]
    """All there are now."""
    judged_otherwise: set[int]
    """Those of them that count otherwise wherever they are found: by severity, being malicious, or name."""
    buckets: set[Bucket]
    """Of every advisory whose vulnerability is not what it was."""


SpokenOf = Mapping[Link, Bucket]
"""What advisories speak of, each with one of their buckets; advisories without any have an empty one."""


def find_changed(before: SpokenOf, after: SpokenOf, judged_otherwise: Container[int]) -> SpokenOf:
    """What is spoken of only before or only after, or of a vulnerability that counts otherwise. Pure."""
    kept = before.keys() & after.keys()
    return {
        link: bucket
        for link, bucket in {**before, **after}.items()
        if link not in kept or link.vulnerability_id in judged_otherwise
    }


async def list_spoken_of(connection: AsyncConnection, vulnerability_ids: Iterable[int]) -> SpokenOf:
    """Which advisories speak of these vulnerabilities."""
    rows = await connection.execute(_SPOKEN_OF, {"ids": sorted(vulnerability_ids)})
    return {Link(row.advisory_id, row.vulnerability_id): (row.ecosystem, row.name) for row in rows}


async def regroup(connection: AsyncConnection, touched: set[int], changed: Sequence[Advisory]) -> Regrouped:
    """Group again everything connected with the changed advisories: the vulnerabilities that they touch.

    A new alias can join two vulnerabilities and a lost one can part them, so the whole of what they touch is grouped
    anew.
    """
    members = {item.id: item for item in (*await _members(connection, touched), *changed)}
    names = _names(changed) | await _known_names(connection, touched)
    return await _group_anew(connection, touched, members.values(), names)


async def regroup_vulnerabilities(connection: AsyncConnection, vulnerability_ids: set[int]) -> Regrouped:
    """Group again the advisories that are left of vulnerabilities which lost some."""
    members = await _members(connection, vulnerability_ids)
    names = await _known_names(connection, vulnerability_ids)
    return await _group_anew(connection, vulnerability_ids, members, names)


async def _group_anew(
    connection: AsyncConnection, touched: set[int], members: Iterable[Advisory], names: set[str]
) -> Regrouped:
    """Replace the touched vulnerabilities by the groups of `members` that concern any of `names`."""
    known = await _rows(connection, touched)
    # A notice of several flaws brings in others that are not concerned.
    groups = [group for group in group_advisories(members) if group.identifiers & names]
    ratings = await _cve_ratings(connection, groups)
    placed = [_place(group, known, ratings) for group in groups]
    await _forget(connection, touched, [row.id for row in known.values()])
    ids = await _store(connection, placed)
    await _link(connection, placed, ids)
    news = [item.group for item in placed if item.is_news]
    buckets = {bucket for group in news for member in group.advisories for bucket in member.buckets}
    judged_otherwise = {ids[item.group.id] for item in placed if item.is_judged_otherwise}
    return Regrouped(set(ids.values()), judged_otherwise, buckets)


async def _cve_ratings(connection: AsyncConnection, groups: Iterable[AliasGroup]) -> Mapping[str, CveRating]:
    """What CVE records say about the CVEs of these groups."""
    cves = [name for group in groups for name in group.identifiers if name.startswith("CVE-")]
    return {
        row.cve: CveRating(row.cve, Rating(Severity(row.severity), row.cvss_score, row.cvss_vector), row.source)
        for row in await connection.execute(_CVE_RATINGS, {"cves": cves})
    }


def _names(advisories: Iterable[Advisory]) -> set[str]:
    return {name for item in advisories for identifiers in identifier_sets(item) for name in identifiers}


async def _known_names(connection: AsyncConnection, vulnerability_ids: set[int]) -> set[str]:
    return set((await connection.execute(_KNOWN_NAMES, {"ids": list(vulnerability_ids)})).scalars())


async def find_touched(connection: AsyncConnection, changed: Sequence[Advisory]) -> set[int]:
    """Vulnerabilities that share a name with a changed advisory, or that it spoke of until now."""
    parameters = {"names": list(_names(changed)), "advisory_ids": [item.id for item in changed]}
    return set((await connection.execute(_CONNECTED, parameters)).scalars())


async def _members(connection: AsyncConnection, vulnerability_ids: set[int]) -> list[Advisory]:
    """The advisories that speak of these vulnerabilities."""
    documents = (await connection.execute(_MEMBERS, {"ids": list(vulnerability_ids)})).scalars()
    return [msgspec.convert(document, Advisory) for document in documents]


async def _rows(connection: AsyncConnection, vulnerability_ids: set[int]) -> dict[str, Row[Any]]:
    return {row.name: row for row in await connection.execute(_ROWS, {"ids": list(vulnerability_ids)})}


def _place(group: AliasGroup, known: dict[str, Row[Any]], ratings: Mapping[str, CveRating]) -> _Placed:
    """Take the row that stands for a group out of `known`: the one of its name, else of another of its names."""
    name = group.id if group.id in known else next((item for item in sorted(group.identifiers) if item in known), "")
    return _Placed(group, _values(group, ratings), known.pop(name, None))


def _values(group: AliasGroup, ratings: Mapping[str, CveRating]) -> dict[str, Any]:
    merged = merge(group, ratings)
    return {
        "name": merged.id,
        "aliases": list(merged.aliases),
        "severity": merged.severity.value,
        "severity_rank": merged.severity.rank,
        "severity_source": merged.severity_source,
        "cvss_score": merged.cvss_score,
        "cvss_vector": merged.cvss_vector,
        "summary": merged.summary or merged.details[:300],
        "malicious": merged.is_malicious,
        "published_at": merged.published_at,
    }


async def _forget(connection: AsyncConnection, touched: set[int], gone: list[int]) -> None:
    """Forget the names and links of what is grouped anew, and what no advisory speaks of any more altogether."""
    await connection.execute(_FORGET_LINKS, {"ids": list(touched)})
    await connection.execute(_FORGET_NAMES, {"ids": list(touched)})
    await connection.execute(_DELETE, {"ids": gone})


async def _store(connection: AsyncConnection, placed: Sequence[_Placed]) -> Mapping[str, int]:
    """Write what is new or says something else; returns the rows' ids by name.

    No name is given to one row while another still has it: a group takes the row of its own name first, and no name is
    in two groups.
    """
    ids = {item.group.id: item.row.id for item in placed if item.row is not None}
    changed = [{"id": item.row.id, **item.values} for item in placed if item.row is not None and item.is_news]
    new = [item.values for item in placed if item.row is None]
    if changed:
        await connection.execute(_UPDATE, {"rows": msgspec.json.encode(changed).decode()})
    if new:
        rows = await connection.execute(_INSERT, {"rows": msgspec.json.encode(new).decode()})
        ids |= {row.name: row.id for row in rows}
    return ids


async def _link(connection: AsyncConnection, placed: Sequence[_Placed], ids: Mapping[str, int]) -> None:
    links = [(member.id, ids[item.group.id]) for item in placed for member in item.group.advisories]
    names = [(name, ids[item.group.id]) for item in placed for name in item.group.identifiers]
    for statement, column, pairs in ((_LINK, "advisory_ids", links), (_NAME, "names", names)):
        parameters = {column: [pair[0] for pair in pairs], "vulnerability_ids": [pair[1] for pair in pairs]}
        await connection.execute(statement, parameters)
