"""Matching packages for somebody who asks; nothing is stored."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.advisory import Affected, Bucket
from deadlight.advisories.match import Match, advised_as, match_package
from deadlight.advisories.version_keys import VersionKeys
from deadlight.model.package import Package
from deadlight.scanner import GO_RECORDS
from deadlight.server.advisories.exploitation import EXPLOITATION
from deadlight.server.errors import BadRequestError
from deadlight.server.findings.match_schemas import MatchedVulnerability, MatchOut, PackageIn, PackageMatch
from deadlight.server.findings.matching import load_affected

MAX_COMPARISONS = 1_000_000
"""Packages times advisories of their names, in one question: a few seconds. A large image takes a tenth of it."""

MAX_MATCHES = 100_000
"""Of one answer."""

PACKAGES_AT_ONCE = 1_000

_UNKNOWN = text(
    """
    SELECT asked.ecosystem FROM unnest(CAST(:ecosystems AS text[])) AS asked(ecosystem)
    WHERE NOT EXISTS (SELECT FROM affected WHERE affected.ecosystem = asked.ecosystem) ORDER BY asked.ecosystem
    """
)

_SPOKEN_OF = text(
    f"""
    SELECT advisory_vulnerability.advisory_id, vulnerability.*, {EXPLOITATION}
    FROM advisory_vulnerability JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
    WHERE advisory_vulnerability.advisory_id = ANY(:advisory_ids)
    """  # noqa: S608 - constant
)


async def match_for(connection: AsyncConnection, asked: Sequence[PackageIn]) -> MatchOut:
    """The vulnerabilities of packages; raises BadRequestError where they are too many to be matched at once."""
    packages = [_package(item) for item in asked]
    found = await _match(connection, packages)
    ecosystems = sorted({package.ecosystem for package in packages})
    unknown = (await connection.execute(_UNKNOWN, {"ecosystems": ecosystems})).scalars()
    advisory_ids = {match.advisory_id for matches in found for match in matches}
    rows = (await connection.execute(_SPOKEN_OF, {"advisory_ids": sorted(advisory_ids)})).all()
    spoken_of: dict[str, list[Row[Any]]] = {}
    for row in rows:
        spoken_of.setdefault(row.advisory_id, []).append(row)
    return MatchOut(
        vulnerabilities=[_vulnerability(row) for row in {row.name: row for row in rows}.values()],
        matches=[match for number, matches in enumerate(found) for match in _merged(number, matches, spoken_of)],
        unknown_ecosystems=list(unknown),
    )


async def _match(connection: AsyncConnection, packages: Sequence[Package]) -> list[tuple[Match, ...]]:
    """The matches of each, with the advisories of no more than `PACKAGES_AT_ONCE` in memory."""
    found: list[tuple[Match, ...]] = []
    comparisons = 0
    for start in range(0, len(packages), PACKAGES_AT_ONCE):
        part = packages[start : start + PACKAGES_AT_ONCE]
        affected = await load_affected(connection, part)
        comparisons += sum(len(affected.get(advised_as(package)[0], ())) for package in part)
        if comparisons > MAX_COMPARISONS:
            raise BadRequestError("these are too many packages with too many advisories: ask for fewer at once")
        found += await asyncio.to_thread(_match_all, part, affected)
        if sum(map(len, found)) > MAX_MATCHES:
            raise BadRequestError(f"these packages have more than {MAX_MATCHES} vulnerabilities: ask for fewer at once")
    return found


def _package(item: PackageIn) -> Package:
    source_name = item.source_name or item.name
    return Package(item.ecosystem, item.name, item.version, item.purl, source_name, item.source_version or item.version)


def _match_all(
    packages: Sequence[Package], affected: Mapping[Bucket, list[tuple[str, Affected]]]
) -> list[tuple[Match, ...]]:
    keys = VersionKeys()
    return [match_package(package, affected.get(advised_as(package)[0], ()), keys).matches for package in packages]


def _merged(
    number: int, matches: Sequence[Match], spoken_of: Mapping[str, Sequence[Row[Any]]]
) -> Iterator[PackageMatch]:
    """One for each vulnerability, whatever number of advisories says so."""
    by_vulnerability: dict[str, list[Match]] = {}
    for match in matches:
        for row in spoken_of.get(match.advisory_id, ()):
            by_vulnerability.setdefault(row.name, []).append(match)
    for name, found in by_vulnerability.items():
        fixes = sorted({match.fix_version for match in found} - {""})
        advisories = [match.advisory_id for match in found]
        yield PackageMatch(
            package=number,
            vulnerability=name,
            fix_version=", ".join(fixes),
            advisories=advisories,
            imports={
                match.advisory_id: list(match.imports) for match in found if match.advisory_id.startswith(GO_RECORDS)
            },
        )


def _vulnerability(row: Row[Any]) -> MatchedVulnerability:
    return MatchedVulnerability(
        vulnerability=row.name,
        aliases=list(row.aliases),
        severity=row.severity,
        cvss_score=row.cvss_score,
        cvss_vector=row.cvss_vector,
        summary=row.summary,
        malicious=row.malicious,
        exploitation=row.exploitation,
        epss=row.epss,
    )
