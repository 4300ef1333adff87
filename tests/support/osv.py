"""Advisories in OSV format with everything filled in that a test does not care about."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.advisories.document import Document
from deadlight.server.advisories.service import ImportResult, import_advisories, parse_documents

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N"
LOW = "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N"


def osv(
    identifier: str,
    package: str = "openssl",
    *,
    ecosystem: str = "Debian:12",
    fixed: str = "",
    severity: str = HIGH,
    **more: Any,
) -> dict[str, Any]:
    """A record by which every version of a package is affected, or every one before `fixed`."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    return {
        "id": identifier,
        "modified": "2026-01-01T00:00:00Z",
        "summary": f"A flaw of {package}",
        "severity": [{"type": "CVSS_V3", "score": severity}] if severity else [],
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    } | more


async def import_records(engine: AsyncEngine, *records: dict[str, Any] | str, source: str = "test") -> ImportResult:
    """Import records, or texts that are meant to be ones, as the API does."""
    texts = [record if isinstance(record, str) else json.dumps(record) for record in records]
    documents = [Document(f"record {number}", content.encode()) for number, content in enumerate(texts, 1)]
    advisories, rejected = parse_documents(documents)
    async with engine.begin() as connection:
        return await import_advisories(connection, source, advisories, rejected)
