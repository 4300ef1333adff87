"""From what a scanner states of components to an image's own packages and to advisories. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from deadlight.advisories.advisory import MALICIOUS_PREFIX, Advisory, Affected
from deadlight.advisories.match import Match, MatchedBy
from deadlight.ecosystems import UNKNOWN_VENDOR, InvalidVersionError, VersionKey, find_ecosystem
from deadlight.ecosystems.ecosystem import Distribution
from deadlight.ecosystems.purl import distribution_purl, language_purl
from deadlight.model.package import Package
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.registry.statements import AffectedComponent, Component, Issue, Statement
from deadlight.server.registries.scanning import host_of

_FAMILIES = {"Debian": "deb", "Ubuntu": "deb", "Alpine": "apk", "rpm": "rpm"}
"""What a component's ecosystem is called in purls of distributions, of which it does not tell which one it is."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a statement comes to for one image."""

    told: tuple[Package, ...] = ()
    """Packages that the scanner tells of and nothing found in the image matches."""
    matches: Mapping[Package, tuple[Match, ...]] = field(default_factory=dict)
    """By package; without those that nothing is said of."""
    applicability: Mapping[tuple[Package, str], Applicability] = field(default_factory=dict)
    """By package and the id of the advisory."""
    unplaced: int = 0
    """How many issues concern no package of the image that can be told."""


def place(statement: Statement, source: str, packages: Sequence[Package], distribution: str) -> Placed:
    """Find the packages that a statement is about; what is not among `packages` is told by it alone.

    `distribution` is OSV's name of the image's operating system, with its release.
    """
    shelf = _Shelf(packages)
    affected = [item.component for issue in statement.issues for item in issue.affected]
    strangers = (item for item in (*statement.components, *affected) if item.version and not shelf.find(item))
    told = tuple(dict.fromkeys(package_of(item, distribution) for item in strangers))
    shelf = _Shelf([*packages, *told])
    matches: dict[Package, dict[str, Match]] = {}
    applicability: dict[tuple[Package, str], Applicability] = {}
    unplaced = 0
    for issue in statement.issues:
        advisory_id = advisory_id_of(issue, source)
        found = [(package, item) for item in issue.affected for package in shelf.find(item.component)]
        unplaced += not found
        for package, item in found:
            match = Match(advisory_id, choose_fix(package, item), MatchedBy.STATED)
            known = matches.setdefault(package, {}).get(advisory_id)
            if known is None or not known.fix_version:
                matches[package][advisory_id] = match
            if issue.id in statement.applicability:
                applicability[package, advisory_id] = statement.applicability[issue.id]
    return Placed(told, {item: tuple(by.values()) for item, by in matches.items()}, applicability, unplaced)


class _Shelf:
    """An image's packages by what a scanner may call them: their own names and those they are built from."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self._by_name: dict[str, dict[Package, None]] = {}
        for package in packages:
            for name in {package.name, package.source_name}:
                self._by_name.setdefault(name, {})[package] = None

    def find(self, component: Component) -> list[Package]:
        """The packages that a component is; of one without ecosystem or version those of the name."""
        return [
            package
            for package in self._by_name.get(component.name, ())
            if _is_of(package, component.ecosystem) and _has_version(package, component)
        ]


def _is_of(package: Package, ecosystem: str) -> bool:
    family = _FAMILIES.get(ecosystem)
    if family:
        return package.purl.startswith(f"pkg:{family}/")
    return not ecosystem or package.ecosystem.partition(":")[0] == ecosystem


def _has_version(package: Package, component: Component) -> bool:
    """Whether the versions are the same, of the package or of what it is built from; scanners may leave epochs out."""
    if not component.version:
        return True
    versions = [version for name, version in _names(package) if name == component.name]
    if ":" not in component.version and component.ecosystem in _FAMILIES:
        versions += [version.partition(":")[2] for version in versions if ":" in version]
    wanted = _key(package.ecosystem, component.version)
    return component.version in versions or (
        wanted is not None and any(_key(package.ecosystem, version) == wanted for version in versions)
    )


def _names(package: Package) -> tuple[tuple[str, str], ...]:
    return (package.name, package.version), (package.source_name, package.source_version)


def _key(ecosystem: str, version: str) -> VersionKey | None:
    row = find_ecosystem(ecosystem)
    try:
        return row.version_key(version) if row else None
    except InvalidVersionError:
        return None


def choose_fix(package: Package, item: AffectedComponent) -> str:
    """The lowest of the fixed versions above the installed one; where none can be compared the first."""
    installed = _key(package.ecosystem, package.version)
    keys = [(key, version) for version in item.fixed_versions if (key := _key(package.ecosystem, version)) is not None]
    if installed is None or not keys:
        return next(iter(item.fixed_versions), "")
    return min(((key, version) for key, version in keys if key > installed), default=(None, ""))[1]


def package_of(component: Component, distribution: str) -> Package:
    """A package that only a scanner tells of; a distribution's one is taken to be the image's own distribution's."""
    name, version = component.name, component.version
    family = _FAMILIES.get(component.ecosystem)
    if family:
        row = find_ecosystem(distribution)
        vendor = row.os_ids[0] if row and row.os_ids else UNKNOWN_VENDOR
        purl = distribution_purl(family, name, version, "", Distribution(distribution, vendor))
        return Package(distribution, name, version, purl, name, version)
    row = find_ecosystem(component.ecosystem)
    purl = language_purl(row.purl_type if row else "generic", name, version)
    return Package(component.ecosystem, name, version, purl, name, version)


def advisory_id_of(issue: Issue, source: str) -> str:
    """What an issue is called among advisories: with its host, for two scanners may say different things of it."""
    return f"{MALICIOUS_PREFIX if issue.malicious else ''}{issue.id}@{host_of(source)}"


def advisory_of(issue: Issue, source: str) -> Advisory:
    """An issue as its source's advisory. It matches nothing: which packages it concerns is stated, not looked up."""
    content = msgspec.json.encode([source, issue.id, issue.cves, issue.severity, issue.cvss_vector, issue.cvss_score,
                                   issue.summary, issue.malicious])  # fmt: skip
    return Advisory(
        id=advisory_id_of(issue, source),
        source=source,
        modified_at=None,
        published_at=None,
        withdrawn_at=None,
        summary=issue.summary,
        details="",
        aliases=(issue.id, *(cve for cve in issue.cves if cve != issue.id)),
        upstream=(),
        related=(),
        severity=Severity.CRITICAL if issue.malicious else issue.severity,
        cvss_vector=issue.cvss_vector,
        cvss_score=issue.cvss_score,
        references=(),
        affected=(Affected(source, issue.id),),
        content_hash=hashlib.sha256(content).hexdigest(),
    )
