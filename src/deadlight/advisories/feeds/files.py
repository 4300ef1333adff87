"""Sources' files as such: telling one by what is in it, and refusing one that was damaged on its way."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from deadlight.advisories.document import Rejected, RejectionCause
from deadlight.advisories.feeds.epss import read_epss
from deadlight.advisories.feeds.feed import FeedName, InvalidFeedError
from deadlight.advisories.feeds.known_exploited import MAX_CATALOGUE_BYTES

_EPSS_BEGINNINGS = (b"\x1f\x8b", b"#model_version", b"cve,")


class _Kind(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    catalog_version: Any = None


_KIND = msgspec.json.Decoder(_Kind)


def find_feed(path: Path) -> FeedName | None:
    """The feed whose one file this is, as it is served; None for collections of records and whatever else.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_dir():
        return None
    with path.open("rb") as file:
        beginning = file.read(64)
    if beginning.startswith(_EPSS_BEGINNINGS):
        return FeedName.EPSS if _has_scores(path) else None
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and path.stat().st_size <= MAX_CATALOGUE_BYTES:
        return FeedName.KEV if _is_catalogue(path.read_bytes()) else None
    return None


def refuse_damaged(rejected: Iterable[Rejected]) -> None:
    """Have nothing to do with a collection of which a document could not be had whole.

    Raises:
        InvalidFeedError: one is damaged; it is named.
    """
    for item in rejected:
        if item.cause is RejectionCause.DAMAGED:
            raise InvalidFeedError(f"{item.reason}; fetch it again")


def _has_scores(path: Path) -> bool:
    try:
        return next(read_epss(path), None) is not None
    except InvalidFeedError:
        return False


def _is_catalogue(content: bytes) -> bool:
    if b"catalogVersion" not in content:
        return False
    try:
        return _KIND.decode(content).catalog_version is not None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
