"""Parsers of advisories."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import zstandard
from tests.fuzz.target import Target
from tests.support.osv import CRITICAL, osv

from deadlight.advisories.archive import read_advisories
from deadlight.advisories.errors import InvalidAdvisoryError, InvalidArchiveError, NotSecurityError
from deadlight.advisories.match import advised_as, match_package
from deadlight.advisories.osv import parse_advisory
from deadlight.advisories.severity import rate
from deadlight.advisories.version_keys import VersionKeys
from deadlight.model.package import Package

_PACKAGES = (
    Package("Debian:12", "openssl", "3.0.1-1", "pkg:deb/debian/openssl@3.0.1-1", "openssl", "3.0.1-1", "amd64"),
    Package("PyPI", "jinja2", "2.10", "pkg:pypi/jinja2@2.10", "jinja2", "2.10", ""),
    Package("Go", "golang.org/x/net", "0.1.0", "pkg:golang/golang.org/x/net@v0.1.0", "golang.org/x/net", "0.1.0", ""),
)
_VECTORS = (
    CRITICAL.encode(),
    b"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    b"AV:N/AC:L/Au:N/C:P/I:P/A:P",
)


def advisory_targets() -> Iterator[Target]:
    """Everything that reads advisories, one or many."""
    records = [
        osv("DSA-1", fixed="3.0.2-1"),
        osv("GHSA-1", "jinja2", ecosystem="PyPI", fixed="2.11", aliases=["CVE-2020-1"]),
        osv("GO-1", "golang.org/x/net", ecosystem="Go", fixed="0.2.0", database_specific={"severity": "HIGH"}),
    ]
    documents = tuple(json.dumps(record).encode() for record in records)
    yield Target("osv", _match, documents, (InvalidAdvisoryError, NotSecurityError))
    yield Target("cvss", _rate, _VECTORS, max_bytes=1024)
    lines = b"\n".join(documents)
    for ending, seed in ((".jsonl", lines), (".jsonl.zst", zstandard.compress(lines)), (".zip", _zip(documents))):
        name = f"advisories{ending.replace('.', '-')}"
        yield Target(name, partial(_read, ending), (seed,), (InvalidArchiveError,))


def _match(data: bytes) -> None:
    """Read a record and match packages of the names that it may have kept."""
    advisory = parse_advisory(data, "fuzz")
    affected = [(advisory.id, entry) for entry in advisory.affected]
    for package in _PACKAGES:
        advised_as(package)
        match_package(package, affected, VersionKeys())


def _rate(data: bytes) -> None:
    written = data.decode("utf-8", "replace")
    rate([written], [written])


def _read(ending: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"feed{ending}")
        path.write_bytes(data)
        list(read_advisories(path))


def _zip(documents: tuple[bytes, ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as writer:
        for number, document in enumerate(documents):
            writer.writestr(f"all/{number}.json", document)
    return buffer.getvalue()
