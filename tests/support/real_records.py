"""Real advisories, where the data folder lies beside the project: a share of them, or all on request."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deadlight.advisories.archive import iter_documents
from deadlight.advisories.document import Document

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
RECORDS = "osv-clear.jsonl.zst"

ALL = os.environ.get("DEADLIGHT_REAL_RECORDS") == "all"
"""Whether every record is read: the truth in minutes. A share of them finds what breaks in seconds."""

SHARE = 1 if ALL else 8
"""Every so many-th record is read."""


def shared_file(name: str) -> Path:
    """A file of the data folder; skips the test where it is absent."""
    path = SHARED_DATA / name
    if not path.is_file():
        pytest.skip(f"needs real data at {path}")
    return path


def write_share(target: Path, *whole: str) -> Path:
    """The records that are to be read as a collection of their own, and all that speak of the ecosystems in `whole`."""
    names = [f'"{ecosystem}"'.encode() for ecosystem in whole]
    with target.open("wb") as out:
        out.writelines(content + b"\n" for content in _iter_chosen(names))
    return target


def _iter_chosen(names: Sequence[bytes]) -> Iterator[bytes]:
    for number, document in enumerate(iter_documents(shared_file(RECORDS))):
        assert isinstance(document, Document), document
        if number % SHARE == 0 or any(name in document.content for name in names):
            yield document.content
