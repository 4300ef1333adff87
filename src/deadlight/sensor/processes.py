"""The processes of containers: who did it, who started them, and which programs run. Pure; fed by events and surveys.

A process becomes known by executing a program, by doing something else (then it is a fork of its parent and runs the
same program), or by the survey of what already ran. It is forgotten when it exits. Should that event get lost,
`sweep` notices.
"""

from collections import OrderedDict
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from deadlight.sensor.decode import Event
from deadlight.sensor.redact import redact
from deadlight.threats.activity import ProcessFacts

MAX_PROCESSES = 4_096
"""Some 4 MB. A node has at most 250 pods (Kubernetes' own limit is 110), few of them with more than ten processes."""

MAX_NAMED = 1_024
"""Programs whose last execution is remembered for processes that nobody announces, some 1 MB."""

MAX_LISTED = 64
"""Processes of one program that are asked for."""

MAX_ANCESTORS = 8
"""The limit of the wire."""

STOPPED_AFTER = 5_000_000_000
"""Nanoseconds without a process of a program until it counts as stopped: one that is started every second runs."""


class FileId(NamedTuple):
    """A file with its content: what was changed has another change time (nanoseconds since the Unix epoch)."""

    device: int
    inode: int
    changed_at: int


class Program(NamedTuple):
    """A program with its arguments in a container."""

    container_id: str
    path: str
    arguments: tuple[str, ...]


@dataclass(slots=True)
class Process:
    """A process of a container. `at` in nanoseconds of the event's clock."""

    container_id: str
    facts: ProcessFacts
    parent_pid: int
    started_at: int
    """When its program was executed, or when the process was first seen."""
    file: FileId
    """Of its program; zeros where it is not known."""
    changed: bool = False
    """Its program is not the image's own: see `Event.outside_image`."""
    first: bool = False
    """It is the container's first, or began as it."""
    ancestors: tuple[ProcessFacts, ...] = ()
    """Those in the container, its parent first, as they were when it began."""

    @property
    def program(self) -> Program:
        """What runs."""
        return Program(self.container_id, self.facts.path, self.facts.arguments)


@dataclass(slots=True)
class _Running:
    last: Process
    count: int = 0
    told: bool = False
    """Whether it was last said to run."""
    stopped_at: int = 0


NO_FILE = FileId(0, 0, 0)


class ProcessTable:
    """Bounded; the process that was quiet for longest is forgotten first."""

    def __init__(self, limit: int = MAX_PROCESSES) -> None:
        self._limit = limit
        self._processes: OrderedDict[int, Process] = OrderedDict()
        self._programs: OrderedDict[Program, _Running] = OrderedDict()
        self._stopped: dict[Program, None] = {}
        self._named: OrderedDict[tuple[str, str], Process] = OrderedDict()
        self.evicted = 0
        """Processes that were forgotten for want of room: who started others, and what runs, is not known then."""

    def __len__(self) -> int:
        return len(self._processes)

    def executed(self, container_id: str, event: Event, *, first: bool = False) -> Process:
        """The process that executed a program, which from now on is what it runs."""
        facts = ProcessFacts(event.process, event.path, redact(event.arguments), event.pid, event.user)
        before = self._find(container_id, event.pid)
        parent = None if before else self._forebear(container_id, event)
        process = Process(
            container_id=container_id,
            facts=facts,
            parent_pid=event.parent_pid,
            started_at=event.at,
            file=FileId(event.device, event.inode, event.changed_at),
            changed=event.outside_image,
            first=first or (before is not None and before.first),
            ancestors=before.ancestors if before else _lineage(parent),
        )
        self.add(process)
        self._named[container_id, event.process] = process
        self._named.move_to_end((container_id, event.process))
        if len(self._named) > MAX_NAMED:
            self._named.popitem(last=False)
        return process

    def actor(self, container_id: str, event: Event) -> Process:
        """The process that did something else than executing. One that is not known is a fork of its parent."""
        process = self._find(container_id, event.pid)
        if process is None:
            process = self._fork(container_id, event)
            self.add(process)
        elif process.facts.user != event.user:
            process.facts = replace(process.facts, user=event.user)
        return process

    def add(self, process: Process) -> None:
        """Take in a process, in the place of what had its number before."""
        pid = process.facts.pid
        self.exited(pid, process.started_at)
        self._processes[pid] = process
        if process.facts.path:
            running = self._programs.setdefault(process.program, _Running(process))
            running.last = process
            running.count += 1
            self._programs.move_to_end(process.program)
        if len(self._processes) > self._limit:
            self.evicted += 1
            _, lost = self._processes.popitem(last=False)
            self._forget_program(lost.program)
        if len(self._programs) > 2 * self._limit:  # some have stopped, which nobody has been told yet
            self._forget_program(next(iter(self._programs)))

    def exited(self, pid: int, at: int) -> None:
        """A process has ended."""
        process = self._processes.pop(pid, None)
        running = self._programs.get(process.program) if process else None
        if process and running:
            running.count -= 1
            running.stopped_at = at
            if running.count <= 0 and running.told:
                self._stopped[process.program] = None
            elif running.count <= 0:
                self._forget_program(process.program)

    def __contains__(self, pid: int) -> bool:
        return pid in self._processes

    def has_stopped(self, at: int) -> bool:
        """Whether `take_stopped` would give something."""
        return any(self._is_due(program, at) for program in self._stopped)

    def sweep(self, existing: Container[int], at: int) -> None:
        """Let go of processes that no longer exist."""
        for pid in [pid for pid in self._processes if pid not in existing]:
            self.exited(pid, at)

    def tell(self, program: Program) -> bool | None:
        """Whether the program runs, for somebody who is told now; None where processes had to be forgotten."""
        running = self._programs.get(program)
        if running is None:
            return None if self.evicted else False
        running.told = running.count > 0
        if not running.told:
            self._forget_program(program)
        return running.told

    def take_stopped(self, at: int) -> Sequence[tuple[Process, int]]:
        """Programs that were said to run and have stopped: the last process of each, and when it ended."""
        found = []
        for program in list(self._stopped):
            running = self._programs[program]
            if self._is_due(program, at):
                found.append((running.last, running.stopped_at))
            if running.count > 0 or self._is_due(program, at):
                del self._stopped[program]
        return found

    def list_near(self, process: Process) -> Sequence[int]:
        """A process, its ancestors and some others of its container: through each the container's files are reached."""
        own, ancestors = process.facts.pid, [one.pid for one in process.ancestors]
        others = (pid for pid, one in reversed(self._processes.items()) if one.container_id == process.container_id)
        return list(dict.fromkeys([own, *ancestors, *islice(others, MAX_ANCESTORS)]))

    def list_running(self, container_id: str, programs: Container[str], most: int = MAX_LISTED) -> Sequence[Process]:
        """Processes of a container that run one of some programs (paths), the latest first."""
        processes = (one for one in reversed(self._processes.values()) if one.container_id == container_id)
        return list(islice((one for one in processes if one.facts.path in programs), most))

    def _find(self, container_id: str, pid: int) -> Process | None:
        process = self._processes.get(pid)
        if process is None or process.container_id != container_id:
            return None
        self._processes.move_to_end(pid)
        return process

    def _forebear(self, container_id: str, event: Event) -> Process | None:
        """The nearest known one: a parent that only forked is not known, but runs what its own parent runs."""
        found = (self._find(container_id, pid) for pid in (event.parent_pid, *event.detail))
        return next((process for process in found if process), None)

    def _fork(self, container_id: str, event: Event) -> Process:
        """A process that nobody announced.

        It runs what its parent runs, unless its name says otherwise: the kernel half does not repeat at once that a
        program is executed with the same arguments, so the name leads to the last time.
        """
        parent = like = self._find(container_id, event.parent_pid)
        if parent is None or parent.facts.name != event.process:
            like = self._named.get((container_id, event.process), parent)
        facts = ProcessFacts(event.process, pid=event.pid, user=event.user)
        if like:
            facts = replace(facts, path=like.facts.path, arguments=like.facts.arguments)
        return Process(
            container_id=container_id,
            facts=facts,
            parent_pid=event.parent_pid,
            started_at=event.at,
            file=like.file if like else NO_FILE,
            changed=like.changed if like else False,
            ancestors=_lineage(parent),
        )

    def _is_due(self, program: Program, at: int) -> bool:
        running = self._programs[program]
        return running.count <= 0 and at - running.stopped_at >= STOPPED_AFTER

    def _forget_program(self, program: Program) -> None:
        self._programs.pop(program, None)
        self._stopped.pop(program, None)


def _lineage(parent: Process | None) -> tuple[ProcessFacts, ...]:
    return (parent.facts, *parent.ancestors)[:MAX_ANCESTORS] if parent else ()
