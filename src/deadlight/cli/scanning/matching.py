"""The vulnerabilities of packages: asked of a service, or looked up in advisories on this machine."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.document import Rejected, RejectionCause
from deadlight.advisories.errors import InvalidArchiveError
from deadlight.advisories.findings import find_vulnerabilities
from deadlight.client.rest import RestClient
from deadlight.model.package import InstalledPackage, Package
from deadlight.model.vulnerability import Severity, VulnerableImport

PACKAGES_AT_ONCE = 2_000
"""Asked of a service together: about half a megabyte. It takes ten times as many."""


@dataclass(frozen=True, slots=True)
class Found:
    """A vulnerability of a package."""

    package: Package
    vulnerability: str
    aliases: tuple[str, ...]
    severity: Severity
    cvss_score: float | None
    cvss_vector: str
    summary: str
    malicious: bool
    fix_version: str
    advisories: tuple[str, ...]
    known_exploited: bool | None = None
    """None where nobody looked, as in a collection of advisories."""
    epss_probability: float | None = None
    imports: Mapping[str, tuple[VulnerableImport, ...]] = field(default_factory=dict)
    """Where in a Go module each advisory says that the flaw is."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found, and by what."""

    by: str
    findings: tuple[Found, ...]
    problems: tuple[str, ...] = ()


def packages_to_match(installed: Sequence[InstalledPackage]) -> list[Package]:
    """Each once; what the distribution ships is matched through the distribution's own package."""
    return list(dict.fromkeys(item.package for item in installed if not item.owner_purl))


def match_with_advisories(packages: Sequence[Package], path: Path) -> Matched:
    """Match with a collection of advisories; raises AdvisoryError where it cannot be read."""
    counts = _Counts()
    findings = find_vulnerabilities(packages, counts.read(path))
    found = tuple(
        Found(
            package=item.package,
            vulnerability=item.vulnerability.id,
            aliases=item.vulnerability.aliases,
            severity=item.vulnerability.severity,
            cvss_score=item.vulnerability.cvss_score,
            cvss_vector=item.vulnerability.cvss_vector,
            summary=item.vulnerability.summary or item.vulnerability.details[:300],
            malicious=item.vulnerability.is_malicious,
            fix_version=", ".join(item.fix_versions),
            advisories=item.advisory_ids,
            imports=item.imports,
        )
        for item in findings
    )
    if packages and not counts.read_count:
        raise InvalidArchiveError(f"{path}: holds no advisory, so nothing can be said of {len(packages)} packages")
    unknown = {package.ecosystem for package in packages} - counts.ecosystems
    problems = [*_unknown_ecosystems(packages, unknown)]
    if counts.rejected:
        problems.append(f"{path}: {counts.rejected} records are no advisories and were left out")
    return Matched(f"{counts.read_count} advisories of {path}", found, tuple(problems))


def _unknown_ecosystems(packages: Sequence[Package], unknown: Iterable[str]) -> Iterator[str]:
    """What no advisory is about must not look like what has no vulnerability."""
    counts = Counter(package.ecosystem for package in packages)
    for ecosystem in sorted(filter(None, unknown)):
        yield f"{ecosystem}: there is no advisory about it, so nothing can be said of its {counts[ecosystem]} packages"


class _Counts:
    """Advisories on their way, counted."""

    def __init__(self) -> None:
        self.read_count = 0
        self.rejected = 0
        self.ecosystems: set[str] = set()

    def read(self, path: Path) -> Iterator[Advisory]:
        for item in read_advisories(path):
            if isinstance(item, Rejected):
                self.rejected += item.cause is RejectionCause.INVALID
            else:
                self.read_count += 1
                self.ecosystems.update(entry.ecosystem for entry in item.affected)
                yield item


async def match_with_service(client: RestClient, packages: Sequence[Package]) -> Matched:
    """Ask a service; raises ClientError."""
    found: list[Found] = []
    unknown: set[str] = set()
    for start in range(0, len(packages), PACKAGES_AT_ONCE):
        part = packages[start : start + PACKAGES_AT_ONCE]
        answer = await client.post("/api/v1/match", {"packages": [_asked(package) for package in part]})
        found += _answered(part, answer)
        unknown.update(answer["unknown_ecosystems"])
    return Matched(client.url, tuple(found), tuple(_unknown_ecosystems(packages, unknown)))


def _asked(package: Package) -> dict[str, str]:
    return {
        "ecosystem": package.ecosystem,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "source_name": package.source_name,
        "source_version": package.source_version,
    }


def _answered(packages: Sequence[Package], answer: Mapping[str, Any]) -> list[Found]:
    known = {item["vulnerability"]: item for item in answer["vulnerabilities"]}
    return [_found(packages[match["package"]], known[match["vulnerability"]], match) for match in answer["matches"]]


def _found(package: Package, vulnerability: Mapping[str, Any], match: Mapping[str, Any]) -> Found:
    return Found(
        package=package,
        vulnerability=vulnerability["vulnerability"],
        aliases=tuple(vulnerability["aliases"]),
        severity=Severity(vulnerability["severity"]),
        cvss_score=vulnerability["cvss_score"],
        cvss_vector=vulnerability["cvss_vector"],
        summary=vulnerability["summary"],
        malicious=vulnerability["malicious"],
        fix_version=match["fix_version"],
        advisories=tuple(match["advisories"]),
        known_exploited=vulnerability["known_exploited"],
        epss_probability=vulnerability["epss"] and vulnerability["epss"]["probability"],
        # A service of an earlier version does not say.
        imports=msgspec.convert(match.get("imports", {}), dict[str, tuple[VulnerableImport, ...]]),
    )
