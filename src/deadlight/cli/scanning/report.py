"""What a scan found, whoever scanned: the one value that all formats are written from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deadlight.cli.scanning.exposed import Exposed, exposed_by_service
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.sbom.bill import Bill, BilledImage, BilledPackage, BilledVulnerability

FORMAT = "deadlight-scan/1"
"""Of the JSON. Fields are only ever added under this name; one that changes its meaning gets another."""


@dataclass(frozen=True, slots=True)
class Report:
    """A scan's result."""

    kind: str
    """Where the image was read: `registry`, `oci-layout`, `docker-archive` or `service`."""
    bill: Bill
    matched_by: str
    """What vulnerabilities come from; empty where nobody looked for them."""
    problems: tuple[str, ...]
    exposed: Exposed = field(default_factory=Exposed)
    is_sca_asked: bool = True
    """Whether vulnerabilities were to be looked for."""

    @property
    def findings(self) -> tuple[BilledVulnerability, ...]:
        """The gravest first."""
        return self.bill.vulnerabilities or ()

    @property
    def severities(self) -> dict[str, int] | None:
        """Distinct vulnerabilities by severity; None where nobody looked for them."""
        if self.bill.vulnerabilities is None:
            return None
        distinct = {(item.id, item.severity) for item in self.findings}
        return {severity.value: sum(each is severity for _, each in distinct) for severity in Severity}

    def reaches(self, severity: Severity) -> bool:
        """Whether a vulnerability or an exposure is as grave as that, or a package malicious."""
        return any(item.malicious or item.severity.rank >= severity.rank for item in self.findings) or any(
            item.severity.rank >= severity.rank for item in self.exposed.exposures
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON, documented in docs/user/scanning.md."""
        image = self.bill.image
        return {
            "format": FORMAT,
            "image": {
                "kind": self.kind,
                "name": image.name,
                "version": image.version,
                "digest": image.digest,
                "platform": image.platform,
                "distribution": image.distribution,
                "layers": list(image.layers),
            },
            "scanned_at": self.bill.made_at.isoformat(timespec="seconds"),
            "matched_by": self.matched_by,
            "severities": self.severities,
            "packages": [_package(item) for item in self.bill.packages],
            "vulnerabilities": None
            if self.bill.vulnerabilities is None
            else [_finding(item) for item in self.findings],
            **self.exposed.to_dict(),
            "problems": list(self.problems),
        }


def notes(matched_by: str) -> tuple[tuple[str, str], ...]:
    """What a bill of materials says of itself: above all that nobody looked for vulnerabilities, where that is so."""
    return (("matched-by", matched_by or "nothing: packages only, vulnerabilities were not looked for"),)


def ordered(vulnerabilities: Iterable[BilledVulnerability]) -> tuple[BilledVulnerability, ...]:
    """The gravest first, as the service lists them."""

    def gravity(item: BilledVulnerability) -> tuple[bool, int, float, str, str]:
        return (not item.malicious, -item.severity.rank, -(item.cvss_score or 0), item.id, item.package.name)

    return tuple(sorted(vulnerabilities, key=gravity))


def report_from_service(
    detail: Mapping[str, Any],
    packages: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    exposures: Mapping[str, Any],
    url: str,
) -> Report:
    """The report of an image that a service has scanned, from what it answers of it."""
    billed = _service_packages(packages)
    by = f"{url}/images/{detail['id']}"
    bill = Bill(
        BilledImage(
            name=f"{detail['registry']}/{detail['repository']}",
            version=detail["tag"] or detail["digest"],
            digest=detail["digest"],
            platform=detail["platform"],
            distribution=detail["distribution"],
        ),
        tuple(billed.values()),
        datetime.fromisoformat(detail["scanned_at"]),
        ordered(
            _service_finding(item, billed[item["package_id"]]) for item in findings if item["package_id"] in billed
        ),
        notes(by),
    )
    exposed = exposed_by_service(exposures)
    problems = (*detail["scan_problems"], *exposed.iter_problems(), *exposures["problems"])
    return Report("service", bill, by, problems, exposed)


def _service_packages(rows: Iterable[Mapping[str, Any]]) -> dict[int, BilledPackage]:
    places: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        places.setdefault(row["id"], []).append(row)
    return {
        number: BilledPackage(
            ecosystem=found[0]["ecosystem"],
            name=found[0]["name"],
            version=found[0]["version"],
            purl=found[0]["purl"],
            locations=tuple(dict.fromkeys(place for row in found for place in (row["location"], *row["stated_by"]))),
            layer_digest=found[0]["layer_digest"],
            owner_purl=found[0]["owned_by"],
            source_name=found[0]["source_name"],
            source_version=found[0]["source_version"],
            seen_in_use=found[0]["grade"] or "",
        )
        for number, found in places.items()
    }


def _service_finding(row: Mapping[str, Any], package: BilledPackage) -> BilledVulnerability:
    return BilledVulnerability(
        id=row["vulnerability"],
        package=package,
        severity=Severity(row["severity"]),
        aliases=tuple(row["aliases"]),
        cvss_score=row["cvss_score"],
        summary=row["summary"],
        fix_version=row["fix_version"],
        applicability=Applicability(row["applicability"]),
        malicious=row["malicious"],
        known_exploited=row["known_exploited"],
        epss_probability=row["epss"] and row["epss"]["probability"],
    )


def _package(item: BilledPackage) -> dict[str, Any]:
    return {
        "ecosystem": item.ecosystem,
        "name": item.name,
        "version": item.version,
        "purl": item.purl,
        "source_name": item.source_name,
        "source_version": item.source_version,
        "locations": list(item.locations),
        "layer": item.layer_digest,
        "owned_by": item.owner_purl,
        "only_stated": item.is_only_stated,
    }


def _finding(item: BilledVulnerability) -> dict[str, Any]:
    return {
        "vulnerability": item.id,
        "aliases": list(item.aliases),
        "severity": item.severity.value,
        "cvss_score": item.cvss_score,
        "cvss_vector": item.cvss_vector,
        "summary": item.summary,
        "malicious": item.malicious,
        "known_exploited": item.known_exploited,
        "epss_probability": item.epss_probability,
        "package": item.package.name,
        "version": item.package.version,
        "ecosystem": item.package.ecosystem,
        "purl": item.package.purl,
        "locations": list(item.package.locations),
        "only_stated": item.package.is_only_stated,
        "fix_version": item.fix_version,
        "advisories": list(item.advisories),
        "applicability": item.applicability.value,
        "applicability_reason": item.applicability_reason,
        "applicability_evidence": list(item.evidence),
    }
