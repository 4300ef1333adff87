"""Events to observations: one for each file, container and grade, however often it happened. No clock, no network."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from deadlight.model.observation import Grade
from deadlight.model.wire import Observation
from deadlight.sensor.decode import CUT, Event, is_outside_image
from deadlight.sensor.layout import EventFlags
from deadlight.sensor.processes import NO_FILE, FileId, Process, Program

MAX_PENDING = 10_000
"""Observations that wait for the service, some 8 MB. A node at rest finds a few hundred new files an hour."""

MAX_VARIANTS = 32
"""Arguments with which one program of a container is told apart; further ones are one observation together."""

MAX_PROGRAMS = 1_024
"""Programs whose arguments are counted so."""

HASH_PATIENCE = 30_000_000_000
"""Nanoseconds for which an execution waits for the hash of its file: longer than the hasher takes for what it has."""

MANY = (CUT,)
"""The arguments of a program that is executed with ever other ones."""

_TOOL = int(EventFlags.TOOL)
_EXECUTED, _OPENED = Grade.EXECUTED, Grade.OPENED


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What an observation is about: made and found again in a third of a named tuple's time."""

    container_id: str
    grade: Grade
    path: str
    arguments: tuple[str, ...] = ()
    """Of an executed program alone: with other arguments it is something else that runs."""
    file: FileId = NO_FILE
    """Of an executed program alone: what was put in its place is another program."""


class _Sightings(msgspec.Struct, gc=False):
    process: Process
    first_at: int
    last_at: int
    count: int
    changed: bool
    tool: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What others find out while an observation waits."""

    sha256: Callable[[FileId], str | None]
    """Of an executed file, empty where there is none; None while it is being read."""
    running: Callable[[Program], bool | None]
    """Whether a program runs, for somebody who is told now."""
    learn: Callable[[str, str, str, FileId], None] = lambda *_: None
    """Told of each executed program: its container, path, hash and file."""


class Pending:
    """Observations that have not been handed over yet, in the order in which their subjects first appeared.

    Opened files have half of the room: whoever opens files without end does not hide what is executed meanwhile.
    """

    def __init__(self, limit: int = MAX_PENDING) -> None:
        self._limit = limit
        self._sightings: dict[Subject, _Sightings] = {}
        self._variants: OrderedDict[tuple[str, str], set[tuple[str, ...]]] = OrderedDict()
        self.overflow = 0
        """Events that found no room: their subjects are unknown to the service until they are seen again."""

    def __len__(self) -> int:
        return len(self._sightings)

    def add(self, event: Event, grade: Grade, process: Process) -> bool:
        """Count an event that proves something of a file; says whether there was room for it."""
        is_execution = grade is _EXECUTED
        subject = self._execution(process) if is_execution else Subject(process.container_id, grade, event.path)
        flags = event.flags  # most have none
        tool, outside = bool(flags & _TOOL), bool(flags) and is_outside_image(event.kind, flags)
        known = self._sightings.get(subject)
        if known is None:
            return self._insert(subject, _Sightings(process, event.at, event.at, 1, outside, tool))
        known.count += 1
        known.last_at = max(known.last_at, event.at)
        known.changed |= outside
        if known.tool and not tool:
            known.tool, known.process = False, process
        return True

    def stopped(self, process: Process, at: int) -> None:
        """Have it told that a program does not run any more; its last process ended."""
        subject = self._execution(process)
        if subject not in self._sightings:
            self._insert(subject, _Sightings(process, process.started_at, at, 0, process.changed, False))

    def take(self, most: int, *, at: float, epoch_offset: int, known: Known) -> tuple[Observation, ...]:
        """Hand over the oldest `most` observations, but no execution whose file is still being read.

        `at` is the events' clock now, infinity to wait for nothing; `epoch_offset` is what to add to it for nanoseconds
        since the Unix epoch.
        """
        taken: list[Observation] = []
        for subject in list(self._sightings):
            if len(taken) == most:
                break
            sightings = self._sightings[subject]
            executed = subject.grade is _EXECUTED
            sha256 = known.sha256(subject.file) if executed else ""
            if sha256 is None and at - sightings.first_at < HASH_PATIENCE:
                continue
            observation = _observation(subject, self._sightings.pop(subject), epoch_offset)
            if executed:
                running = known.running(sightings.process.program)
                observation = replace(observation, sha256=sha256 or "", running=running)
                known.learn(subject.container_id, subject.path, observation.sha256, subject.file)
            taken.append(observation)
        return tuple(taken)

    def _insert(self, subject: Subject, sightings: _Sightings) -> bool:
        if len(self._sightings) >= (self._limit // 2 if subject.grade is _OPENED else self._limit):
            self.overflow += 1
            return False
        self._sightings[subject] = sightings
        return True

    def _execution(self, process: Process) -> Subject:
        facts = process.facts
        return Subject(process.container_id, Grade.EXECUTED, facts.path, self._tell_apart(process), process.file)

    def _tell_apart(self, process: Process) -> tuple[str, ...]:
        """The process's arguments, or `MANY` where its program has been executed with too many already."""
        key, arguments = (process.container_id, process.facts.path), process.facts.arguments
        variants = self._variants.setdefault(key, set())
        self._variants.move_to_end(key)
        if len(self._variants) > MAX_PROGRAMS:
            self._variants.popitem(last=False)
        if arguments in variants:
            return arguments
        if len(variants) >= MAX_VARIANTS:
            return arguments[:1] + MANY
        variants.add(arguments)
        return arguments


def _observation(subject: Subject, sightings: _Sightings, epoch_offset: int) -> Observation:
    facts, first_at = sightings.process.facts, moment(sightings.first_at + epoch_offset)
    once = sightings.first_at == sightings.last_at
    return Observation(
        container_id=subject.container_id,
        grade=subject.grade,
        path=subject.path,
        count=sightings.count,
        first_at=first_at,
        last_at=first_at if once else moment(sightings.last_at + epoch_offset),
        pid=facts.pid,
        process=facts.name,
        arguments=subject.arguments or facts.arguments,
        changed=sightings.changed,
        program=facts.path,
        parent_pid=sightings.process.parent_pid,
        user=facts.user,
        tool=sightings.tool,
    )


def moment(nanoseconds: int) -> datetime:
    """A time since the Unix epoch."""
    return datetime.fromtimestamp(nanoseconds // 1000 / 1_000_000, UTC)
