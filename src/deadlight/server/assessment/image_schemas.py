"""Bodies of the endpoints behind the tabs of an image tag's page. Lists say how many there are where they are cut."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from deadlight.model.integrity import ViolationType
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server.advisories.exploitation import Urgency
from deadlight.server.assessment.evidence import CoverageOut, Evidence
from deadlight.server.assessment.schemas import WorkloadRow
from deadlight.server.owners.attributions import AttributionOut


class ImageWorkloads(BaseModel):
    """The workloads that have it now, the first thousand."""

    workloads: list[WorkloadRow]
    total: int


class ClusterPlace(BaseModel):
    """A cluster with workloads that have it now."""

    id: str
    name: str
    provider: str
    regions: list[str]
    version: str
    workloads_count: int
    nodes_count: int
    namespaces: list[str]
    demonstration: bool


class ImageClusters(BaseModel):
    """The clusters that have it now, the first thousand."""

    clusters: list[ClusterPlace]
    total: int


class PackageRow(Evidence):
    """A package of an image and whether it was seen in use."""

    id: int
    ecosystem: str
    name: str
    version: str
    purl: str
    source_name: str
    source_version: str
    location: str
    """The file that proves it, or `sbom:<digest>` where only somebody's bill of materials says that it is there."""
    stated_by: list[str]
    """Bills of materials attached to the image that state it, as `sbom:<digest>`."""
    layer_digest: str
    owned_by: str
    vulnerabilities: int


class ImagePackages(BaseModel):
    """Its packages by ecosystem and name, the first ten thousand."""

    packages: list[PackageRow]
    total: int
    coverage: CoverageOut
    """What it rests on that a package was not seen in use."""


class FindingRow(Urgency):
    """A vulnerability of a package on an image."""

    vulnerability: str
    aliases: list[str]
    severity: Severity
    severity_source: str
    cvss_score: float | None
    summary: str
    malicious: bool
    package_id: int
    package: str
    version: str
    ecosystem: str
    fix_version: str
    applicability: Applicability
    grade: str | None
    evidence_path: str
    evidence_process: str


class ImageFindings(BaseModel):
    """Its findings, the gravest first, ten thousand at most; a vulnerability of two packages is two findings."""

    vulnerabilities: list[FindingRow]
    total: int
    coverage: CoverageOut
    """What it rests on that a package was not seen in use."""


class AdvisoryOut(BaseModel):
    """What one public source says about a vulnerability."""

    id: str
    severity: Severity
    cvss_score: float | None
    cvss_vector: str
    published_at: datetime | None
    modified_at: datetime | None


class AffectedPackage(Evidence):
    """A package that brings a vulnerability into an image, and what is known about it there."""

    package_id: int
    name: str
    version: str
    ecosystem: str
    purl: str
    locations: list[str]
    layer_digest: str
    advisories: list[str]
    """Those that say so of this package and version."""
    fix_version: str
    applicability: Applicability
    applicability_reason: str
    applicability_evidence: list[dict[str, Any]]


class FindingDetail(Urgency):
    """Everything about a vulnerability of an image. `severity_source` names the record that rates it so."""

    vulnerability: str
    aliases: list[str]
    severity: Severity
    severity_source: str
    cvss_score: float | None
    cvss_vector: str
    summary: str
    details: str
    malicious: bool
    published_at: datetime | None
    advisories: list[AdvisoryOut]
    references: list[str]
    packages: list[AffectedPackage]
    coverage: CoverageOut
    """What it rests on that a package was not seen in use."""


class ViolationPlace(BaseModel):
    """A workload in which an open violation is, and since when."""

    workload_id: int
    name: str
    namespace: str
    kind: str
    cluster: str
    cluster_id: str
    nodes: list[str]
    detected_at: datetime
    deployed_by: AttributionOut | None
    demonstration: bool


class ViolationPlaces(BaseModel):
    """Where an image tag's open violation is, the first thousand places; empty without one."""

    places: list[ViolationPlace]
    total: int


class TagDigest(BaseModel):
    """A digest that the registry has had under the tag, as far as it was asked."""

    digest: str
    first_seen_at: datetime
    last_seen_at: datetime
    is_current: bool
    """Whether the registry had it when it last answered."""
    pushed_by: str
    """Who put it there, as the registry says; empty where it does not."""
    pushed_at: datetime | None
    image_tag_id: int | None
    """The page of the image that ran with it."""


class PastViolation(BaseModel):
    """A violation that was closed, or the one that is open."""

    id: int
    type: ViolationType
    severity: Severity
    running_digest: str
    registry_digest: str
    first_detected_at: datetime
    last_confirmed_at: datetime
    closed_at: datetime | None
    close_reason: str
    occurrence: int
    """How many of its type the image had had by then, this one included."""
    workloads_count: int


class ImageHistory(BaseModel):
    """What its tag has been and what was wrong with it, newest first, the last 200 of each."""

    digests: list[TagDigest]
    digests_total: int
    violations: list[PastViolation]
    violations_total: int
