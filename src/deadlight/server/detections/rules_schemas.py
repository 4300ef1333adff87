"""Bodies of the endpoints about threat rules and blocking."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from deadlight.model.detection import BlockingMode
from deadlight.model.vulnerability import Severity
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.detections.rule_book import Origin
from deadlight.server.detections.schemas import TechniqueOut
from deadlight.threats.rule import MAX_SOURCE_BYTES

Source = Annotated[PlainText, Field(min_length=1, max_length=MAX_SOURCE_BYTES, description="TOML.")]
NamespacePattern = Annotated[PlainText, Field(min_length=1, max_length=253)]


class RuleRow(BaseModel):
    """A threat rule as it holds here."""

    id: str
    origin: Origin
    title: str
    description: str
    severity: Severity = Field(description="What a match is worth here.")
    own_severity: Severity | None = Field(description="The rule's own; null where it cannot be used.")
    tactic: str
    techniques: list[TechniqueOut]
    kinds: list[str] = Field(description="What a container does that it looks at.")
    recommendation: str
    false_positives: str
    enabled: bool
    replaces: bool = Field(description="A custom rule instead of a built-in one of the same id.")
    problem: str = Field(description="Why this version cannot use it; sensors do not get it then.")
    changed_by: str
    changed_at: datetime | None
    detections: int = Field(description="That are not resolved, suppressed ones too.")


class SampleOut(BaseModel):
    """What a rule says of one of its own samples."""

    says: str
    expected: bool
    matched: bool


class RuleDetail(RuleRow):
    """A rule with its source, where somebody wrote it here, and its samples."""

    source: str
    samples: list[SampleOut]


class RuleSource(BaseModel):
    """A rule as somebody writes it."""

    source: Source


class RuleCheck(BaseModel):
    """Whether a rule could be used, and what it says of its samples. Nothing is saved."""

    usable: bool
    problem: str
    id: str
    title: str
    replaces: bool = Field(description="It would hold instead of a built-in rule.")
    samples: list[SampleOut]


class RuleTrial(RuleSource):
    """A rule to be held to what was recorded."""

    days: int = Field(default=7, ge=1, le=30, description="So far back, as far as records are kept.")


class TrialMatch(BaseModel):
    """Something recorded that the rule would match, or perhaps would."""

    perhaps: bool = Field(description="It depends on something that is not recorded.")
    kind: str
    program: str
    command: str
    file_path: str
    changed: bool = Field(description="The file was not the image's own.")
    user: int | None
    workload: str = Field(description="Cluster, namespace and name, of the last one; empty where nobody knows it.")
    containers: int
    times: int
    last_at: datetime


class TrialSource(BaseModel):
    """One kind of records, and what the rule says of it."""

    source: str
    looked_at: int = Field(description="Different records.")
    complete: bool = Field(description="There were not more.")
    matches: int
    perhaps: int
    shown: list[TrialMatch] = Field(description="The first fifty: what matches, then what perhaps does; latest first.")


class RuleDryRun(BaseModel):
    """What a rule says of its samples, and would have said of what was recorded. Nothing is saved."""

    check: RuleCheck
    since: datetime
    sources: list[TrialSource]
    gaps: list[str] = Field(description="What of the rule could not be tried, for people.")


class RuleDecision(BaseModel):
    """Whether a rule holds, and what it is worth."""

    enabled: bool = True
    severity: Severity | None = Field(default=None, description="Null: the rule's own.")


class SensorBehind(BaseModel):
    """A sensor that does not have its cluster's policy in force, or has not said so."""

    node: str
    policy: int | None = Field(description="The last change that it has in force; null: it has not said so.")
    since: datetime | None = Field(description="When the first of the changes was made that it lacks.")
    last_seen_at: datetime | None


class PolicyStanding(BaseModel):
    """How many of a cluster's sensors have its policy: rules, their severities and what is blocked."""

    cluster_id: str
    cluster: str
    policy: int = Field(description="The number of the last change; 0: nobody has changed anything.")
    sensors: int
    current: int = Field(description="How many have said that they have it in force.")
    behind: list[SensorBehind] = Field(description="The first fifty of the others, by node.")
    demonstration: bool


class BlockingIn(BaseModel):
    """What sensors are to stop in a cluster."""

    model_config = {"extra": "forbid"}

    mode: BlockingMode
    drift: bool = Field(default=False, description="Programs that are not the image's own.")
    mismatch: bool = Field(default=False, description="Programs whose hash differs from the image's.")
    included: list[NamespacePattern] = Field(
        default=[], max_length=200, description="Patterns of namespaces; none: all that are not the system's."
    )
    excluded: list[NamespacePattern] = Field(default=[], max_length=200)
    unproven: bool = Field(
        default=False, description="Enforce what has not been in audit for a day: you know what it will stop."
    )


class BlockingOut(BaseModel):
    """A cluster's policy and what it stopped, or would have, since it is as it is; nothing where it is off."""

    cluster_id: str
    cluster: str
    mode: BlockingMode
    drift: bool
    mismatch: bool
    included: list[str]
    excluded: list[str]
    audited_since: datetime | None
    changed_by: str
    changed_at: datetime | None
    sensors: int
    containers: int = Field(description="That it is about now.")
    would_block_programs: int
    would_block_times: int
    killed: int
    denied: int
    is_counted_whole: bool = Field(
        description="False: the four counts are the least that happened. Of programs that were detected before this "
        "policy began, only the last seven days can be counted."
    )
    objection: str = Field(description="Why it should not be enforced yet; empty where nothing speaks against it.")
    system_namespaces: list[str] = Field(description="Never blocked unless they are named letter by letter.")
