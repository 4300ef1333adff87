"""Bodies of the endpoints about detections and exceptions."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from deadlight.model.detection import DetectionStatus, Response
from deadlight.model.vulnerability import Severity
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.owners.schemas import OwnerOut

MAX_NOTE_LENGTH = 2000

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Pattern = Annotated[PlainText, Field(max_length=1024)]
Reason = Annotated[PlainText, Field(min_length=1, max_length=MAX_NOTE_LENGTH)]


class Shown(StrEnum):
    """Whether detections that an exception suppresses are listed."""

    VISIBLE = "visible"
    """Only those that nothing suppresses."""
    SUPPRESSED = "suppressed"
    """Only those that an exception suppresses."""
    ALL = "all"


class DetectionOrder(StrEnum):
    """What a list is ordered by."""

    NEWEST = "newest"
    """Seen last first."""
    SEVERITY = "severity"
    """The worst first, then seen last first."""


class DetectionFilter(BaseModel):
    """What detections are narrowed by. Every condition that is given has to hold; of several values one."""

    severity: list[Severity] = Field(default=[], max_length=5)
    rule: list[PlainText] = Field(default=[], max_length=100, description="Ids of threat rules.")
    cluster: list[PlainText] = Field(default=[], max_length=100, description="Names or ids.")
    namespace: list[PlainText] = Field(default=[], max_length=100)
    workload: PlainText = Field(default="", max_length=256, description="Part of its name.")
    repository: list[PlainText] = Field(default=[], max_length=100, description="Of the image, with its registry.")
    status: list[DetectionStatus] = Field(default=[], max_length=3)
    response: list[Response] = Field(default=[], max_length=4)
    shown: Shown = Shown.VISIBLE
    workload_id: RowId | None = None
    image_tag_id: RowId | None = None
    since: AwareDatetime | None = Field(default=None, description="Last seen at this time or later.")
    until: AwareDatetime | None = Field(default=None, description="First seen before this time.")

    def parameters(self) -> dict[str, Any]:
        """Values for the conditions of `queries`; None switches one off."""
        return {
            "severities": [item.value for item in self.severity] or None,
            "rules": self.rule or None,
            "clusters": self.cluster or None,
            "namespaces": self.namespace or None,
            "workload": self.workload or None,
            "repositories": self.repository or None,
            "statuses": [item.value for item in self.status] or None,
            "responses": [item.value for item in self.response] or None,
            "suppressed": {Shown.VISIBLE: False, Shown.SUPPRESSED: True, Shown.ALL: None}[self.shown],
            "workload_id": self.workload_id,
            "image_tag_id": self.image_tag_id,
            "since": self.since,
            "until": self.until,
        }


class DetectionQuery(DetectionFilter):
    """A page of a list."""

    order: DetectionOrder = DetectionOrder.NEWEST
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)


class SuppressedBy(BaseModel):
    """The exception that suppresses a detection."""

    id: int
    reason: str
    created_by: str
    until: datetime


class DetectionRow(BaseModel):
    """A detection in a list: a rule that matched on a workload's image by a program, however often."""

    id: int
    rule: str
    title: str
    severity: Severity
    mitre: list[str]
    cluster_id: str
    cluster: str
    namespace: str
    workload_id: int | None = Field(description="Null where nobody knows the container.")
    workload: str
    workload_kind: str
    image_tag_id: int | None
    image: str
    repository: str = Field(description="The image's, with its registry.")
    pod: str
    container: str
    container_id: str
    node_name: str
    program: str = Field(description="Empty: further programs, which are not kept apart.")
    count: int
    would_block: int
    killed: int
    denied: int
    first_at: datetime
    last_at: datetime
    response: Response
    status: DetectionStatus
    status_by: str
    status_note: str
    status_at: datetime | None
    suppressed_by: SuppressedBy | None
    owner: OwnerOut | None
    demonstration: bool


class DetectionPage(BaseModel):
    """A page of detections; `next_key` is empty at the end."""

    detections: list[DetectionRow]
    total: int
    suppressed: int = Field(description="How many more meet the other conditions, but are suppressed by an exception.")
    next_key: str


class DetectedProcessOut(BaseModel):
    """A process as the sensor saw it."""

    name: str
    path: str
    arguments: list[str]
    pid: int
    user: int | None


class TechniqueOut(BaseModel):
    """A technique of MITRE ATT&CK."""

    id: str
    link: str


class StatusChange(BaseModel):
    """What somebody did about a detection."""

    at: datetime
    actor: str
    action: DetectionStatus
    note: str


class OccurrenceOut(BaseModel):
    """One of the times it was seen."""

    at: datetime
    count: int
    container_id: str
    node_name: str
    process: DetectedProcessOut
    response: Response


class DetectionDetail(DetectionRow):
    """A detection with its evidence and its history."""

    process: DetectedProcessOut
    ancestors: list[DetectedProcessOut] = Field(description="The parent first.")
    facts: dict[str, str] = Field(description="What the rule looked at.")
    fact_labels: dict[str, str] = Field(description="The names of the facts in plain words.")
    techniques: list[TechniqueOut]
    done: str = Field(description="What the sensor did about it, in words.")
    next_steps: list[str]
    history: list[StatusChange]
    occurrences: list[OccurrenceOut] = Field(description="The latest, as far as they are kept.")


class StatusIn(BaseModel):
    """Why a detection gets another status."""

    note: PlainText = Field(default="", max_length=MAX_NOTE_LENGTH)


class ExceptionIn(BaseModel):
    """What nobody is to be troubled with. Patterns know `*` and `?`; an empty one matches everything."""

    model_config = {"extra": "forbid", "str_strip_whitespace": True}

    rule: Pattern = ""
    cluster: Pattern = ""
    namespace: Pattern = ""
    workload: Pattern = ""
    repository: Pattern = Field(default="", description="With its registry: registry.example.com/shop/*.")
    program: Pattern = Field(default="", description="The path of a program: /usr/bin/*.")
    reason: Reason
    until: AwareDatetime

    @model_validator(mode="after")
    def _narrows(self) -> "ExceptionIn":
        patterns = (self.rule, self.cluster, self.namespace, self.workload, self.repository, self.program)
        if not any(pattern.strip("*?") for pattern in patterns):
            raise ValueError("an exception from everything is none: give a rule, a workload or another pattern")
        return self


class ExceptionOut(BaseModel):
    """An exception and how much it suppresses."""

    id: int
    rule: str
    cluster: str
    namespace: str
    workload: str
    repository: str
    program: str
    reason: str
    until: datetime
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str
    active: bool
    detections: int
    times: int


class ChangeOut(BaseModel):
    """What somebody changed about rules, exceptions or blocking; the service itself where `actor` is empty."""

    at: datetime
    actor: str
    subject: str
    name: str
    action: str
    details: dict[str, Any]
