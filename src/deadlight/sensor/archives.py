"""Which archives the containers opened, and when to look what is read of them. Pure.

That a JVM opened an archive says nothing: it opens all of its class path. That it read a class of it does. What was
read last shows in the position of the open file, so it is looked at soon, as the program may end, and then ever more
rarely.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deadlight.model.observation import ARCHIVES, INSIDE
from deadlight.sensor.archive_entries import hides_use, proves_use
from deadlight.sensor.decode import MAX_PATH_LENGTH, Event
from deadlight.sensor.layout import CgroupKey, EventFlags, EventKind
from deadlight.sensor.processes import Process

FIRST_LOOK = 500_000_000
"""Nanoseconds after an archive was opened, and the shortest pause between two looks."""

PATIENCE = 16
"""A pause is a part of the time since the last archive was opened: the end of what ends may stay unseen for so long."""

LAST_PAUSE = 60_000_000_000
"""Nanoseconds; the longest pause."""

SETTLED_AFTER = 60_000_000_000
"""Nanoseconds. Of an archive that was looked at after them it is held to be known whether it is used."""

MAX_ARCHIVES = 8_192
"""That are remembered of all containers, some 3 MB; of the container that was quiet for longest they go first."""

UNSEEN = "reads inside archives"
"""What a container cannot be seen doing whose archives could not be looked at."""

_CLASS_DATA = (".jsa", ".aot")
"""Where a JVM may have an application's classes from instead of their archives (class data sharing)."""

_OWN_CLASS_DATA = re.compile(r"/lib/\w+/classes\w*\.jsa$")
"""Those of the JVM's own classes."""

_NOWHERE = CgroupKey(0, 0)
_TOOL = int(EventFlags.TOOL)


@dataclass(frozen=True, slots=True)
class Question:
    """Archives of a container to look at, in the open files of those processes that run what opened them."""

    container_id: str
    at: int
    positions: Mapping[str, int]
    """Path -> the position at which nothing but descriptions was read; 0 where that is not known."""
    processes: Sequence[Process]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process read last of an archive that it has open."""

    process: Process
    path: str
    """Of the archive, as the process sees it."""
    position: int
    entry: str | None
    """None where that was not the content of an entry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Archives that are not among the readings are closed, or cannot be read."""

    question: Question
    readings: Sequence[Reading]


@dataclass(slots=True)
class _Archive:
    opened_at: int
    position: int = 0
    seen_for: int = 0
    """How long after it was opened it was looked at last."""
    unclear: bool = False
    """What was read last may hide that something was used before."""


@dataclass(slots=True)
class _Opened:
    """What is known of a container's archives."""

    waiting: dict[str, _Archive] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)
    """What opened them."""
    began_at: int = 0
    due_at: int | None = None
    asked: bool = False

    def begin(self, at: int) -> None:
        """Look soon."""
        self.began_at = at
        soon = at + FIRST_LOOK
        self.due_at = soon if self.due_at is None else min(soon, self.due_at)

    def go_on(self, question: Question) -> None:
        """When to look next, having looked; what began meanwhile stays due."""
        if self.began_at <= question.at:
            pause = min(max((question.at - self.began_at) // PATIENCE, FIRST_LOOK), LAST_PAUSE)
            self.due_at = question.at + pause if self.waiting and question.processes else None


class Archives:
    """Those of all containers, bounded. Times in nanoseconds of the events' clock."""

    def __init__(self, limit: int = MAX_ARCHIVES) -> None:
        self._limit = limit
        self._containers: OrderedDict[str, _Opened] = OrderedDict()
        self._count = 0
        self._unseen: dict[str, None] = {}

    def __len__(self) -> int:
        return self._count

    def opened(self, event: Event, process: Process) -> None:
        """A process opened a file; what is no archive of the image, or only a tool reads, is none of ours."""
        path = event.path
        if event.flags & _TOOL:
            return
        if path.endswith(_CLASS_DATA) and not _OWN_CLASS_DATA.search(path):
            self._unseen[process.container_id] = None
        elif path.lower().endswith(ARCHIVES) and INSIDE not in path:
            container = self._containers.setdefault(process.container_id, _Opened())
            self._containers.move_to_end(process.container_id)
            if event.outside_image:  # it may have taken the place of the image's
                self._count -= container.waiting.pop(path, None) is not None
            elif path not in container.proven:
                self._wait(container, path, process.facts.path, event.at)

    def executed(self, process: Process) -> None:
        """A program starts: if it is one that opened archives, it may use others of them than before."""
        container = self._containers.get(process.container_id)
        if container and container.waiting and process.facts.path in container.programs:
            container.begin(process.started_at)

    def ask(self, at: int, running: Callable[[str, Container[str]], Sequence[Process]]) -> Iterator[Question]:
        """What is due. `running` gives the processes of a container that run one of some programs (paths)."""
        for container_id, container in self._containers.items():
            if container.due_at is not None and container.due_at <= at and not container.asked:
                container.asked = True
                positions = {path: archive.position for path, archive in container.waiting.items()}
                yield Question(container_id, at, positions, running(container_id, container.programs))

    def learn(self, answer: Answer) -> Sequence[tuple[Event, Process]]:
        """Take in an answer; gives what it proves: that an entry of an archive was opened, and by whom."""
        question = answer.question
        container = self._containers.get(question.container_id)
        if container is None:
            return ()
        container.asked = False
        proofs = [one for one in answer.readings if one.entry and proves_use(one.entry)]
        for reading in answer.readings:
            _note(container, reading, question.at)
        for proof in proofs:
            container.proven.add(proof.path)
            container.waiting.pop(proof.path, None)
        if any(_is_missed(archive, question.at) for archive in container.waiting.values()):
            self._unseen[question.container_id] = None
        container.go_on(question)
        return [(_event(proof, question.at), proof.process) for proof in proofs]

    def take_unseen(self) -> Sequence[str]:
        """Containers that may have read entries that nobody saw."""
        unseen, self._unseen = self._unseen, {}
        return tuple(unseen)

    def _wait(self, container: _Opened, path: str, program: str, at: int) -> None:
        if path not in container.waiting:
            container.waiting[path] = _Archive(at)
            self._count += 1
        container.programs.add(program)
        container.begin(at)
        while self._count > self._limit:
            self._forget()

    def _forget(self) -> None:
        container_id, container = self._containers.popitem(last=False)
        self._count -= len(container.waiting) + len(container.proven)
        if container.waiting:
            self._unseen[container_id] = None


def _note(container: _Opened, reading: Reading, at: int) -> None:
    archive = container.waiting.get(reading.path)
    if archive:
        archive.seen_for = at - archive.opened_at
        if reading.position != archive.position:
            archive.position = reading.position
            archive.unclear = reading.entry is not None and hides_use(reading.entry)


def _is_missed(archive: _Archive, at: int) -> bool:
    """Whether an archive may have been used although nobody saw it: looks become rare, or it was not found."""
    age = at - archive.opened_at
    if archive.seen_for == age:
        return archive.unclear and age >= SETTLED_AFTER
    return age >= FIRST_LOOK and (archive.unclear or archive.seen_for < SETTLED_AFTER)


def _event(proof: Reading, at: int) -> Event:
    facts = proof.process.facts
    path = f"{proof.path}{INSIDE}{proof.entry}".replace("\0", "")[:MAX_PATH_LENGTH]
    return Event(EventKind.OPENED, at, _NOWHERE, facts.pid, facts.name, path, user=facts.user)
