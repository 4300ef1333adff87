"""What an issue about an image says, whatever it is written in. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.server.assessment.schemas import ImageTagDetail
from deadlight.server.owners.attributions import AttributionOut

RISK_NAMES = {
    Risk.MALICIOUS: "Malicious Packages",
    Risk.INTEGRITY_VIOLATION: "Integrity Violation",
    Risk.CRITICAL_APPLICABLE_CVES: "Applicable + Critical CVEs",
    Risk.UNTRUSTED_REGISTRY: "Untrusted Registry",
}


class IssuePlace(BaseModel):
    """A workload that an issue is about, and who deployed it."""

    cluster: str
    namespace: str
    kind: str
    workload: str
    nodes: list[str]
    first_detected_at: datetime | None
    deployed_by: AttributionOut | None


class IssueViolation(BaseModel):
    """What is wrong with an image's integrity. `registry_path` is where its source was expected."""

    type: ViolationType
    severity: Severity | None
    reason: str
    first_detected_at: datetime | None
    runtime_digest: str
    expected_digest: str
    expected_digest_label: str
    expected_link: str
    registry_path: str
    deployed_at: datetime | None
    tag_updated_at: datetime | None
    elapsed: str
    """From the deployment to the update of the tag, for people."""


class Issue(BaseModel):
    """Everything a person needs to follow up on an image."""

    title: str
    image: str
    digest: str
    platform: str
    integrity_status: IntegrityStatus | None
    violation: IssueViolation | None
    risks: list[str]
    vulnerabilities: dict[Severity, int] | None
    build_owner: AttributionOut | None
    deployed_by: list[AttributionOut]
    places: list[IssuePlace]
    places_total: int
    recommended_steps: list[str]
    link: str
    demonstration: bool


def build_issue(image: ImageTagDetail, places: Sequence[IssuePlace], places_total: int, link: str) -> Issue:
    """The issue about an image in these places; `link` leads back to its page."""
    violation = _violation(image)
    matter = f"{violation.type} ({violation.severity})" if violation else image.verdict.status or "Image"
    return Issue(
        title=one_line(f"{matter}: {_name(image)}"),
        image=_name(image),
        digest=image.digest,
        platform=image.platform,
        integrity_status=image.verdict.status,
        violation=violation,
        risks=[RISK_NAMES[risk] for risk in image.risks],
        vulnerabilities=image.severities,
        build_owner=image.build_owner,
        deployed_by=image.deployed_by,
        places=list(places),
        places_total=places_total,
        recommended_steps=image.verdict.recommended_steps,
        link=link,
        demonstration=image.demonstration,
    )


def _name(image: ImageTagDetail) -> str:
    tag = f":{image.tag}" if image.tag else ""
    return f"{image.registry}/{image.repository}{tag}"


def _violation(image: ImageTagDetail) -> IssueViolation | None:
    verdict = image.verdict
    if verdict.violation_type is None:
        return None
    evidence = verdict.evidence
    deployed_at = _moment(evidence.get("deployed_at"))
    tag_updated_at = _moment(evidence.get("tag_updated_at")) or _moment(evidence.get("tag_seen_changed_at"))
    moved = verdict.violation_type is ViolationType.POST_DEPLOYMENT_TAG_UPDATE
    return IssueViolation(
        type=verdict.violation_type,
        severity=verdict.violation_severity,
        reason=verdict.reason,
        first_detected_at=verdict.first_detected_at,
        runtime_digest=image.digest,
        expected_digest=verdict.expected_digest,
        expected_digest_label=image.source.expected_digest_label,
        expected_link=verdict.expected_link,
        registry_path=str(evidence.get("reference") or _name(image)),
        deployed_at=deployed_at,
        tag_updated_at=tag_updated_at if moved else None,
        elapsed=describe_elapsed(tag_updated_at - deployed_at) if moved and deployed_at and tag_updated_at else "",
    )


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def describe_elapsed(elapsed: timedelta) -> str:
    """A length of time in its two largest units, and on which side of the deployment: `2 d 3 h after`."""
    rest = abs(int(elapsed.total_seconds()))
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count and len(parts) < 2:
            parts.append(f"{count} {unit}")
    side = "after" if elapsed >= timedelta(0) else "before"
    return f"{' '.join(parts) or 'under a second'} {side} the deployment"


def one_line(text: str) -> str:
    """Whatever names hold, they end where the line ends."""
    return " ".join(text.split())
