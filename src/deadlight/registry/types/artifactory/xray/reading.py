"""From Xray's documents to a statement. Pure, and bounded in what it keeps."""

import math
import re
from collections.abc import Iterable, Iterator

from deadlight.model.vulnerability import Applicability, Severity
from deadlight.registry import foreign
from deadlight.registry.statements import AffectedComponent, Component, Issue
from deadlight.registry.types.artifactory.xray.components import parse_component, read_fixed_version
from deadlight.registry.types.artifactory.xray.documents import Cve, Graph, IssueDocument

MAX_COMPONENTS = 50_000
MAX_ISSUES = 20_000
MAX_CVES_OF_ISSUE = 64
MAX_COMPONENTS_OF_ISSUE = 1_000
MAX_FIXED_VERSIONS = 64

_ISSUE_ID = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}-[A-Za-z0-9._-]{1,64}")
_CVE_ID = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_CVSS = re.compile(r"(?:([0-9]{1,2}(?:\.[0-9])?)/)?(?:CVSS:2\.0/)?((?:CVSS:[34]\.[0-9]/|AV:)[A-Za-z:/]{8,480})")
_SEVERITIES = {severity.value.lower(): severity for severity in Severity}
_SECURITY = frozenset({"", "security", "malicious", "malicious_package"})


def read_components(graph: Graph) -> tuple[tuple[Component, ...], tuple[str, ...]]:
    """Every package of a graph once, in its order, and what was not read of it."""
    found: dict[Component, None] = {}
    waiting = [*reversed(graph.components or ())]
    seen = 0
    while waiting and seen < MAX_COMPONENTS:
        node = waiting.pop()
        seen += 1
        component = parse_component(node.component_id, node.package_type, node.version)
        if component is not None and component.version:
            found[component] = None
        waiting.extend(reversed(node.components or ()))
    cut = (f"Xray lists more than {MAX_COMPONENTS} components: the rest is not read",) if waiting else ()
    return tuple(found), cut


def read_issues(documents: Iterable[IssueDocument]) -> tuple[tuple[Issue, ...], tuple[str, ...]]:
    """The security issues, and what was not read of them. Of issues with one id the components are joined."""
    issues: dict[str, Issue] = {}
    unreadable = 0
    for document in documents:
        if document.issue_type.strip().lower() not in _SECURITY:
            continue
        issue = _read_issue(document)
        if issue is None:
            unreadable += 1
        elif len(issues) < MAX_ISSUES or issue.id in issues:
            issues[issue.id] = _join(issues.get(issue.id), issue)
        else:
            return tuple(issues.values()), (f"Xray tells of more than {MAX_ISSUES} issues: the rest is not read",)
    problems = (f"{unreadable} of Xray's issues name no package that can be read",) if unreadable else ()
    return tuple(issues.values()), problems


def _join(first: Issue | None, second: Issue) -> Issue:
    if first is None:
        return second
    affected = tuple(dict.fromkeys((*first.affected, *second.affected)))[:MAX_COMPONENTS_OF_ISSUE]
    return Issue(
        first.id,
        max(first.severity, second.severity, key=lambda severity: severity.rank),
        affected,
        tuple(dict.fromkeys((*first.cves, *second.cves)))[:MAX_CVES_OF_ISSUE],
        first.cvss_vector or second.cvss_vector,
        first.cvss_score if first.cvss_vector else second.cvss_score,
        first.summary or second.summary,
        first.malicious or second.malicious,
    )


def _read_issue(document: IssueDocument) -> Issue | None:
    """An issue; None where it names no package, or itself in no way."""
    cves = (document.cves or [])[:MAX_CVES_OF_ISSUE]
    names = tuple(dict.fromkeys(cve.cve for cve in cves if cve.cve and _CVE_ID.fullmatch(cve.cve)))
    name = document.issue_id if _ISSUE_ID.fullmatch(document.issue_id) else next(iter(names), "")
    affected = tuple(dict.fromkeys(_iter_affected(document)))
    if not name or not affected:
        return None
    vector, score = _read_cvss(cves)
    return Issue(
        id=name,
        severity=_SEVERITIES.get(document.severity.strip().lower(), _severity_of(score)),
        affected=affected,
        cves=names,
        cvss_vector=vector,
        cvss_score=score,
        summary=foreign.prose(document.summary),
        malicious=document.malicious_package,
    )


def _iter_affected(document: IssueDocument) -> Iterator[AffectedComponent]:
    for item in (document.components or [])[:MAX_COMPONENTS_OF_ISSUE]:
        component = parse_component(item.component_id, item.pkg_type, item.version) or _unplaced(item.component_id)
        if component is not None:
            fixes = (read_fixed_version(text) for text in (item.fixed_versions or [])[:MAX_FIXED_VERSIONS])
            yield AffectedComponent(component, tuple(dict.fromkeys(fix for fix in fixes if fix)))


def _unplaced(identifier: str) -> Component | None:
    """A component of which only the name is given, as older answers do: `github.com/golang/go`."""
    name = identifier.strip()
    plain = 0 < len(name) <= foreign.MAX_NAME_CHARACTERS and name.isprintable() and "://" not in name
    return Component("", name, "") if plain else None


def _read_cvss(cves: Iterable[Cve]) -> tuple[str, float | None]:
    """The vector with the highest score, of version 3 before 2; its score where that is told."""
    for texts in ([cve.cvss_v3 for cve in cves], [cve.cvss_v2 for cve in cves]):
        rated = [(_score(match[1]), match[2]) for text in texts if (match := _CVSS.fullmatch((text or "").strip()))]
        if rated:
            score, vector = max(rated, key=lambda item: (item[0] or 0.0, item[1]))
            return vector, score
    return "", None


def _score(text: str | None) -> float | None:
    score = float(text) if text else math.nan
    return score if 0.0 <= score <= 10.0 else None


def _severity_of(score: float | None) -> Severity:
    return Severity.UNKNOWN if score is None else Severity.from_score(score)


def read_applicability(result: str) -> Applicability | None:
    """What contextual analysis found; None for what it does not say, or says in a word nobody knows."""
    try:
        found = Applicability(result.strip().lower())
    except ValueError:
        return None
    return None if found is Applicability.NOT_SCANNED else found
