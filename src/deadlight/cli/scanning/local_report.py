"""The report of an image that was read in this process."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from deadlight.cli.scanning.inspection import Inspected
from deadlight.cli.scanning.matching import Found, Matched
from deadlight.cli.scanning.report import Report, notes, ordered
from deadlight.cli.scanning.scope import Scope
from deadlight.cli.scanning.sources import Source
from deadlight.model.package import InstalledPackage, Package
from deadlight.model.scan_configuration import Scanner
from deadlight.model.vulnerability import Applicability
from deadlight.sbom.bill import Bill, BilledImage, BilledPackage, BilledVulnerability
from deadlight.scanner import (
    ApplicabilityResult,
    Evidence,
    LinkedFunctions,
    go_records,
    judge_applicability,
    judge_linked_functions,
    load_functions,
    load_rules,
)


def report_locally(source: Source, scope: Scope, found: Inspected, matched: Matched | None) -> Report:
    """The report of an image that was read here. Pure but for the time."""
    image = source.image
    packages = _billed_packages(found.packages)
    judge = _judge(found) if Scanner.CONTEXTUAL_ANALYSIS in scope.scanners else _not_judged
    vulnerabilities = None if matched is None else ordered(_vulnerabilities(matched.findings, packages, judge))
    billed = BilledImage(
        name=source.name,
        version=source.tag or image.digest,
        digest=image.digest,
        platform=str(image.config.platform),
        distribution=found.distribution,
        layers=tuple(layer.digest for layer in image.layers),
    )
    by = matched.by if matched else ""
    bill = Bill(billed, tuple(packages.values()), datetime.now(UTC), vulnerabilities, notes(by))
    return Report(
        source.kind,
        bill,
        by,
        (*found.problems, *(matched.problems if matched else ())),
        found.exposed,
        Scanner.SCA in scope.scanners,
    )


def _billed_packages(installed: Iterable[InstalledPackage]) -> dict[Package, BilledPackage]:
    places: dict[Package, list[InstalledPackage]] = {}
    for item in installed:
        places.setdefault(item.package, []).append(item)
    return {package: _billed(package, found) for package, found in places.items()}


def _billed(package: Package, places: Sequence[InstalledPackage]) -> BilledPackage:
    owners = {item.owner_purl for item in places}
    return BilledPackage(
        ecosystem=package.ecosystem,
        name=package.name,
        version=package.version,
        purl=package.purl,
        locations=tuple(dict.fromkeys(item.location for item in places)),
        layer_digest=next((item.layer_digest for item in places if item.layer_digest), ""),
        source_name=package.source_name,
        source_version=package.source_version,
        owner_purl="" if "" in owners else places[0].owner_purl,
    )


def _judge(found: Inspected) -> Callable[[Found], ApplicabilityResult]:
    rules = load_rules()
    programs = _go_programs(found)

    def judge(item: Found) -> ApplicabilityResult:
        if records := go_records(item.imports):
            return judge_linked_functions(records, programs.get(item.package, {}))
        return judge_applicability(rules, found.calls, {item.vulnerability, *item.aliases}, item.package)

    return judge


def _go_programs(found: Inspected) -> dict[Package, dict[str, LinkedFunctions | None]]:
    """The programs that each module was linked into, but for those that the distribution ships."""
    functions: dict[str, LinkedFunctions | None] = {}
    programs: dict[Package, dict[str, LinkedFunctions | None]] = {}
    for item in found.packages:
        if item.package.ecosystem == "Go" and not item.owner_purl:
            path = f"/{item.location}"
            if path not in functions:
                functions[path] = load_functions(found.calls.go_programs, path)
            programs.setdefault(item.package, {})[path] = functions[path]
    return programs


def _not_judged(_item: Found) -> ApplicabilityResult:
    return ApplicabilityResult(Applicability.NOT_SCANNED, "contextual analysis was not asked for")


def _vulnerabilities(
    findings: Iterable[Found], packages: Mapping[Package, BilledPackage], judge: Callable[[Found], ApplicabilityResult]
) -> Iterator[BilledVulnerability]:
    for item in findings:
        judged = judge(item)
        yield BilledVulnerability(
            id=item.vulnerability,
            package=packages[item.package],
            severity=item.severity,
            aliases=item.aliases,
            cvss_score=item.cvss_score,
            cvss_vector=item.cvss_vector,
            summary=item.summary,
            fix_version=item.fix_version,
            applicability=judged.status,
            applicability_reason=judged.reason,
            evidence=tuple(_place(evidence) for evidence in judged.evidence),
            malicious=item.malicious,
            advisories=item.advisories,
            known_exploited=item.known_exploited,
            epss_probability=item.epss_probability,
        )


def _place(evidence: Evidence) -> str:
    """A program has no lines."""
    line = f":{evidence.line}" if evidence.line else ""
    return f"{evidence.path}{line} {evidence.call}"
