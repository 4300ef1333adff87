"""Bodies of the lists of workloads and processes, and of their pages."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from deadlight.model.live_list import ProcessOrder, WorkloadOrder
from deadlight.model.observation import Grade
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.model.workload import RuntimeStatus
from deadlight.server.advisories.exploitation import Urgency
from deadlight.server.assessment.evidence import CoverageOut
from deadlight.server.assessment.images_schemas import LiveQuery
from deadlight.server.assessment.schemas import ImageTagRow
from deadlight.server.owners.attributions import AttributionOut


class ScanState(StrEnum):
    """What is known of the vulnerabilities of something's images."""

    SCANNED = "scanned"
    PARTLY = "partly"
    """Of some of its images."""
    NOT_SCANNED = "not_scanned"
    UNKNOWN = "unknown"
    """Its images come from an untrusted registry and are not scanned."""


class WorkloadQuery(LiveQuery):
    """What a list of workloads is narrowed and ordered by; `search` looks at their names and namespaces."""

    order: WorkloadOrder = WorkloadOrder.RISK
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)


class ProcessQuery(LiveQuery):
    """What a list of processes is narrowed and ordered by; `search` looks at names, paths and arguments."""

    order: ProcessOrder = ProcessOrder.RISK
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)


class LiveWorkload(BaseModel):
    """A workload in a list."""

    id: int
    name: str
    namespace: str
    kind: str
    cluster: str
    cluster_id: UUID
    demonstration: bool
    architectures: list[str]
    runtime_status: RuntimeStatus
    nodes: list[str]
    risks: list[Risk]
    severities: dict[Severity, int] | None
    """Of its processes, where sensors saw any, each counting its own; else of its images. Null: nothing is scanned."""
    scan_state: ScanState
    detections: dict[Severity, int]
    """Open ones, in all its images."""
    images_count: int
    processes_count: int
    """What sensors saw; 0 also where there are no sensors."""


class LiveWorkloadList(BaseModel):
    """A page of workloads; `next_key` is empty at the end."""

    workloads: list[LiveWorkload]
    total: int
    next_key: str


class LiveSummary(BaseModel):
    """How many meet the filters, of how many in the period; by risk, how many within the other filters."""

    matching: int
    total: int
    risks: dict[Risk, int]
    is_connected: bool
    """Whether any cluster is connected at all."""
    has_sensors: bool
    """Whether any sensor is enrolled: without one nothing is known of processes."""


class WorkloadPod(BaseModel):
    """A pod of a workload that is there now."""

    name: str
    node: str
    phase: str
    containers: list[str]
    """What each runs, as its specification says."""


class WorkloadDetail(LiveWorkload):
    """A workload with everything its page shows at first."""

    desired: int
    ready: int
    created_at: datetime | None
    deployed_by: AttributionOut | None
    pods: list[WorkloadPod]
    """The first hundred."""
    pods_count: int
    coverage: CoverageOut
    """What it rests on that something was not seen in it."""
    images: list[ImageTagRow]


class LiveProcess(BaseModel):
    """A program with its arguments in an image, over the workloads that execute it."""

    program_id: UUID
    image_tag_id: int
    name: str
    path: str
    arguments: str
    sha256: str
    """Of the executed file; empty where sensors could not read it in time."""
    image: str
    """registry/repository:tag, or @digest without a tag."""
    image_digest: str
    architecture: str
    runtime_status: RuntimeStatus
    """Stopped once no container runs it any more; where sensors do not say, as long as no workload runs the image."""
    risks: list[Risk]
    severities: dict[Severity, int] | None
    scan_state: ScanState
    changed: bool
    """The executed file was not the image's own: it was made or changed in the container."""
    workloads_count: int
    last_seen_at: datetime
    demonstration: bool


class LiveProcessList(BaseModel):
    """A page of processes; `next_key` is empty at the end."""

    processes: list[LiveProcess]
    total: int
    next_key: str


class ProcessWorkload(BaseModel):
    """A workload that executes a process."""

    id: int
    name: str
    namespace: str
    kind: str
    cluster: str
    cluster_id: UUID
    provider: str
    nodes: list[str]
    runtime_status: RuntimeStatus
    first_seen_at: datetime
    last_seen_at: datetime


class ProcessDetail(LiveProcess):
    """A process with everything its page shows at first."""

    first_seen_at: datetime
    users: list[int]
    """The uids, as the host counts, that the containers which executed it last did so as."""
    image_tag: ImageTagRow
    workloads: list[ProcessWorkload]
    """The first hundred."""


class ProcessFinding(Urgency):
    """A vulnerability of a package that a process was seen to use."""

    vulnerability: str
    severity: Severity
    severity_source: str
    cvss_score: float | None
    summary: str
    malicious: bool
    package: str
    version: str
    fix_version: str
    applicability: Applicability
    grade: Grade
    evidence_path: str


class AccessedFile(BaseModel):
    """A file that a process opened or mapped as code."""

    path: str
    grade: Grade
    changed: bool
    count: int
    containers: int
    first_at: datetime
    last_at: datetime
