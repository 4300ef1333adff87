"""From what a scanner states of components to an image's own packages and to advisories. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

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


MAX_OF_ONE_NAME = 100
"""Packages that an issue without a version can concern: every version of a name in one image."""


MAX_PURL_LENGTH = 800
"""So that an index of PostgreSQL can hold it with name and version (2,704 bytes a row)."""


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
    made = (package_of(item, distribution) for item in strangers)
    told = tuple(dict.fromkeys(item for item in made if item is not None))
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
        self._by_version: dict[tuple[str, object], dict[Package, None]] = {}
        for package in packages:
            for name, version in _names(package):
                self._by_name.setdefault(name, {})[package] = None
                for form in _forms(package.ecosystem, version):
                    self._by_version.setdefault((name, form), {})[package] = None

    def find(self, component: Component) -> list[Package]:
        """The packages that a component is; of one without a version those of the name, up to `MAX_OF_ONE_NAME`."""
        if not component.version:
            named = self._by_name.get(component.name, {})
            return [package for package in islice(named, MAX_OF_ONE_NAME) if _is_of(package, component.ecosystem)]
        forms = _forms(component.ecosystem, component.version)
        found = (package for form in forms for package in self._by_version.get((component.name, form), ()))
        return [package for package in dict.fromkeys(found) if _is_of(package, component.ecosystem)]


def _names(package: Package) -> set[tuple[str, str]]:
    return {(package.name, package.version), (package.source_name, package.source_version)}


def _forms(ecosystem: str, version: str) -> tuple[object, ...]:
    """What versions are found by: their text, without an epoch, which scanners may leave out, and their order's key."""
    key = _key(ecosystem, version)
    epoch, _, rest = version.partition(":")
    return (version, *([rest] if rest and epoch.isdigit() else []), *([key] if key is not None else []))


def _is_of(package: Package, ecosystem: str) -> bool:
    family = _FAMILIES.get(ecosystem)
    if family:
        return package.purl.startswith(f"pkg:{family}/")
    return not ecosystem or package.ecosystem.partition(":")[0] == ecosystem


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


def package_of(component: Component, distribution: str) -> Package | None:
    """A package that only a scanner tells of; a distribution's one is taken to be the image's own distribution's.

    None where its name makes no purl, or one too long to be kept.
    """
    name, version = component.name, component.version
    ecosystem = distribution if component.ecosystem in _FAMILIES else component.ecosystem
    try:
        purl = _purl(component, distribution)
    except ValueError:
        return None
    return Package(ecosystem, name, version, purl, name, version) if len(purl) <= MAX_PURL_LENGTH else None


def _purl(component: Component, distribution: str) -> str:
    """Raises ValueError for a name or version that makes none, such as a slash."""
    family = _FAMILIES.get(component.ecosystem)
    row = find_ecosystem(distribution if family else component.ecosystem)
    if family:
        vendor = row.os_ids[0] if row and row.os_ids else UNKNOWN_VENDOR
        return distribution_purl(family, component.name, component.version, "", Distribution(distribution, vendor))
    return language_purl(row.purl_type if row else "generic", component.name, component.version)


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
