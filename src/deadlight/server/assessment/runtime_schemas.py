"""Bodies of the public Runtime API, in the documented shapes; the documents' variants are accepted on input."""

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from deadlight.model.live_list import TimePeriod
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Applicability, Severity
from deadlight.server.assessment.filters import Component, ImageFilter
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.errors import BadRequestError

MAX_VALUES = 100


_OR_NULL: JsonDict = {"type": ["array", "null"]}
"""Of lists that some clients send as null where they mean none."""


class _Filter(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ComponentIn(_Filter):
    """A package."""

    name: PlainText = Field(max_length=512)
    version: PlainText = Field(default="", max_length=256)


class WorkloadIn(_Filter):
    """A workload."""

    name: PlainText = Field(default="", max_length=256)
    namespace: PlainText = Field(default="", max_length=256)
    cluster: PlainText = Field(default="", max_length=256)


class RuntimeFilters(_Filter):
    """What a list is narrowed by."""

    cluster: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    namespace: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    time_period: TimePeriod = TimePeriod.NOW
    cve_id: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    risk: list[Risk] = Field(default=[], max_length=MAX_VALUES, json_schema_extra=_OR_NULL)
    component: list[ComponentIn] = Field(default=[], max_length=MAX_VALUES)
    applicability: list[Applicability] = Field(default=[], max_length=MAX_VALUES)
    severity: list[Severity] = Field(
        default=[],
        max_length=MAX_VALUES,
        validation_alias=AliasChoices("severity", "severities"),
        json_schema_extra=_OR_NULL,
    )
    workloads: list[WorkloadIn] = Field(default=[], max_length=MAX_VALUES)

    @field_validator("risk", mode="before")
    @classmethod
    def _every_spelling(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return [] if value is None else value
        return [Risk.parse(item) if isinstance(item, str) else item for item in value]

    @field_validator("severity", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return [] if value is None else value
        return [item.capitalize() if isinstance(item, str) else item for item in value]

    def image_filter(self) -> ImageFilter:
        """The same for our queries."""
        return ImageFilter(
            clusters=self.cluster,
            namespaces=self.namespace,
            period=self.time_period,
            cves=self.cve_id,
            risks=self.risk,
            severities=self.severity,
            applicabilities=self.applicability,
            components=[Component(item.name, item.version) for item in self.component],
        )


class RuntimeListRequest(BaseModel):
    """A page of a list."""

    limit: int = Field(default=10, json_schema_extra={"minimum": 1, "maximum": 100})
    next_key: str = Field(default="", validation_alias=AliasChoices("next_key", "last_key"))
    order_by: str = ""
    filters: RuntimeFilters = RuntimeFilters()

    def checked_limit(self) -> int:
        """The limit; raises BadRequestError with the documented text."""
        return check_limit(self.limit)


def check_limit(limit: int, name: str = "limit") -> int:
    """How many rows a page may have; raises BadRequestError with the documented text."""
    if not 1 <= limit <= 100:
        raise BadRequestError(f"{name} should be between 1 and 100")
    return limit


class Pagination(BaseModel):
    """Where the list goes on; `next_key` is empty at its end."""

    limit: int
    next_key: str


class ComponentOut(BaseModel):
    """A package that brings a vulnerability; the documents' examples call its identifier so, their tables otherwise."""

    id: str
    name: str
    version: str


class VulnerabilityOut(BaseModel):
    """A vulnerability of an image."""

    cve_id: str
    xray_id: str = ""
    severity: Severity
    cvss_v2: float | None = None
    cvss_v3: float | None
    applicability: Applicability
    fix_version: str
    components: list[ComponentOut]


class MaliciousPackageOut(BaseModel):
    """A malicious package of an image."""

    xray_id: str
    components: list[ComponentOut]


class WorkloadRefOut(BaseModel):
    """A workload by name."""

    name: str
    namespace: str
    cluster: str


class ScanInfo(BaseModel):
    """What has been scanned."""

    sca: str


class ImageTagOut(BaseModel):
    """An image tag."""

    name: str
    tag: str
    architecture: str
    registry: str
    repository_path: str
    runtime_status: str
    scan_info: ScanInfo
    risks: list[Risk]
    vulnerabilities: list[VulnerabilityOut]
    malicious_packages: list[MaliciousPackageOut]
    workloads: list[WorkloadRefOut]
    image_digest: str


class ImageTagsOut(BaseModel):
    """A page of image tags."""

    total_count: int
    pagination: Pagination
    image_tags: list[ImageTagOut]


class ProcessOut(BaseModel):
    """Processes of a workload that are the same program with the same arguments."""

    name: str
    runtime_status: str
    risks: list[Risk]
    vulnerabilities: list[VulnerabilityOut]
    malicious_packages: list[MaliciousPackageOut]
    arguments: str
    path: str
    working_directory: str
    """Empty: sensors do not report it."""
    process_hash: str
    """SHA-256 of the executed file; empty where sensors could not read it in time."""
    image_digest: str


class WorkloadOut(BaseModel):
    """A workload."""

    name: str
    namespace: str
    cluster: str
    runtime_status: str
    nodes: list[str]
    architecture: str
    risks: list[Risk]
    vulnerabilities_count: int
    processes: list[ProcessOut]


class WorkloadsOut(BaseModel):
    """A page of workloads."""

    total_count: int
    pagination: Pagination
    workloads: list[WorkloadOut]
