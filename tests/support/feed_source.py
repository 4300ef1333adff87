"""A double of the public sources of advisories: a real HTTP server on loopback that serves files with their ETags."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web
from yarl import URL


@dataclass
class FeedSource:
    """Serves `files` by path; `answers` replace what would be answered for a path, once each, in turn."""

    url: URL = field(default_factory=URL)
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[web.StreamResponse]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    """Paths of which only half is sent before the connection is closed."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as a static file server does."""
        path = request.path.removeprefix("/")
        self.asked.append(path)
        if self.answers.get(path):
            return self.answers[path].pop(0)
        if path not in self.files:
            raise web.HTTPNotFound
        content = self.files[path]
        etag = f'"{sha256(content).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            raise web.HTTPNotModified(headers={"ETag": etag})
        if path in self.cut:
            return await _cut_short(request, content)
        return web.Response(body=content, headers={"ETag": etag})

    def serve_osv(self, ecosystem: str, *records: Mapping[str, Any], listed: bool = True) -> None:
        """An ecosystem's folder as OSV's bucket has it; without `listed` only the records and the archive."""
        self.files[f"{ecosystem}/all.zip"] = zipped({f"{record['id']}.json": record for record in records})
        for record in records:
            self.files[f"{ecosystem}/{record['id']}.json"] = json.dumps(record).encode()
        if listed:
            self.files[f"{ecosystem}/modified_id.csv"] = modified_ids(*records)

    def take_asked(self) -> list[str]:
        """What was asked for since the last time, in alphabetical order."""
        asked, self.asked = sorted(self.asked), []
        return asked


async def _cut_short(request: web.Request, content: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


def zipped(members: Mapping[str, Any]) -> bytes:
    """A zip archive of JSON documents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member if isinstance(member, str | bytes) else json.dumps(member))
    return buffer.getvalue()


def modified_ids(*records: Mapping[str, Any]) -> bytes:
    """OSV's list of changes, the youngest first."""
    ordered = sorted(records, key=lambda record: record["modified"], reverse=True)
    return "".join(f"{record['modified']},{record['id']}\n" for record in ordered).encode()


def catalogue(*entries: Mapping[str, Any], **more: Any) -> bytes:
    """CISA's catalogue with these entries, of which a test gives what it cares about."""
    full = [
        {
            "vendorProject": "Vendor",
            "product": "Product",
            "vulnerabilityName": "A flaw",
            "dateAdded": "2026-01-02",
            "shortDescription": "...",
            "requiredAction": "Update.",
            "dueDate": "2026-01-23",
            "knownRansomwareCampaignUse": "Unknown",
            "notes": "",
            "cwes": [],
            **entry,
        }
        for entry in entries
    ]
    head = {"title": "Catalog", "catalogVersion": "2026.01.02", "dateReleased": "2026-01-02T10:00:00Z"}
    return json.dumps(head | {"count": len(full), "vulnerabilities": full} | more).encode()


def epss(scores: Mapping[str, tuple[float, float]], scored_on: str = "2026-02-03") -> bytes:
    """FIRST's file of scores: probability and percentile by CVE."""
    text = io.StringIO()
    text.write(f"#model_version:v2025.03.14,score_date:{scored_on}T12:00:00Z\n")
    csv.writer(text, lineterminator="\n").writerows(
        [("cve", "epss", "percentile"), *((cve, *values) for cve, values in scores.items())]
    )
    return gzip.compress(text.getvalue().encode(), mtime=0)


def cve_record(cve: str, *vectors: str, adp: Mapping[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    """A CVE record with the authority's CVSS 3.1 vectors, and those of others by their short names."""

    def container(name: str, scores: tuple[str, ...]) -> dict[str, Any]:
        metrics = [{"cvssV3_1": {"version": "3.1", "vectorString": score}} for score in scores]
        return {"providerMetadata": {"shortName": name, "orgId": "0"}, **({"metrics": metrics} if metrics else {})}

    return {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.1",
        "cveMetadata": {"cveId": cve, "state": "PUBLISHED", "dateUpdated": "2026-01-01T00:00:00.000Z", **metadata},
        "containers": {
            "cna": container("mitre", vectors),
            "adp": [container(name, (vector,)) for name, vector in (adp or {}).items()],
        },
    }


@asynccontextmanager
async def running_feed_source() -> AsyncIterator[FeedSource]:
    """Serve until the block ends."""
    source = FeedSource()
    app = web.Application()
    app.router.add_get("/{path:.*}", source.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    source.url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield source
    finally:
        await runner.cleanup()
