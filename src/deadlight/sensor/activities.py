"""Events to detections: what a process did is held to the rules, and what matches is told once, with its repetitions.

Pure: times are the events' own, in nanoseconds of a clock that only goes forward.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from deadlight.model.detection import BLOCKED_EXECUTION, MORE_DETECTIONS, Response
from deadlight.model.vulnerability import Severity
from deadlight.model.wire import DetectedProcess, Detection
from deadlight.sensor.decode import Event
from deadlight.sensor.glance import glance_at
from deadlight.sensor.layout import EventFlags, EventKind
from deadlight.sensor.observe import moment
from deadlight.sensor.processes import Process
from deadlight.threats.activity import Activity, ActivityKind, ProcessFacts
from deadlight.threats.engine import Engine, Match
from deadlight.threats.rule import Rule

_KINDS = {
    EventKind.EXECUTED: ActivityKind.EXECUTED,
    EventKind.OPENED: ActivityKind.OPENED,
    EventKind.WRITTEN: ActivityKind.WRITTEN,
    EventKind.MAPPED: ActivityKind.MAPPED,
    EventKind.PTRACED: ActivityKind.TRACED,
    EventKind.MOUNTED: ActivityKind.MOUNTED,
    EventKind.MODULE_LOADED: ActivityKind.MODULE_LOADED,
    EventKind.PRIVILEGE_CHANGED: ActivityKind.PRIVILEGE_CHANGED,
    EventKind.CONNECTED: ActivityKind.CONNECTED,
    EventKind.LISTENING: ActivityKind.LISTENING,
    EventKind.NAMESPACE_ENTERED: ActivityKind.NAMESPACE_ENTERED,
    EventKind.MODE_CHANGED: ActivityKind.MODE_CHANGED,
}

KINDS = tuple(_KINDS.get(EventKind(number)) if number else None for number in range(max(EventKind) + 1))
"""What a process did, by the number of the event's kind; None for events that are nothing of that sort."""

MAX_PER_MINUTE = 60
"""Detections of one container in a minute, and one of each rule, so that noise hides nothing; how many more there were
is told in one."""

MAX_REMEMBERED = 4_096
"""Matches whose repetitions are only counted, some 4 MB of hostile ones."""

MAX_CROWDED = 1_024
"""Containers whose detections are counted."""

BLOCKED_AGAIN_AFTER = 3_600
"""Seconds for which the same program being stopped again is only counted."""

_MINUTE = 60_000_000_000
_SECOND = 1_000_000_000
_NETWORK = (EventKind.CONNECTED, EventKind.LISTENING)
_UPPER, _MEMFD, _UNLINKED, _TMPFS = (
    int(flag) for flag in (EventFlags.UPPER, EventFlags.MEMFD, EventFlags.UNLINKED, EventFlags.TMPFS)
)
_RESPONSES = (
    (int(EventFlags.DENIED), Response.DENIED),
    (int(EventFlags.KILLED), Response.KILLED),
    (int(EventFlags.WOULD_BLOCK), Response.WOULD_BLOCK),
)
_STOPPED = sum(flag for flag, _ in _RESPONSES)


def activity_of(event: Event, kind: ActivityKind, process: Process) -> Activity:
    """What an event says that a process did."""
    flags, network = event.flags, event.kind in _NETWORK
    return Activity(
        kind=kind,
        at=event.at,
        container_id=process.container_id,
        process=process.facts,
        ancestors=process.ancestors,
        file_path="" if network else event.path,
        changed=event.changed,
        upper=bool(flags & _UPPER),
        memfd=bool(flags & _MEMFD),
        unlinked=bool(flags & _UNLINKED),
        tmpfs=bool(flags & _TMPFS),
        first_program=process.first,
        address=event.path if network else "",
        port=event.detail[0] & 0xFFFF if network else 0,
        arguments=event.arguments if event.kind is EventKind.MOUNTED else (),
        detail=event.detail,
    )


@dataclass(frozen=True, slots=True)
class _Finding:
    """A match, or what stands for one."""

    rule: str
    title: str
    severity: Severity
    techniques: tuple[str, ...]
    again_after: int
    key: tuple[str, ...]
    facts: Mapping[str, str]
    response: Response
    activity: Activity


@dataclass(slots=True)
class _Again:
    """A finding that was told, and those of its kind since."""

    until: int
    again_after: int
    count: int = 0
    first: _Finding | None = None


@dataclass(slots=True)
class _Crowd:
    """The detections of a container in a minute."""

    until: int
    rules: set[str] = field(default_factory=set)
    told: int = 0
    untold: int = 0
    first: _Finding | None = None


class Detector:
    """Holds activities to rules. What was found waits for `take`."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.use(rules)
        self._again: OrderedDict[tuple[str, ...], _Again] = OrderedDict()
        self._crowds: OrderedDict[str, _Crowd] = OrderedDict()
        self._found: list[tuple[_Finding, int]] = []
        self._due_at = 0
        self.matched = 0
        self.untold = 0
        """Matches beyond the bound of a minute, which are told as a number."""

    def use(self, rules: Sequence[Rule]) -> None:
        """Hold everything to these rules from now on."""
        self._engine = Engine(rules)
        self._glances = [glance_at(rules, kind) if kind else None for kind in KINDS]

    def look(self, event: Event, process: Process) -> bool:
        """Hold an event to the rules; says whether its file is one that rules ask for, whoever uses it."""
        glance, flags = self._glances[event.kind], event.flags
        if glance is None:
            return False
        sensitive = glance.holds(event)
        if sensitive or glance.always or flags & _STOPPED:
            self._match(event, process)
        return sensitive

    def _match(self, event: Event, process: Process) -> None:
        kind = KINDS[event.kind]
        if kind is None:
            return
        activity = activity_of(event, kind, process)
        response = next((response for flag, response in _RESPONSES if event.flags & flag), Response.REPORTED)
        matches = self._engine.match(activity)
        for match in matches:
            self._add(_finding(match, activity, response))
        if not matches and response is not Response.REPORTED:
            self._add(_blocked(activity, response))

    def take(self, at: int, *, epoch_offset: int, final: bool = False) -> tuple[Detection, ...]:
        """What was found, and repetitions whose time has come: all of them where it is `final`."""
        if final or at >= self._due_at:
            self._collect(at, final=final)
        found, self._found = self._found, []
        return tuple(_detection(finding, count, epoch_offset) for finding, count in found)

    def _add(self, finding: _Finding) -> None:
        self.matched += 1
        key = (finding.activity.container_id, finding.rule, finding.response, *finding.key)
        again, at = self._again.get(key), finding.activity.at
        if again and at < again.until:
            again.count += 1
            again.first = again.first or finding
            return
        if again and again.first:
            self._tell(again.first, again.count)
        self._again[key] = _Again(at + finding.again_after * _SECOND, finding.again_after)
        self._again.move_to_end(key)
        self._due_at = min(self._due_at, self._again[key].until)
        self._tell(finding, 1)
        if len(self._again) > MAX_REMEMBERED:
            _, oldest = self._again.popitem(last=False)
            if oldest.first:
                self._tell(oldest.first, oldest.count)

    def _tell(self, finding: _Finding, count: int) -> None:
        """Have it told, unless too much was told of its container already."""
        container_id, at = finding.activity.container_id, finding.activity.at
        crowd = self._crowds.get(container_id)
        if crowd is None or at >= crowd.until:
            self._close_crowd(container_id)
            crowd = self._crowds[container_id] = _Crowd(at + _MINUTE)
            self._due_at = min(self._due_at, crowd.until)
        if crowd.told < MAX_PER_MINUTE or finding.rule not in crowd.rules:
            crowd.told += 1
            crowd.rules.add(finding.rule)
            self._found.append((finding, count))
        else:
            self.untold += count
            crowd.untold += count
            crowd.first = crowd.first or finding
        if len(self._crowds) > MAX_CROWDED:
            self._close_crowd(next(iter(self._crowds)))

    def _close_crowd(self, container_id: str) -> None:
        crowd = self._crowds.pop(container_id, None)
        if crowd and crowd.first:
            self._found.append((_more(crowd.first, crowd.untold), crowd.untold))

    def _collect(self, at: int, *, final: bool) -> None:
        for key, again in list(self._again.items()):
            if not final and at < again.until:
                continue
            if again.first:
                self._tell(again.first, again.count)
                self._again[key] = _Again(at + again.again_after * _SECOND, again.again_after)
            else:
                del self._again[key]
        for container_id in [name for name, crowd in self._crowds.items() if final or at >= crowd.until]:
            self._close_crowd(container_id)
        self._due_at = min(self._times(), default=at + _MINUTE)

    def _times(self) -> Iterator[int]:
        yield from (again.until for again in self._again.values())
        yield from (crowd.until for crowd in self._crowds.values())


def _finding(match: Match, activity: Activity, response: Response) -> _Finding:
    rule = match.rule
    return _Finding(
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        techniques=rule.techniques,
        again_after=rule.again_after,
        key=match.key,
        facts=match.facts,
        response=response,
        activity=activity,
    )


def _blocked(activity: Activity, response: Response) -> _Finding:
    return _Finding(
        rule=BLOCKED_EXECUTION,
        title="A blocking policy is about a program that was started",
        severity=Severity.HIGH,
        techniques=(),
        again_after=BLOCKED_AGAIN_AFTER,
        key=(activity.file_path,),
        facts={"file.path": activity.file_path[:1024]},
        response=response,
        activity=activity,
    )


def _more(first: _Finding, count: int) -> _Finding:
    return _Finding(
        rule=MORE_DETECTIONS,
        title=f"{count} more detections of this container within a minute",
        severity=Severity.MEDIUM,
        techniques=(),
        again_after=0,
        key=(),
        facts={"rule.id": first.rule},
        response=Response.REPORTED,
        activity=first.activity,
    )


def _detection(finding: _Finding, count: int, epoch_offset: int) -> Detection:
    activity = finding.activity
    return Detection(
        id=_identify(finding),
        rule=finding.rule,
        title=finding.title,
        severity=finding.severity,
        mitre=finding.techniques,
        at=moment(activity.at + epoch_offset),
        count=count,
        container_id=activity.container_id,
        process=_process(activity.process),
        ancestors=tuple(map(_process, activity.ancestors)),
        facts=dict(finding.facts),
        response=finding.response,
    )


def _identify(finding: _Finding) -> str:
    """The same for the same event and rule: however often it is looked at, it is one detection."""
    activity = finding.activity
    what = (activity.container_id, finding.rule, activity.at, activity.process.pid, finding.response, *finding.key)
    text = "\0".join(map(str, what)).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()


def _process(facts: ProcessFacts) -> DetectedProcess:
    return DetectedProcess(name=facts.name, path=facts.path, arguments=facts.arguments, pid=facts.pid, user=facts.user)
