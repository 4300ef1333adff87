"""Bodies of the ledger's endpoints."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from deadlight.model.integrity import ViolationType
from deadlight.model.risk import WindowRisk
from deadlight.model.vulnerability import Severity
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.ledger.actions import Action
from deadlight.server.ledger.reconcile import OpenedBasis
from deadlight.server.owners.attributions import AttributionOut

MAX_NOTE_LENGTH = 2000

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class WindowState(StrEnum):
    """How a window stands. Of an open one, the last that holds is shown."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SUPPRESSED = "suppressed"
    CLOSED = "closed"


class WindowOrder(StrEnum):
    """What a list is ordered by."""

    NEWEST = "newest"
    OLDEST = "oldest"


class WindowFilter(BaseModel):
    """What windows are narrowed by. Every condition that is given has to hold; of several values one."""

    risk: list[WindowRisk] = Field(default=[], max_length=10)
    cluster: list[PlainText] = Field(default=[], max_length=100, description="Names or ids.")
    namespace: list[PlainText] = Field(default=[], max_length=100)
    team: list[PlainText] = Field(default=[], max_length=100, description="An empty one: windows of no team.")
    workload: PlainText = Field(default="", max_length=256, description="Part of its name.")
    workload_id: RowId | None = None
    image_tag_id: RowId | None = None
    detection_id: RowId | None = Field(default=None, description="Windows of a threat's detection.")
    since: AwareDatetime | None = Field(default=None, description="Windows that closed later, or are open.")
    until: AwareDatetime | None = Field(default=None, description="Windows that opened earlier.")

    def parameters(self) -> dict[str, Any]:
        """Values for the conditions of `queries`; None switches one off."""
        return {
            "risks": [risk.value for risk in self.risk] or None,
            "clusters": self.cluster or None,
            "namespaces": self.namespace or None,
            "teams": self.team or None,
            "workload": self.workload or None,
            "workload_id": self.workload_id,
            "image_tag_id": self.image_tag_id,
            "detection_id": self.detection_id,
            "since": self.since,
            "until": self.until,
            "by_workload": bool(self.cluster or self.namespace or self.workload),
        }


class StateFilter(WindowFilter):
    """The same and how they stand."""

    state: list[WindowState] = Field(
        default=[], max_length=4, description="`open` are all that are not closed, acknowledged and suppressed too."
    )

    def parameters(self) -> dict[str, Any]:
        """Values for the conditions of `queries`; None switches one off."""
        return {**super().parameters(), "states": [state.value for state in self.state] or None}


class WindowQuery(StateFilter):
    """A page of a list."""

    order: WindowOrder = WindowOrder.NEWEST
    limit: int = Field(default=50, ge=1, le=100)
    next_key: str = Field(default="", max_length=2048)


class ExportQuery(StateFilter):
    """All of a list, as a file."""

    format: Literal["csv", "json"] = "csv"


class Bucket(StrEnum):
    """How long a point of a series is, in UTC; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"


class SeriesGroup(StrEnum):
    """What there is a series for."""

    ALL = "all"
    RISK = "risk"
    TEAM = "team"


class StatisticsQuery(WindowFilter):
    """A period and how it is divided; the last 30 days where none is given."""

    bucket: Bucket = Bucket.DAY
    group: SeriesGroup = SeriesGroup.ALL


class SuppressionOut(BaseModel):
    """That and why a risk is kept quiet."""

    reason: str
    suppressed_by: str
    suppressed_at: datetime
    until: datetime


class WindowDetection(BaseModel):
    """The detection that a threat's window is of."""

    id: int
    rule: str
    title: str
    severity: Severity


class WindowRow(BaseModel):
    """An exposure window in a list."""

    id: int
    risk: WindowRisk
    violation_type: ViolationType | None
    detection: WindowDetection | None = Field(description="Of a threat, as long as its detection is kept.")
    state: WindowState
    workload_id: int
    workload: str
    kind: str
    namespace: str
    cluster: str
    cluster_id: str
    image_tag_id: int
    image: str
    digest: str
    platform: str
    team: str
    opened_at: datetime
    opened_basis: OpenedBasis
    detected_at: datetime
    notified_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledge_note: str
    closed_at: datetime | None
    close_reason: str
    previous_id: int | None
    repaired: bool
    suppression: SuppressionOut | None
    build_owner: AttributionOut | None
    deployed_by: AttributionOut | None
    demonstration: bool


class WindowPage(BaseModel):
    """A page of windows; `next_key` is empty at the end."""

    windows: list[WindowRow]
    total: int
    next_key: str


class ActionOut(BaseModel):
    """Something that was done about a window; by the service itself where `actor` is empty."""

    at: datetime
    actor: str
    action: Action
    note: str
    until: datetime | None


class EarlierWindow(BaseModel):
    """A window of the same risk, workload and image tag before this one."""

    id: int
    opened_at: datetime
    closed_at: datetime | None
    close_reason: str


class WindowDetail(WindowRow):
    """A window with what was done about it."""

    reason: str = Field(description="What the verdict said, for an integrity violation.")
    registry_digest: str
    vulnerabilities: list[str] = Field(description="Those that make the risk now, at most fifty.")
    history: list[ActionOut]
    earlier: list[EarlierWindow]


class IssueOut(BaseModel):
    """A window in words, for a tracking system."""

    title: str
    text: str = Field(description="Markdown.")


class AcknowledgeIn(BaseModel):
    """Somebody takes care of it."""

    note: PlainText = Field(default="", max_length=MAX_NOTE_LENGTH)


class SuppressIn(BaseModel):
    """Why and until when a risk is to be quiet."""

    reason: PlainText = Field(min_length=1, max_length=MAX_NOTE_LENGTH, pattern=r"\S")
    until: AwareDatetime


class Spread(BaseModel):
    """Lengths of time: how many there are, their median and the one that nine in ten do not exceed."""

    count: int
    median_seconds: float | None
    p90_seconds: float | None


class GroupStatistics(BaseModel):
    """The windows of a risk or a team (empty: of none)."""

    name: str
    open_now: int
    window: Spread


class SeriesPoint(BaseModel):
    """A day or week from `at`: windows detected in it, and those closed in it with their lengths."""

    at: datetime
    detected: int
    window: Spread


class Series(BaseModel):
    """Points without gaps for everything, a risk or a team."""

    name: str
    points: list[SeriesPoint]


class OldestWindow(BaseModel):
    """The window that has been open longest."""

    id: int
    opened_at: datetime


class ExposureStatistics(BaseModel):
    """How long risks were live. Definitions: docs/user/exposure-windows.md."""

    since: datetime
    until: datetime
    bucket: Bucket
    open_now: int
    acknowledged_now: int
    suppressed_now: int
    oldest: OldestWindow | None
    repaired: int
    window: Spread = Field(description="Opened to closed, of those closed in the period.")
    close: Spread = Field(description="Detected to closed, of the same.")
    detect: Spread = Field(description="Opened to detected, of those detected in the period.")
    notify: Spread = Field(description="Detected to notified, of the same as far as somebody was notified.")
    acknowledge: Spread = Field(description="Detected to acknowledged, of the same as far as somebody did.")
    by_risk: list[GroupStatistics]
    by_team: list[GroupStatistics]
    series: list[Series]
