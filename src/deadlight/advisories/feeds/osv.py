"""OSV.dev: the advisories of one ecosystem, all at first and then what changed.

The bucket has a folder for each ecosystem (https://google.github.io/osv.dev/data/): `all.zip` holds every record,
`<id>.json` one of them, and `modified_id.csv` a line `<time of change>,<id>` for each. Records of malicious packages
(`MAL-`, from the OpenSSF) are among those of their ecosystem.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from deadlight.advisories.feeds.download import download, download_each
from deadlight.advisories.feeds.feed import Checkpoint, Fetched, InvalidFeedError, Visit
from deadlight.advisories.osv import READER_VERSION
from deadlight.advisories.record import MAX_DOCUMENT_BYTES

MAX_ARCHIVE_BYTES = 2 * 1024**3
MAX_LISTING_BYTES = 256 * 1024**2
MAX_LISTED = 2_000_000
MAX_LINE_BYTES = 512

MAX_SINGLE_RECORDS = 1_000
"""More changes than these are had faster and more kindly with the whole archive."""

FULL_COPY_EVERY = timedelta(days=7)
"""Records that vanish are in no list of changes, and a list can lag behind: now and then everything is compared."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._:+-]{1,120}")
"""Only what is safe in an address: it becomes one."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list of changes says: its youngest time, and which records are as young as asked for or younger."""

    newest: datetime
    changed: tuple[str, ...]


async def fetch_osv(visit: Visit) -> Fetched:
    """What changed of an ecosystem's advisories, or all of them; `visit.part` is OSV's name without release.

    A whole copy is had the first time, after `FULL_COPY_EVERY`, when more than `MAX_SINGLE_RECORDS` changed, and when
    the reader has been raised, for what it made of records that have not changed would else stay as it was.

    Raises:
        FeedUnavailableError: the source cannot be had now, or has no such ecosystem.
        InvalidFeedError: what it sent is not in its format.
    """
    known = visit.checkpoint if _is_current(visit.checkpoint, visit.now) else {}
    listed = await download(
        visit, visit.url / visit.part / "modified_id.csv", "modified_id.csv", MAX_LISTING_BYTES, unless=known
    )
    if listed is None:
        return Fetched(known)
    since = _parse_time(known["newest"]) if known else None
    listing = await asyncio.to_thread(read_listing, listed.path, since)
    checkpoint = {"reader": str(READER_VERSION), "newest": listing.newest.isoformat(), **listed.validators}
    if known and len(listing.changed) <= MAX_SINGLE_RECORDS:
        folder, size = await _fetch_records(visit, listing.changed)
        return Fetched(checkpoint | {"full_at": known["full_at"]}, folder, False, listed.size + size)
    whole = await download(visit, visit.url / visit.part / "all.zip", "all.zip", MAX_ARCHIVE_BYTES)
    assert whole is not None, "asked without condition"
    checkpoint["full_at"] = visit.now.isoformat()
    return Fetched(checkpoint, whole.path, True, listed.size + whole.size)


def _is_current(checkpoint: Checkpoint, now: datetime) -> bool:
    """Whether changes since a checkpoint are enough."""
    if checkpoint.get("reader") != str(READER_VERSION) or not {"newest", "full_at"} <= checkpoint.keys():
        return False
    return now - _parse_time(checkpoint["full_at"]) < FULL_COPY_EVERY


async def _fetch_records(visit: Visit, identifiers: Sequence[str]) -> tuple[Path, int]:
    """Bring single records into a folder; one that has gone since it was listed is left out."""
    folder = visit.folder / "records"
    folder.mkdir()
    # Their names come from outside, so the files have numbers.
    wanted = (
        (visit.url / visit.part / f"{identifier}.json", f"records/{number:06}.json")
        for number, identifier in enumerate(identifiers)
    )
    return folder, await download_each(visit, wanted, MAX_DOCUMENT_BYTES)


def read_listing(path: Path, since: datetime | None) -> Listing:
    """Read a list of changes; without `since` only its youngest time is of interest.

    What changed in the very moment of `since` is among what changed: others may have changed in it after it was read.

    Raises:
        InvalidFeedError: it is empty, or a line is not `<time>,<id>`.
    """
    newest: datetime | None = None
    changed: list[str] = []
    with path.open("rb") as file:
        for at, identifier in iter_modified(file):
            newest = at if newest is None else max(newest, at)
            if since is not None and at >= since:
                changed.append(identifier)
    if newest is None:
        raise InvalidFeedError(f"{path.name}: lists no record")
    return Listing(newest, tuple(dict.fromkeys(changed)))


def iter_modified(file: BinaryIO) -> Iterator[tuple[datetime, str]]:
    """The lines of `modified_id.csv`; the one for all ecosystems puts `<ecosystem>/` before the identifier.

    Raises:
        InvalidFeedError: a line is none, or there are more than `MAX_LISTED`.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        at, _, name = line.decode("utf-8", errors="replace").strip().partition(",")
        identifier = name.rpartition("/")[2]
        if number > MAX_LISTED:
            raise InvalidFeedError(f"modified_id.csv: more than {MAX_LISTED} lines")
        if len(line) > MAX_LINE_BYTES or not _IDENTIFIER.fullmatch(identifier):
            raise InvalidFeedError(f"modified_id.csv: line {number} is not <time>,<id>: {name[:60]!r}")
        yield _parse_time(at), identifier


def _parse_time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidFeedError(f"modified_id.csv: {text[:40]!r} is no time") from None
