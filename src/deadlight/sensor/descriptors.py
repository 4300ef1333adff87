"""Where in their open archives processes read last: `/proc/<pid>/fd`, and the positions in `/proc/<pid>/fdinfo`.

In a thread of its own, because the archives' directories are read, and a file system can make that wait.
"""

import os
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue

from deadlight.sensor.archive_entries import ArchiveError, find_entry
from deadlight.sensor.archives import Answer, Question, Reading
from deadlight.sensor.processes import Process
from deadlight.sensor.startup import MAX_DESCRIPTORS

MAX_LOOK_SECONDS = 0.5
"""Of the processor, for one question; what is left over counts as not looked at. 200 archives take some 0.05."""

REST = 19
"""How much longer than a question took the thread does nothing after it: it has a twentieth of a processor."""

_POSITION = b"pos:"
_LINE_BYTES = 64
"""As many as hold a position."""


class Looker(threading.Thread):
    """Answers questions in order. Start it before use."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        super().__init__(name="archives", daemon=True)
        self._proc = proc
        self._questions: SimpleQueue[Question | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._stopping = threading.Event()

    def ask(self, question: Question) -> None:
        """Have archives looked at. Returns at once."""
        self._questions.put(question)

    def take(self) -> Iterator[Answer]:
        """The answers that there are."""
        while True:
            try:
                yield self._answers.get_nowait()
            except Empty:
                return

    def close(self) -> None:
        """Answer what was asked until now, without rests, and end."""
        self._stopping.set()
        self._questions.put(None)

    def run(self) -> None:
        """Answer until stopped."""
        while question := self._questions.get():
            began = time.thread_time()
            self._answers.put(self._answer(question, began + MAX_LOOK_SECONDS))
            self._stopping.wait(REST * (time.thread_time() - began))

    def _answer(self, question: Question, deadline: float) -> Answer:
        readings = []
        for reading in self._iter_all(question):
            readings.append(reading)
            if time.thread_time() > deadline:
                break
        return Answer(question, readings)

    def _iter_all(self, question: Question) -> Iterator[Reading]:
        for process in question.processes:
            try:
                yield from iter_readings(process, question.positions, self._proc)
            except OSError:
                continue  # it has ended


def iter_readings(process: Process, positions: Mapping[str, int], proc: Path) -> Iterator[Reading]:
    """Of the wanted archives that a process has open and has read something of.

    Raises:
        OSError: the process has ended, or may not be looked at.
    """
    directory = proc / str(process.facts.pid)
    root = os.fsencode((directory / "root").readlink()).rstrip(b"/")
    with os.scandir(directory / "fd") as entries:
        for descriptor in islice(entries, MAX_DESCRIPTORS):
            try:
                path = os.readlink(descriptor.path.encode()).removeprefix(root).decode("utf-8", "replace")  # noqa: PTH115
                if path in positions and (position := _read_position(f"{directory}/fdinfo/{descriptor.name}")):
                    entry = _read_entry(descriptor, position) if position != positions[path] else None
                    yield Reading(process, path, position, entry)
            except (OSError, ArchiveError):
                continue  # closed meanwhile, or nothing that can be read


def _read_position(information: str) -> int:
    opened = os.open(information, os.O_RDONLY | os.O_CLOEXEC)
    try:
        first, _, _ = os.read(opened, _LINE_BYTES).partition(b"\n")
    finally:
        os.close(opened)
    return int(first.removeprefix(_POSITION))


def _read_entry(descriptor: "os.DirEntry[str]", position: int) -> str | None:
    if not stat.S_ISREG(descriptor.stat().st_mode):
        return None
    opened = os.open(descriptor.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        size = os.fstat(opened).st_size
        return find_entry(lambda offset, length: os.pread(opened, length, offset), size, position)
    finally:
        os.close(opened)
