"""Bodies of the console's endpoints."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from deadlight.model.attribution import Confidence, Party
from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.model.workload import RuntimeStatus


class ClaimOut(BaseModel):
    """What one source says of who did something."""

    value: str
    source: str
    confidence: Confidence
    party: Party
    link: str
    revision: str
    detail: str
    at: datetime | None


class AttributionOut(ClaimOut):
    """Who did something, where that is known from and what other sources say, by precedence."""

    others: list[ClaimOut]


class ImageTagRow(BaseModel):
    """An image tag in a list."""

    id: int
    registry: str
    repository: str
    tag: str
    digest: str
    platform: str
    risks: list[Risk]
    integrity_status: IntegrityStatus | None
    violation_type: ViolationType | None
    severities: dict[Severity, int] | None
    scan_status: str
    runtime_status: RuntimeStatus
    workloads_count: int
    clusters_count: int
    providers: list[str]
    demonstration: bool


class ImageTagList(BaseModel):
    """A page of image tags; `next_key` is empty at the end."""

    image_tags: list[ImageTagRow]
    total: int
    next_key: str


class VerdictOut(BaseModel):
    """What comparing with the registry gave; without `status` it has not been compared yet, `problem` may say why."""

    status: IntegrityStatus | None
    violation_type: ViolationType | None
    violation_severity: Severity | None
    expected_digest: str
    reason: str
    judged_at: datetime | None
    first_detected_at: datetime | None
    evidence: dict[str, Any]
    stale_reason: str
    stale_since: datetime | None
    problem: str


class ImageTagDetail(ImageTagRow):
    """An image tag with everything its page shows at first."""

    pinned_digest: str
    first_seen_at: datetime
    distribution: str
    scan_error: str
    scanned_at: datetime | None
    scan_problems: list[str]
    verdict: VerdictOut
    build_owner: AttributionOut | None
    validated_vulnerabilities: int
    critical_applicable: int
    packages_count: int


class WorkloadRow(BaseModel):
    """A workload that runs an image tag."""

    id: int
    name: str
    namespace: str
    kind: str
    cluster: str
    cluster_id: str
    status: str
    nodes: list[str]
    deployed_by: AttributionOut | None
    demonstration: bool


class PackageRow(BaseModel):
    """A package of an image and whether it was seen in use."""

    id: int
    ecosystem: str
    name: str
    version: str
    purl: str
    location: str
    layer_digest: str
    owned_by: str
    vulnerabilities: int
    grade: str | None
    evidence_path: str
    evidence_process: str
    first_seen_running_at: datetime | None


class FindingRow(BaseModel):
    """A vulnerability of a package on an image."""

    vulnerability: str
    aliases: list[str]
    severity: Severity
    cvss_score: float | None
    cvss_vector: str
    summary: str
    malicious: bool
    package: str
    version: str
    ecosystem: str
    fix_version: str
    applicability: Applicability
    applicability_reason: str
    applicability_evidence: list[dict[str, Any]]
    grade: str | None
    evidence_path: str
    advisories: list[str]
