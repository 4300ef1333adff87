"""Importing advisories: only what changed is written, and what has to be matched again is recorded as an event."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory, Bucket
from deadlight.advisories.delta import Change, ChangeKind, iter_changes, touched_buckets
from deadlight.advisories.document import Document, Rejected, RejectionCause
from deadlight.advisories.errors import InvalidAdvisoryError, NotSecurityError
from deadlight.advisories.osv import parse_advisory
from deadlight.advisories.reach import ORDER_STATE, reach_of
from deadlight.advisories.version_keys import VersionKeys
from deadlight.model.event import EventType
from deadlight.scanner import GO_RECORDS
from deadlight.server.advisories.turns import wait_for_turn
from deadlight.server.advisories.vulnerabilities import (
    Link,
    SpokenOf,
    find_changed,
    find_touched,
    list_spoken_of,
    regroup,
    regroup_vulnerabilities,
)
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.tables.advisories import (
    advisory,
    advisory_import,
)

BUCKETS_PER_EVENT = 500
BYTES_PER_STATEMENT = 8 * 1024 * 1024
REJECTIONS_KEPT = 100
MAX_BUCKET_BYTES = 2_000
"""Ecosystem and package together, so that an index of PostgreSQL can hold them (2,704 bytes a row)."""

_UPSERT_ADVISORIES = text(
    """
    INSERT INTO advisory (id, source, content_hash, document, modified_at, withdrawn_at)
    SELECT id, source, content_hash, document, modified_at, withdrawn_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(id text, source text, content_hash text, document jsonb,
         modified_at timestamptz, withdrawn_at timestamptz)
    ON CONFLICT (id) DO UPDATE SET
        source = EXCLUDED.source, content_hash = EXCLUDED.content_hash, document = EXCLUDED.document,
        modified_at = EXCLUDED.modified_at, withdrawn_at = EXCLUDED.withdrawn_at, imported_at = now()
    """
)
_STORED_HASHES = text("SELECT id, content_hash FROM advisory WHERE id = ANY(:ids)")
_STORED_BUCKETS = text("SELECT advisory_id, ecosystem, name FROM affected WHERE advisory_id = ANY(:ids)")
_SPOKEN_OF = text("SELECT vulnerability_id FROM advisory_vulnerability WHERE advisory_id = ANY(:ids)")
# With an advisory go its matches, also those of what it said before it was taken back or spoke of other packages.
_MATCHED_BUCKETS = text(
    """
    SELECT DISTINCT package.ecosystem, package.name
    FROM vulnerability_match AS match JOIN package ON package.id = match.package_id
    WHERE match.advisory_id = ANY(:ids)
    """
)
_DELETE_ADVISORIES = text("DELETE FROM advisory WHERE id = ANY(:ids)")
_DELETE_AFFECTED = text("DELETE FROM affected WHERE advisory_id = ANY(:ids)")
_INSERT_AFFECTED = text(
    """
    INSERT INTO affected (advisory_id, ecosystem, name, document, order_state, lowest, highest)
    SELECT advisory_id, ecosystem, name, document, order_state, decode(lowest, 'hex'), decode(highest, 'hex')
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(advisory_id text, ecosystem text, name text, document jsonb,
         order_state integer, lowest text, highest text)
    """
)


@dataclass(slots=True)
class ImportResult:
    """What an import did."""

    added: int = 0
    changed: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    not_security: int = 0
    rejected: int = 0
    rejections: list[str] = field(default_factory=list)

    def add(self, other: "ImportResult") -> None:
        """Add what another part of the same import did."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejections = (self.rejections + other.rejections)[:REJECTIONS_KEPT]

    @property
    def is_news(self) -> bool:
        """Whether anything is not what it was."""
        return bool(self.added or self.changed or self.withdrawn)


COUNTS = ("added", "changed", "withdrawn", "unchanged", "not_security", "rejected")

_COUNTERS = {
    ChangeKind.NEW: "added",
    ChangeKind.CHANGED: "changed",
    ChangeKind.WITHDRAWN: "withdrawn",
    ChangeKind.UNCHANGED: "unchanged",
    ChangeKind.REPEATED: "unchanged",
}


def parse_documents(documents: Iterable[Document]) -> tuple[list[Advisory], list[Rejected]]:
    """Advisories, and the documents that are none with the reason; one bad document never stops the rest."""
    advisories: list[Advisory] = []
    rejected: list[Rejected] = []
    for document in documents:
        try:
            advisories.append(_storable(parse_advisory(document.content, document.origin), document.origin))
        except NotSecurityError as error:
            rejected.append(Rejected(document.origin, str(error), RejectionCause.NOT_SECURITY))
        except InvalidAdvisoryError as error:
            rejected.append(Rejected(document.origin, str(error)))
    return advisories, rejected


def _storable(item: Advisory, origin: str) -> Advisory:
    for ecosystem, name in item.buckets:
        if len(ecosystem.encode()) + len(name.encode()) > MAX_BUCKET_BYTES:
            raise InvalidAdvisoryError(f"{origin}: {item.id} names a package of more than {MAX_BUCKET_BYTES} bytes")
    return item


async def import_advisories(
    connection: AsyncConnection, source: str, advisories: Sequence[Advisory], rejected: Sequence[Rejected]
) -> ImportResult:
    """Apply advisories in the caller's transaction, and note it as an import."""
    result = await apply_advisories(connection, source, advisories, rejected)
    await note_import(connection, source, result)
    return result


async def apply_advisories(
    connection: AsyncConnection, source: str, advisories: Sequence[Advisory], rejected: Sequence[Rejected] = ()
) -> ImportResult:
    """Store what is new or changed in the caller's transaction and record which packages it concerns."""
    await wait_for_turn(connection)
    changes = list(iter_changes(await _stored_hashes(connection, advisories), advisories))
    effective = [change for change in changes if change.kind not in {ChangeKind.UNCHANGED, ChangeKind.REPEATED}]
    if effective:
        await _apply(connection, source, effective)
    return _count(changes, rejected)


async def _apply(connection: AsyncConnection, source: str, changes: Sequence[Change]) -> None:
    changed = [change.advisory for change in changes]
    touched = await find_touched(connection, changed)
    spoken_of = await list_spoken_of(connection, touched)
    buckets = await _touched(connection, changes)
    await _store(connection, source, changed)
    regrouped = await regroup(connection, touched, changed)
    now = await list_spoken_of(connection, touched | regrouped.vulnerability_ids)
    # Which functions a vulnerability is in may be told otherwise by records that say nothing else anew.
    told = {item.id for item in changed if item.id.startswith(GO_RECORDS)}
    otherwise = regrouped.judged_otherwise | {link.vulnerability_id for link in now if link.advisory_id in told}
    changed_links = find_changed(spoken_of, now, otherwise)
    await record_buckets(connection, buckets | regrouped.buckets, changed_links)


async def remove_source(connection: AsyncConnection, source: str) -> int:
    """Remove the advisories of a source, and what nothing speaks of then; returns how many advisories."""
    rows = await connection.execute(select(advisory.c.id).where(advisory.c.source == source))
    return await remove_advisories(connection, list(rows.scalars()))


async def remove_advisories(connection: AsyncConnection, ids: Sequence[str]) -> int:
    """Remove advisories, and what nothing speaks of then; returns how many there were."""
    await wait_for_turn(connection)
    touched: set[Bucket] = set()
    for query in (_STORED_BUCKETS, _MATCHED_BUCKETS):
        touched |= {(row.ecosystem, row.name) for row in await connection.execute(query, {"ids": list(ids)})}
    vulnerability_ids = set((await connection.execute(_SPOKEN_OF, {"ids": list(ids)})).scalars())
    removed = (await connection.execute(_DELETE_ADVISORIES, {"ids": list(ids)})).rowcount
    regrouped = await regroup_vulnerabilities(connection, vulnerability_ids)
    await record_buckets(connection, touched | regrouped.buckets)
    return removed


async def _stored_hashes(connection: AsyncConnection, advisories: Sequence[Advisory]) -> Mapping[str, str]:
    rows = await connection.execute(_STORED_HASHES, {"ids": [item.id for item in advisories]})
    return {row.id: row.content_hash for row in rows}


async def _touched(connection: AsyncConnection, changes: Sequence[Change]) -> set[Bucket]:
    stored: dict[str, list[Bucket]] = {}
    for row in await connection.execute(_STORED_BUCKETS, {"ids": [change.advisory.id for change in changes]}):
        stored.setdefault(row.advisory_id, []).append((row.ecosystem, row.name))
    return {bucket for change in changes for bucket in touched_buckets(change, stored.get(change.advisory.id, ()))}


async def _store(connection: AsyncConnection, source: str, advisories: Sequence[Advisory]) -> None:
    if not advisories:
        return
    for rows in _json_parts(_advisory_row(source, item) for item in advisories):
        await connection.execute(_UPSERT_ADVISORIES, {"rows": rows})
    await connection.execute(_DELETE_AFFECTED, {"ids": [item.id for item in advisories]})
    in_force = (item for item in advisories if not item.is_withdrawn)
    keys = VersionKeys()
    for rows in _json_parts(row for item in in_force for row in _affected_rows(item, keys)):
        await connection.execute(_INSERT_AFFECTED, {"rows": rows})


def _json_parts(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Parameters of a bulk statement: JSON arrays of the rows, each of about `BYTES_PER_STATEMENT` at most."""
    part: list[bytes] = []
    size = 0
    for row in map(msgspec.json.encode, rows):
        if part and size + len(row) > BYTES_PER_STATEMENT:
            yield f"[{b','.join(part).decode()}]"
            part, size = [], 0
        part.append(row)
        size += len(row)
    if part:
        yield f"[{b','.join(part).decode()}]"


def _advisory_row(source: str, item: Advisory) -> dict[str, Any]:
    return {
        "id": item.id,
        "source": source,
        "content_hash": item.content_hash,
        "document": item,
        "modified_at": item.modified_at,
        "withdrawn_at": item.withdrawn_at,
    }


def _affected_rows(item: Advisory, keys: VersionKeys) -> Iterator[dict[str, Any]]:
    for entry in item.affected:
        reach = reach_of(entry, keys)
        yield {
            "advisory_id": item.id,
            "ecosystem": entry.ecosystem,
            "name": entry.name,
            "document": entry,
            "order_state": ORDER_STATE,
            "lowest": reach.lowest and reach.lowest.hex(),
            "highest": reach.highest and reach.highest.hex(),
        }


async def record_buckets(connection: AsyncConnection, buckets: set[Bucket], changed: SpokenOf | None = None) -> None:
    """Record that the packages of these buckets are to be matched again.

    `changed` is what advisories spoke of until now, or speak of from now on, or what counts otherwise: nothing else of
    an image has to be computed anew, but for what matching changes. None where advisories are gone: with them goes what
    could tell which images an earlier change concerns that nobody has followed yet.
    """
    ordered = sorted(buckets)
    starts = range(0, len(ordered) or bool(changed), BUCKETS_PER_EVENT)
    parts = [ordered[start : start + BUCKETS_PER_EVENT] for start in starts]
    said = [
        {
            "buckets": part,
            "advisory_ids": sorted({link.advisory_id for link in links}),
            "vulnerability_ids": sorted({link.vulnerability_id for link in links}),
            "are_gone": changed is None,
        }
        for part, links in zip(parts, _share_out(parts, changed or {}), strict=True)
    ]
    await record_events(connection, [NewEvent(EventType.ADVISORIES_CHANGED, "advisories", data) for data in said])


def _share_out(parts: Sequence[Sequence[Bucket]], changed: SpokenOf) -> list[list[Link]]:
    """The links that each part is to tell of: those of its buckets, so that an image is looked at for both at once."""
    number_of = {bucket: number for number, part in enumerate(parts) for bucket in part}
    links: list[list[Link]] = [[] for _ in parts]
    for link, bucket in changed.items():
        links[number_of.get(bucket, 0)].append(link)
    return links


def _count(changes: Sequence[Change], rejected: Sequence[Rejected]) -> ImportResult:
    result = ImportResult()
    for change in changes:
        name = _COUNTERS[change.kind]
        setattr(result, name, getattr(result, name) + 1)
    invalid = [item for item in rejected if item.cause is not RejectionCause.NOT_SECURITY]
    result.rejected = len(invalid)
    result.not_security = len(rejected) - len(invalid)
    result.rejections = [item.reason for item in invalid[:REJECTIONS_KEPT]]
    return result


async def note_import(connection: AsyncConnection, source: str, result: ImportResult) -> None:
    """Keep what an import did."""
    values = {name: getattr(result, name) for name in ImportResult.__dataclass_fields__}
    await connection.execute(insert(advisory_import).values(source=source, **values))
