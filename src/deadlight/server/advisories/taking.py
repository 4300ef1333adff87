"""Taking what feeds brought into the database: in bounded batches, all of it or, where anything is wrong, nothing.

Each function works in the caller's transaction. It raises an AdvisoryError for what is damaged, and whatever it had
written by then goes with the transaction.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import iter_documents
from deadlight.advisories.document import Document, Rejected, RejectionCause
from deadlight.advisories.feeds.feed import FeedName, Fetched, InvalidFeedError
from deadlight.advisories.feeds.files import refuse_damaged
from deadlight.server.advisories.batches import in_thread, slices
from deadlight.server.advisories.cve_facts import take_cve_records, take_epss, take_known_exploited
from deadlight.server.advisories.feed_states import Part
from deadlight.server.advisories.service import ImportResult, apply_advisories, parse_documents
from deadlight.server.advisories.turns import wait_for_turn

OSV_SOURCE = "osv.dev"
"""The source of advisories that the feed keeps."""

DOCUMENTS_AT_ONCE = 500
BYTES_AT_ONCE = 8 * 1024 * 1024

MAX_VANISHED = 0.5
"""A copy that lacks more than this part of what is held of an ecosystem is a broken mirror's, not the world's news."""

CHANGING_ADVISORIES = frozenset({FeedName.OSV, FeedName.CVE})
"""What the others say touches no vulnerability."""

FEW = 100
"""So many may vanish at any rate."""

_HELD = text(
    """
    SELECT DISTINCT advisory.id FROM affected JOIN advisory ON advisory.id = affected.advisory_id
    WHERE (affected.ecosystem = :part OR starts_with(affected.ecosystem, :part || ':')) AND advisory.source = :source
    """
)
_STORED = text("SELECT id FROM advisory WHERE id = ANY(:ids)")
_DOCUMENTS = text("SELECT document FROM advisory WHERE id = ANY(:ids) ORDER BY id")


async def take(connection: AsyncConnection, part: Part, fetched: Fetched) -> ImportResult:
    """Take what a visit, or a person, brought; the file says all that is needed."""
    if fetched.path is None:
        return ImportResult()
    if part.name in CHANGING_ADVISORIES:
        await wait_for_turn(connection, None)  # sooner or later; what was brought would have to be brought again
    match part.name:
        case FeedName.OSV:
            return await take_osv(connection, part.part, fetched.path, complete=fetched.complete)
        case FeedName.CVE:
            return await take_cve_records(connection, fetched.path, fetched.asked)
        case FeedName.KEV:
            return await take_known_exploited(connection, fetched.path)
        case FeedName.EPSS:
            return await take_epss(connection, fetched.path)


async def take_osv(connection: AsyncConnection, ecosystem: str, path: Path, *, complete: bool) -> ImportResult:
    """Take advisories; of a `complete` copy of an ecosystem, those it does not hold any more count as withdrawn."""
    total = ImportResult()
    taken: set[str] = set()
    unread: set[str] = set()
    async for documents, rejected in in_thread(_document_batches(path)):
        refuse_damaged(rejected)
        advisories, invalid = await asyncio.to_thread(parse_documents, documents)
        first = [item for item in advisories if item.id not in taken]
        taken.update(item.id for item in first)
        of_use = await _without_stray(connection, first)
        total.add(await apply_advisories(connection, OSV_SOURCE, of_use, [*rejected, *invalid]))
        total.unchanged += len(advisories) - len(first)
        unread.update(_identifier(item) for item in (*rejected, *invalid) if item.cause is RejectionCause.INVALID)
    if complete:
        total.add(await _withdraw_vanished(connection, ecosystem, taken, unread))
    return total


def _identifier(item: Rejected) -> str:
    """Of a record that cannot be read, by its name in the archive: what is here of it stays."""
    return item.origin.rpartition(":")[2].rpartition("/")[2].removesuffix(".json")


async def _without_stray(connection: AsyncConnection, advisories: Sequence[Advisory]) -> list[Advisory]:
    """Without those that were withdrawn before anybody here knew of them: they would only take room."""
    withdrawn = [item.id for item in advisories if item.is_withdrawn]
    stored = set((await connection.execute(_STORED, {"ids": withdrawn})).scalars()) if withdrawn else set()
    return [item for item in advisories if not item.is_withdrawn or item.id in stored]


async def _withdraw_vanished(
    connection: AsyncConnection, ecosystem: str, taken: set[str], unread: set[str]
) -> ImportResult:
    held = set((await connection.execute(_HELD, {"part": ecosystem, "source": OSV_SOURCE})).scalars())
    vanished = sorted(held - taken - unread)
    if not taken or len(vanished) > max(FEW, MAX_VANISHED * len(held)):
        raise InvalidFeedError(
            f"{ecosystem}: the copy has {len(taken)} advisories and lacks {len(vanished)} of the {len(held)} that are "
            "here: it is taken for a broken one and nothing of it was kept"
        )
    total = ImportResult()
    now = datetime.now(UTC)
    for ids in slices(vanished, DOCUMENTS_AT_ONCE):
        rows = (await connection.execute(_DOCUMENTS, {"ids": ids})).scalars()
        # Without a hash, so that one that comes back is news.
        gone = [
            replace(msgspec.convert(document, Advisory), withdrawn_at=now, content_hash="vanished") for document in rows
        ]
        total.add(await apply_advisories(connection, OSV_SOURCE, gone))
    return total


def _document_batches(path: Path) -> Iterator[tuple[list[Document], list[Rejected]]]:
    """Documents by the batch, with those of the collection that could not be had."""
    documents: list[Document] = []
    rejected: list[Rejected] = []
    size = 0
    for item in iter_documents(path):
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        documents.append(item)
        size += len(item.content)
        if len(documents) >= DOCUMENTS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield documents, rejected
            documents, rejected, size = [], [], 0
    yield documents, rejected
