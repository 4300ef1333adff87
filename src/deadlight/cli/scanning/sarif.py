"""A scan's findings in SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from deadlight.cli.scanning.report import Report
from deadlight.cli.scanning.sarif_exposures import exposure_result, exposure_rule
from deadlight.model.vulnerability import Severity
from deadlight.sbom.bill import LOCATION_PREFIX, BilledVulnerability

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://github.com/deadlight-project/deadlight"

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.UNKNOWN: "note",
}
_SCORES = {Severity.CRITICAL: 9.5, Severity.HIGH: 8.0, Severity.MEDIUM: 5.5, Severity.LOW: 2.0, Severity.UNKNOWN: 0.0}
"""Of severities that come without a score: code scanning sorts by `security-severity` alone."""


def write_sarif(report: Report, version: str) -> dict[str, Any]:
    """One run with a rule for each vulnerability and kind of exposure, a result for each place; `version` is ours."""
    rules = _rules(report)
    places = {name: place for place, name in enumerate(sorted(rules))}
    image = report.bill.image
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Deadlight",
                        "version": version,
                        "informationUri": _HOME,
                        "rules": [rules[name] for name in places],
                    }
                },
                "automationDetails": {"id": f"deadlight/{image.name}/"},
                "invocations": [
                    {
                        "executionSuccessful": not report.exposed.has_failed,
                        "toolExecutionNotifications": _notifications(report),
                    }
                ],
                "results": list(_results(report, places)),
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "image": image.name,
                    "imageVersion": image.version,
                    "imageDigest": image.digest,
                    "platform": image.platform,
                    "distribution": image.distribution,
                    "matchedBy": report.matched_by,
                },
            }
        ],
    }


def _rules(report: Report) -> dict[str, dict[str, Any]]:
    """By id, each as the gravest of what it found has it."""
    vulnerabilities = {item.id: _rule(item) for item in reversed(report.findings)}
    exposures = {
        item.rule_id: exposure_rule(item, _LEVELS[item.severity], _SCORES[item.severity])
        for item in reversed(report.exposed.exposures)
    }
    return vulnerabilities | exposures


def _results(report: Report, places: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for item in report.findings:
        yield _result(item, places[item.id], report)
    for exposure in report.exposed.exposures:
        level = _LEVELS[exposure.severity]
        yield exposure_result(exposure, places[exposure.rule_id], level, report.bill.image)


def _rule(item: BilledVulnerability) -> dict[str, Any]:
    text = item.summary or item.id
    rule: dict[str, Any] = {
        "id": item.id,
        "name": "MaliciousPackage" if item.malicious else "VulnerablePackage",
        "shortDescription": {"text": text[:1000]},
        "fullDescription": {"text": text},
        "help": {"text": f"{item.id}: {text}\nAlso known as: {', '.join(item.aliases) or 'nothing else'}"},
        "defaultConfiguration": {"level": _LEVELS[item.severity]},
        "properties": {
            "security-severity": f"{_SCORES[item.severity] if item.cvss_score is None else item.cvss_score:.1f}",
            "severity": item.severity.value,
            "tags": ["security", "vulnerability"],
        },
    }
    if address := _address(item.id):
        rule["helpUri"] = address
    return rule


def _address(identifier: str) -> str:
    """Where a person reads more."""
    kind = identifier.partition("-")[0]
    hosts = {"CVE": "https://nvd.nist.gov/vuln/detail/", "GHSA": "https://github.com/advisories/"}
    return hosts.get(kind, "https://osv.dev/vulnerability/") + quote(identifier, safe="")


def _result(item: BilledVulnerability, rule: int, report: Report) -> dict[str, Any]:
    package = item.package
    identity = f"{item.id}|{package.purl}|{package.locations[:1]}"
    return {
        "ruleId": item.id,
        "ruleIndex": rule,
        "level": _LEVELS[item.severity],
        "message": {"text": _message(item)},
        "locations": list(_locations(item, report)),
        "partialFingerprints": {"deadlightFinding/v1": sha256(identity.encode()).hexdigest()},
        "properties": {
            "purl": package.purl,
            "fixVersion": item.fix_version,
            "applicability": item.applicability.value,
            "onlyStated": package.is_only_stated,
        },
    }


def _message(item: BilledVulnerability) -> str:
    package = item.package
    fix = f"fixed in {item.fix_version}" if item.fix_version else "no fix is known"
    what = "is malicious" if item.malicious else f"has {item.id} ({item.severity.value})"
    stated = "; an SBOM says that it is there, the scan did not find it" if package.is_only_stated else ""
    return f"{package.name} {package.version} {what}, {fix}{stated}"


def _locations(item: BilledVulnerability, report: Report) -> Iterable[Mapping[str, Any]]:
    """Files of the image; what only an SBOM states is at the image itself."""
    image = report.bill.image
    paths = [path for path in item.package.locations if not path.startswith(LOCATION_PREFIX)]
    for path in paths[:10] or [image.name]:
        yield {
            "physicalLocation": {"artifactLocation": {"uri": quote(path)}, "region": {"startLine": 1}},
            "logicalLocations": [{"fullyQualifiedName": f"{image.name}@{image.digest}:{path}", "kind": "package"}],
        }


def _notifications(report: Report) -> list[dict[str, Any]]:
    said = list(report.problems)
    if report.bill.vulnerabilities is None:
        why = "nothing to match packages with was given" if report.is_sca_asked else "--scanners leaves sca out"
        said.insert(0, f"vulnerabilities were not looked for: {why}")
    return [{"level": "warning", "message": {"text": text}} for text in said]
