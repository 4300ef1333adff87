"""Bodies of the console's endpoints."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.model.workload import RuntimeStatus
from deadlight.server.owners.attributions import AttributionOut
from deadlight.server.registries.scanning import ScanWith


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
    detections: dict[Severity, int]
    """Open ones, in all its workloads."""
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
    expected_link: str
    """The expected artifact in its registry."""
    reason: str
    judged_at: datetime | None
    first_detected_at: datetime | None
    first_ever_detected_at: datetime | None
    """Of the first violation of this type on the image tag, where it has opened again since."""
    occurrence: int
    """How often there has been one, this one included; 0 while none is open."""
    tag_mutable: bool | None
    """Whether the tag may move; None where that was of no concern."""
    mutability_source: str
    """Who says so: registry policy, tag history, user pattern, documented name or shape of the tag."""
    mutability_detail: str
    evidence: dict[str, Any]
    recommended_steps: list[str]
    stale_reason: str
    stale_since: datetime | None
    problem: str


class SourceOut(BaseModel):
    """The registry of an image. `type` is empty where nobody added it, `link` where there is nothing to look at."""

    host: str
    type: str
    product: str
    """What people call what it is; empty where nobody added it."""
    expected_digest_label: str
    """What to call the digest it has: Artifactory Digest (Expected)."""
    trusted: bool
    link: str
    origin: str
    """What the image is a cached copy of, where its repository is a proxy cache."""


class ImageTagDetail(ImageTagRow):
    """An image tag with everything its page shows at first."""

    pinned_digest: str
    first_seen_at: datetime
    namespaces: list[str]
    """The first fifty by name."""
    namespaces_count: int
    source: SourceOut
    distribution: str
    scan_error: str
    scanned_at: datetime | None
    scan_problems: list[str]
    scan_with: ScanWith
    """Where its findings come from."""
    scan_decision: str
    """Why the scanner of its registry was asked as it was, and how that stands; empty where Deadlight scans it."""
    verdict: VerdictOut
    build_owner: AttributionOut | None
    deployed_by: list[AttributionOut]
    """Each person or tool once; empty where no workload says, or none has it now."""
    findings_count: int
    """A vulnerability of two packages is two findings; `severities` counts it once."""
    applicable_vulnerabilities: int
    validated_vulnerabilities: int
    critical_applicable: int
    malicious_packages: int
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
