"""Which detection a report belongs to. Pure.

The same rule on the same workload, image and program is one detection. A container chooses the names of its programs:
beyond `MAX_PROGRAMS` of them they share one, so that nobody is drowned in alerts that an attacker makes up. Nor by a
sensor in an attacker's hands, which may make up containers and rules: beyond some of either they share one as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from deadlight.model.detection import MORE_DETECTIONS, Response
from deadlight.model.vulnerability import Severity

MAX_PROGRAMS = 20
"""Programs of a workload's image that a rule's detections keep apart at a time."""

FURTHER_PROGRAMS = ""
"""The program of the detection that has all others."""

MAX_STRANGERS = 1_000
"""Containers of a node that nobody knows and whose detections of a day are kept apart. While the service is away many
can come and go before a controller could tell of them."""

MAX_FOREIGN_RULES = 20
"""Rules that this service does not know and whose detections in a cluster are kept apart at a time. A sensor may be of
a later version."""

FURTHER_RULES_TITLE = "Detections of further rules that this service does not know"


STRANGER = "container:"
"""What the subject of a container that nobody knows begins with."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a detection is: a workload's image, or else a container that nobody knows."""

    cluster_id: UUID
    container_id: str
    workload_id: int | None = None
    image_tag_id: int | None = None
    names: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)
    """As people know them: namespace, workload, workload_kind, image, repository, pod, container."""
    crowd: str = ""
    """The node, where too many containers of it are not known for this one to be kept apart."""

    @property
    def subject(self) -> str:
        """What detections are told apart by."""
        if self.crowd:
            return f"node:{self.crowd}"
        if self.workload_id is None:
            return f"{STRANGER}{self.container_id}"
        return f"workload:{self.workload_id}/image:{self.image_tag_id or ''}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a sensor said, and where that was."""

    id: str
    place: Place
    rule: str
    program: str
    title: str
    severity: Severity
    mitre: Sequence[str]
    at: datetime
    count: int
    evidence: Mapping[str, Any]
    response: Response
    node_name: str


@dataclass(frozen=True, slots=True)
class Apart:
    """What is kept apart already."""

    book: frozenset[str]
    """The rules that this service knows."""
    rules: Mapping[UUID, set[str]] = field(default_factory=dict)
    """Others, by cluster."""
    strangers: Mapping[tuple[UUID, str], set[str]] = field(default_factory=dict)
    """Subjects of containers that nobody knows, by cluster and node."""


def bound(reports: Iterable[Report], apart: Apart) -> list[Report]:
    """The reports, those of containers and rules that are too many brought together."""
    rules = defaultdict(set, {cluster_id: set(names) for cluster_id, names in apart.rules.items()})
    strangers = defaultdict(set, {node: set(subjects) for node, subjects in apart.strangers.items()})
    bounded = []
    for report in reports:
        place, rule, title = report.place, report.rule, report.title
        if place.workload_id is None:
            seen = strangers[place.cluster_id, report.node_name]
            if not _keep(place.subject, seen, MAX_STRANGERS):
                place = replace(place, crowd=report.node_name or "?")
        if rule not in apart.book and not _keep(rule, rules[place.cluster_id], MAX_FOREIGN_RULES):
            rule, title = MORE_DETECTIONS, FURTHER_RULES_TITLE
        bounded.append(replace(report, place=place, rule=rule, title=title))
    return bounded


def _keep(name: str, kept: set[str], most: int) -> bool:
    """Whether it is kept apart from now on."""
    if name not in kept and len(kept) >= most:
        return False
    kept.add(name)
    return True


Group = tuple[UUID, str, str]
"""Cluster, rule and subject."""


class Identity(NamedTuple):
    """What makes a detection this one among those that are not resolved."""

    cluster_id: UUID
    key: UUID
    program: str


def group_of(report: Report) -> Group:
    """Among which detections a report's programs are kept apart."""
    return report.place.cluster_id, report.rule, report.place.subject


def detection_key(rule: str, subject: str, program: str) -> UUID:
    """What is equal for equal detections of a cluster."""
    parts = (part.encode("utf-8", "surrogatepass") for part in (rule, subject, program))
    return UUID(bytes=sha256(b"\0".join(parts)).digest()[:16])


def gather(reports: Iterable[Report], known: Mapping[Group, set[str]]) -> dict[Identity, list[Report]]:
    """Reports by the detection they belong to; `known` are the programs that are kept apart already."""
    programs = {group: set(names) for group, names in known.items()}
    gathered: dict[Identity, list[Report]] = {}
    for report in reports:
        kept = programs.setdefault(group_of(report), set())
        program = report.program if _keep(report.program, kept, MAX_PROGRAMS) else FURTHER_PROGRAMS
        kept.add(program)
        key = detection_key(report.rule, report.place.subject, program)
        gathered.setdefault(Identity(report.place.cluster_id, key, program), []).append(report)
    return gathered


def merge(identity: Identity, reports: Sequence[Report]) -> dict[str, Any]:
    """A row of what reports of one detection amount to; the latest one is its evidence."""
    latest = max(reports, key=lambda report: report.at)
    worst = max((report.severity for report in reports), key=lambda severity: severity.rank)
    place = latest.place
    return {
        "cluster_id": str(place.cluster_id),
        "key": str(identity.key),
        "subject": place.subject,
        "rule": latest.rule,
        "program": identity.program,
        "title": latest.title,
        "severity": worst.value,
        "severity_rank": worst.rank,
        "mitre": list(latest.mitre),
        "workload_id": place.workload_id,
        "image_tag_id": place.image_tag_id,
        "container_id": place.container_id,
        **place.names,
        "node_name": latest.node_name,
        "count": sum(report.count for report in reports),
        **{response.value: _times(reports, response) for response in _COUNTED},
        "first_at": min(report.at for report in reports),
        "last_at": latest.at,
        "evidence": latest.evidence,
        "response": latest.response.value,
    }


_COUNTED = (Response.WOULD_BLOCK, Response.KILLED, Response.DENIED)


def _times(reports: Sequence[Report], response: Response) -> int:
    return sum(report.count for report in reports if report.response is response)
