"""The CVE list (https://github.com/CVEProject/cvelistV5): a record for each CVE, with what CISA added to it.

There are 300,000 of them and few are needed: those of vulnerabilities in running images that no advisory rates. So
these are asked for by name, and asked again as the caller sees fit.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from deadlight.advisories.aliases import CVE_PATTERN
from deadlight.advisories.archive import iter_documents
from deadlight.advisories.cve_record import CveRating, parse_cve_record
from deadlight.advisories.document import Rejected
from deadlight.advisories.errors import InvalidAdvisoryError
from deadlight.advisories.feeds.download import download_each
from deadlight.advisories.feeds.feed import Fetched, Visit
from deadlight.advisories.record import MAX_DOCUMENT_BYTES

MAX_RECORDS = 200
"""Asked for in one visit: few enough that a source which is tired of answering spoils little."""

_CVE = re.compile(CVE_PATTERN)
_IN_A_FOLDER = 1_000
"""Records whose numbers share their thousands are in one folder."""


async def fetch_cve_records(visit: Visit) -> Fetched:
    """The records of the first `MAX_RECORDS` of `visit.names`; a CVE that has none is among those asked for.

    Raises:
        FeedUnavailableError: the source cannot be had now.
        InvalidFeedError: it sent too much.
    """
    folder = visit.folder / "records"
    folder.mkdir()
    asked = visit.names[:MAX_RECORDS]
    wanted = ((visit.url.joinpath(*record_path(cve).split("/")), f"records/{cve}.json") for cve in asked)
    size = await download_each(visit, wanted, MAX_DOCUMENT_BYTES)
    return Fetched({}, folder if asked else None, False, size, asked)


def record_path(cve: str) -> str:
    """Where the list has a record: `cves/2024/3xxx/CVE-2024-3931.json`.

    Raises:
        ValueError: the text is no CVE identifier.
    """
    found = _CVE.fullmatch(cve)
    if found is None:
        raise ValueError(f"{cve[:40]!r} is no CVE identifier")
    return f"cves/{found[1]}/{int(found[2]) // _IN_A_FOLDER}xxx/{cve}.json"


def read_cve_ratings(path: Path) -> Iterator[CveRating | Rejected]:
    """The ratings in a collection of records, as `archive.iter_documents` reads it.

    Raises:
        InvalidArchiveError: when the collection as a whole cannot be read or exceeds its limits.
    """
    for document in iter_documents(path):
        if isinstance(document, Rejected):
            yield document
            continue
        try:
            yield parse_cve_record(document.content, document.origin)
        except InvalidAdvisoryError as error:
            yield Rejected(document.origin, str(error))
