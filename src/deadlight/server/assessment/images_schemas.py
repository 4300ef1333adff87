"""Bodies of the list of images."""

from dataclasses import replace
from enum import StrEnum

from pydantic import BaseModel, Field

from deadlight.model.integrity import IntegrityStatus, ViolationType
from deadlight.model.live_list import ImageOrder, TimePeriod
from deadlight.model.risk import Risk
from deadlight.model.vulnerability import Severity
from deadlight.model.workload import RuntimeStatus
from deadlight.server.assessment.export import ExportFormat
from deadlight.server.assessment.filters import Component, ImageFilter
from deadlight.server.assessment.grouping import ImagesOrder
from deadlight.server.db.zero_bytes import PlainText

MAX_VALUES = 100


class LiveQuery(BaseModel):
    """What the lists of Live Assessment are narrowed by; the names are those of their addresses in the console."""

    search: PlainText = Field(default="", max_length=256)
    period: TimePeriod = TimePeriod.NOW
    risk: list[Risk] = Field(default=[], max_length=10)
    severity: list[Severity] = Field(default=[], max_length=10)
    detection: list[Severity] = Field(
        default=[], max_length=10, description="with an open detection of one of these severities"
    )
    cve: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    integrity_status: list[IntegrityStatus] = Field(default=[], max_length=10)
    violation: list[ViolationType] = Field(default=[], max_length=10)
    image: list[PlainText] = Field(default=[], max_length=MAX_VALUES, description="a repository or its last part")
    tag: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    digest: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    repository: list[PlainText] = Field(
        default=[], max_length=MAX_VALUES, description="a registry, or a registry and the beginning of a path"
    )
    architecture: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    package: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    package_version: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    component: list[PlainText] = Field(default=[], max_length=MAX_VALUES, description="name:version of a package")
    process: list[PlainText] = Field(default=[], max_length=MAX_VALUES, description="seen executed by a sensor")
    path: list[PlainText] = Field(default=[], max_length=MAX_VALUES, description="seen executed by a sensor")
    process_hash: list[PlainText] = Field(
        default=[], max_length=MAX_VALUES, description="SHA-256 of a file seen executed by a sensor"
    )
    workload: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    workload_type: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    node: list[PlainText] = Field(default=[], max_length=MAX_VALUES)
    cluster: list[PlainText] = Field(default=[], max_length=MAX_VALUES, description="names or ids")
    namespace: list[PlainText] = Field(default=[], max_length=MAX_VALUES)

    def image_filter(self) -> ImageFilter:
        """The same for our queries."""
        return ImageFilter(
            search=self.search,
            period=self.period,
            clusters=self.cluster,
            namespaces=self.namespace,
            workloads=self.workload,
            workload_types=self.workload_type,
            nodes=self.node,
            detections=self.detection,
            processes=self.process,
            paths=self.path,
            hashes=[value.lower() for value in self.process_hash],
            images=self.image,
            repositories=self.repository,
            tags=self.tag,
            digests=self.digest,
            architectures=self.architecture,
            integrity_statuses=self.integrity_status,
            violations=self.violation,
            risks=self.risk,
            severities=self.severity,
            cves=self.cve,
            packages=self.package,
            package_versions=self.package_version,
            components=[Component.parse(item) for item in self.component],
        )


class ImageTagQuery(LiveQuery):
    """What a list of image tags is narrowed and ordered by."""

    of: PlainText = Field(default="", max_length=512, description="registry/repository: the tags of this image alone")
    order: ImageOrder = ImageOrder.RISKS
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)

    def image_filter(self) -> ImageFilter:
        """The same for our queries."""
        return replace(super().image_filter(), name=self.of)


class ImageQuery(LiveQuery):
    """What a list of images is narrowed and ordered by."""

    order: ImagesOrder = ImagesOrder.RISK
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)


class ImageRow(BaseModel):
    """An image: a registry's repository, with what holds for its riskiest tag and what its tags add up to."""

    registry: str
    repository: str
    riskiest_tag_id: int
    riskiest_tag: str
    risks: list[Risk]
    severities: dict[Severity, int] | None
    integrity_status: IntegrityStatus | None
    violation_type: ViolationType | None
    detections: dict[Severity, int] = Field(description="Open ones, in all its tags and workloads.")
    tags_count: int
    runtime_status: RuntimeStatus
    workloads_count: int
    clusters_count: int
    providers: list[str]
    demonstration: bool


class ImageList(BaseModel):
    """A page of images; `next_key` is empty at the end."""

    images: list[ImageRow]
    total: int
    next_key: str


class ImageSummary(BaseModel):
    """How many images meet the filter, of how many in the period; by risk, how many within the other filters."""

    matching: int
    total: int
    risks: dict[Risk, int]
    is_connected: bool
    """Whether any cluster is connected at all."""


class Facet(StrEnum):
    """A filter that offers values to choose from; the name of a field of `LiveQuery`."""

    RISK = "risk"
    SEVERITY = "severity"
    DETECTION = "detection"
    INTEGRITY_STATUS = "integrity_status"
    VIOLATION = "violation"
    IMAGE = "image"
    TAG = "tag"
    DIGEST = "digest"
    REPOSITORY = "repository"
    ARCHITECTURE = "architecture"
    WORKLOAD = "workload"
    WORKLOAD_TYPE = "workload_type"
    CLUSTER = "cluster"
    NAMESPACE = "namespace"
    CVE = "cve"
    PACKAGE = "package"
    PACKAGE_VERSION = "package_version"
    COMPONENT = "component"
    NODE = "node"
    PROCESS = "process"
    PATH = "path"
    PROCESS_HASH = "process_hash"


class ExportQuery(LiveQuery):
    """What an export is narrowed by, and its format."""

    format: ExportFormat = ExportFormat.CSV


class FacetQuery(LiveQuery):
    """Values of a filter, and what else the list is narrowed by."""

    text: PlainText = Field(default="", max_length=256, description="only values that contain this")


class FacetValue(BaseModel):
    """A value to filter by; `count` images would remain, null where counting them would take too long."""

    value: str
    count: int | None


class FacetValues(BaseModel):
    """The values most images have first, or in order where they are not counted."""

    values: list[FacetValue]
    more: bool
    """There are others: type a part of the one that is wanted."""
