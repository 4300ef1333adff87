"""The vulnerabilities of packages, from advisories in memory: what the service does with its tables, for one image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deadlight.advisories.advisory import Advisory, Affected, Bucket
from deadlight.advisories.aliases import group_advisories
from deadlight.advisories.match import advised_as, match_package
from deadlight.advisories.version_keys import VersionKeys
from deadlight.advisories.vulnerability import Vulnerability, merge
from deadlight.model.package import Package
from deadlight.model.vulnerability import VulnerableImport


@dataclass(frozen=True, slots=True)
class PackageFinding:
    """A vulnerability of a package."""

    package: Package
    vulnerability: Vulnerability
    fix_versions: tuple[str, ...]
    """More than one where several releases are maintained."""
    advisory_ids: tuple[str, ...]
    """Those that say so of this package and version."""
    imports: Mapping[str, tuple[VulnerableImport, ...]] = field(default_factory=dict)
    """Where in a Go module each of these advisories says that the flaw is."""


def find_vulnerabilities(packages: Iterable[Package], advisories: Iterable[Advisory]) -> tuple[PackageFinding, ...]:
    """Match packages with advisories, one finding for each package and vulnerability.

    Advisories are read once and only those that can concern a package are kept; of two with one id the later counts.
    """
    wanted = tuple(dict.fromkeys(packages))
    buckets = {advised_as(package)[0] for package in wanted}
    kept: dict[str, Advisory] = {}
    for advisory in advisories:
        kept.pop(advisory.id, None)  # a record can come again, withdrawn
        if advisory.buckets & buckets:
            kept[advisory.id] = advisory
    by_bucket: dict[Bucket, list[tuple[str, Affected]]] = {}
    for advisory in kept.values():
        for entry in advisory.affected:
            by_bucket.setdefault(entry.bucket, []).append((advisory.id, entry))
    spoken_of = _vulnerabilities(kept.values())
    keys = VersionKeys()
    return tuple(
        finding
        for package in wanted
        for finding in _findings(package, by_bucket.get(advised_as(package)[0], []), spoken_of, keys)
    )


def _vulnerabilities(advisories: Iterable[Advisory]) -> dict[str, list[Vulnerability]]:
    """The vulnerabilities that each advisory speaks of."""
    spoken_of: dict[str, list[Vulnerability]] = {}
    for group in group_advisories(advisories):
        vulnerability = merge(group)
        for advisory_id in vulnerability.advisory_ids:
            spoken_of.setdefault(advisory_id, []).append(vulnerability)
    return spoken_of


def _findings(
    package: Package,
    affected: list[tuple[str, Affected]],
    spoken_of: dict[str, list[Vulnerability]],
    keys: VersionKeys,
) -> Iterable[PackageFinding]:
    found: dict[str, PackageFinding] = {}
    for match in match_package(package, affected, keys).matches:
        for vulnerability in spoken_of.get(match.advisory_id, ()):
            before = found.get(vulnerability.id)
            fixes = {*(before.fix_versions if before else ()), match.fix_version} - {""}
            says = (*(before.advisory_ids if before else ()), match.advisory_id)
            imports = {**(before.imports if before else {}), match.advisory_id: match.imports}
            found[vulnerability.id] = PackageFinding(package, vulnerability, tuple(sorted(fixes)), says, imports)
    return found.values()
