"""FIRST's Exploit Prediction Scoring System: how likely each CVE is to be exploited within 30 days, anew every day.

The file (https://www.first.org/epss/data_stats) is CSV, compressed with gzip: a line
`#model_version:...,score_date:...`, the names of the columns and a line for each CVE.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from deadlight.advisories.aliases import CVE_PATTERN
from deadlight.advisories.feeds.download import download
from deadlight.advisories.feeds.feed import Fetched, InvalidFeedError, Visit

MAX_FILE_BYTES = 128 * 1024**2
MAX_EXPANDED_BYTES = 512 * 1024**2
MAX_LINE_BYTES = 1_024
"""The line of names included, whose columns may become more."""

GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 31
"""`wbits` of zlib for a gzip header and trailer with the largest window."""

_CHUNK = 64 * 1024
_EXPANDED_CHUNK = 1024 * 1024
_CVE = re.compile(CVE_PATTERN)
_SCORE_DATE = re.compile(r"score_date:(\d{4}-\d\d-\d\d)")
_COLUMNS = ("cve", "epss", "percentile")


@dataclass(frozen=True, slots=True)
class Prediction:
    """How likely a CVE is to be exploited within 30 days of `scored_on`.

    `probability` from 0 to 1; `percentile` is the part of all CVEs, from 0 to 1, that are no likelier.
    """

    cve: str
    probability: float
    percentile: float
    scored_on: date


async def fetch_epss(visit: Visit) -> Fetched:
    """The current scores, where they are not those of the checkpoint.

    Raises:
        FeedUnavailableError: the source cannot be had now.
        InvalidFeedError: it sent too much.
    """
    brought = await download(visit, visit.url, "epss_scores-current.csv.gz", MAX_FILE_BYTES, unless=visit.checkpoint)
    if brought is None:
        return Fetched(visit.checkpoint)
    return Fetched(brought.validators, brought.path, True, brought.size)


def read_epss(path: Path) -> Iterator[Prediction]:
    """The scores of a file, compressed or not, one after the other.

    Raises:
        InvalidFeedError: it is not FIRST's file, cut short, or exceeds a bound. What came before is to be thrown away.
    """
    with path.open("rb") as file:
        compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        chunks = _expand(path.name, file) if compressed else iter(lambda: file.read(_CHUNK), b"")
        yield from parse_epss(chunks, path.name)


def parse_epss(chunks: Iterable[bytes], origin: str) -> Iterator[Prediction]:
    """The scores of a file's expanded content; `origin` says in errors where it came from. Raises as `read_epss`."""
    scored_on: date | None = None
    places: tuple[int, ...] = ()
    for number, line in enumerate(_lines(chunks, origin), start=1):
        if line.startswith("#"):
            scored_on = scored_on or _score_date(line, origin)
        elif not places:
            places = _places(line, origin)
        elif scored_on is None:
            raise InvalidFeedError(f"{origin}: no score_date stands before the scores")
        else:
            yield _prediction(line, places, scored_on, f"{origin}: line {number}")
    if not places or scored_on is None:
        raise InvalidFeedError(f"{origin}: not FIRST's file: it has no scores")


def _score_date(line: str, origin: str) -> date | None:
    found = _SCORE_DATE.search(line)
    try:
        return datetime.fromisoformat(found[1]).date() if found else None
    except ValueError:
        raise InvalidFeedError(f"{origin}: {line[:60]!r} names no date") from None


def _places(line: str, origin: str) -> tuple[int, ...]:
    """Where the columns stand that are used."""
    names = [name.strip().lower() for name in line.split(",")]
    if missing := [name for name in _COLUMNS if name not in names]:
        raise InvalidFeedError(f"{origin}: not FIRST's file: no column {missing[0]} in {line[:60]!r}")
    return tuple(names.index(name) for name in _COLUMNS)


def _prediction(line: str, places: tuple[int, ...], scored_on: date, origin: str) -> Prediction:
    fields = line.split(",")
    try:
        cve, *texts = (fields[place].strip() for place in places)
        probability, percentile = map(float, texts)
    except (IndexError, ValueError):
        raise InvalidFeedError(f"{origin} is no score: {line[:60]!r}") from None
    if not (_CVE.fullmatch(cve) and 0 <= probability <= 1 and 0 <= percentile <= 1):
        raise InvalidFeedError(f"{origin} is no score: {line[:60]!r}")
    return Prediction(cve, probability, percentile, scored_on)


def _lines(chunks: Iterable[bytes], origin: str) -> Iterator[str]:
    """Lines without their ends; empty ones are passed over."""
    rest = b""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_EXPANDED_BYTES:
            raise InvalidFeedError(f"{origin}: more than {MAX_EXPANDED_BYTES} bytes")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in (*lines, rest):
            if len(line) > MAX_LINE_BYTES:
                raise InvalidFeedError(f"{origin}: a line of more than {MAX_LINE_BYTES} bytes")
        yield from (text for line in lines if (text := _text(line)))
    if text := _text(rest):
        yield text


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").strip().removeprefix("\ufeff")


def _expand(name: str, file: BinaryIO) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(_GZIP)
    while not decompressor.eof and (chunk := file.read(_CHUNK)):
        while chunk:
            try:
                yield decompressor.decompress(chunk, _EXPANDED_CHUNK)
            except zlib.error as error:
                raise InvalidFeedError(f"{name}: not gzip: {error}") from None
            chunk = decompressor.unconsumed_tail
    if not decompressor.eof:
        raise InvalidFeedError(f"{name}: cut short in the middle of the compressed data; fetch it again")
