"""SHA-256 of executed files, read while the container still has them, in a thread of its own.

A file is reached through its process, or another one of the container where that has ended. What is opened may not be
what was executed any more, so it counts only where inode and change time are those that the kernel half saw. The same
file of an image in many containers is read once: through any overlay it has the same inode, change time and size.

Reading is paced. All of it happens in one thread, which opens what is asked for between the pieces of what it reads: an
open file stays readable when its process ends.
"""

import hashlib
import os
import stat
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deadlight.sensor.processes import FileId

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Larger programs exist, but none that many images have."""

MAX_WAITING_BYTES = 512 * 1024 * 1024
"""Of files that are open and wait to be read: some 16 seconds of reading."""

MAX_WAITING_FILES = 256
"""Questions that wait, each with an open file at most."""

BYTES_PER_SECOND = 32 * 1024 * 1024
"""Some 2 to 8 % of a processor while there is something to read."""

MAX_KNOWN = 4_096
"""Hashes that are remembered, some 1 MB."""

SETTLED_AFTER = 1_000_000_000
"""Nanoseconds. A file can be written twice within one tick of the clock that stamps it, so a hash of a file that
changed just before it was read is given out, but not for what is executed later."""

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Question:
    file: FileId
    path: str
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Opened:
    file: FileId
    descriptor: int
    size: int
    content: tuple[int, int, int, int]
    """What the same content has wherever it is: file system (0 for a container's own), inode, change time, size."""


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    settled: bool


class _MissingError(Exception):
    """A file that cannot be hashed; the text is one of the counters' names."""


class Hasher(threading.Thread):
    """Hashes what is asked for. Start it before use."""

    def __init__(self, proc: Path = Path("/proc"), *, bytes_per_second: int = BYTES_PER_SECOND) -> None:
        super().__init__(name="hash", daemon=True)
        self._proc = proc
        self._pace = _Pace(bytes_per_second)
        self._news = threading.Condition()
        self._questions: OrderedDict[FileId, _Question] = OrderedDict()
        self._busy: set[FileId] = set()
        self._opened: deque[_Opened] = deque()
        self._answers: OrderedDict[FileId, _Known] = OrderedDict()
        self._contents: OrderedDict[tuple[int, int, int, int], bytes] = OrderedDict()
        self._stopping = False
        self.counters: Counter[str] = Counter()
        """`hashed` and `hashed_bytes`; `shared` with another container; and why there is no hash: `hash_gone`,
        `hash_changed` meanwhile, `hash_too_large`, `hash_unreadable`, `hash_too_many` at once."""

    def ask(self, file: FileId, path: str, near: Callable[[], Sequence[int]]) -> None:
        """Have a file hashed that was executed at `path`. Returns at once.

        `near` gives the process that did it, then others that see the same files; it is only asked where need be.
        """
        with self._news:
            known = self._answers.get(file)
            if (known and known.settled) or file in self._busy:
                return
            if len(self._busy) >= MAX_WAITING_FILES:
                self.counters["hash_too_many"] += 1
                return
            self._busy.add(file)
            self._questions[file] = _Question(file, path, near())
            self._news.notify()

    def find(self, file: FileId) -> str | None:
        """The hash in hexadecimal, empty where there is none; None where it is still being read."""
        with self._news:
            if file in self._busy:
                return None
            known = self._answers.get(file)
            return known.digest.hex() if known else ""

    def close(self) -> None:
        """End after the piece under way."""
        with self._news:
            self._stopping = True
            self._news.notify()

    def run(self) -> None:
        """Open and read until stopped."""
        while self._wait():
            self._open_waiting()
            if self._opened:
                self._hash(self._opened.popleft())
        for waiting in self._opened:
            os.close(waiting.descriptor)

    def _wait(self) -> bool:
        with self._news:
            self._news.wait_for(lambda: self._stopping or self._questions or self._opened)
            return not self._stopping

    # --- opening ---

    def _open_waiting(self) -> None:
        while question := self._next_question():
            try:
                opened = self._open(question)
            except _MissingError as reason:
                self._settle(question.file, None, str(reason))
                continue
            digest = self._contents.get(opened.content)
            if digest is None:
                self._opened.append(opened)
            else:
                os.close(opened.descriptor)
                self._settle(question.file, digest, "shared")

    def _next_question(self) -> _Question | None:
        with self._news:
            return self._questions.popitem(last=False)[1] if self._questions else None

    def _open(self, question: _Question) -> _Opened:
        """Open the file that was executed, wherever it can be reached.

        Raises:
            _MissingError: it is not there any more, is another one by now, or too large.
        """
        reason = "hash_gone"
        for pid, place in self._places(question):
            try:
                status, descriptor = _open_file(place, question.file)
            except _MissingError as error:
                reason = str(error)
            except OSError:
                continue
            else:
                waiting = sum(one.size for one in self._opened)
                if status.st_size > MAX_FILE_BYTES or waiting + status.st_size > MAX_WAITING_BYTES:
                    os.close(descriptor)
                    raise _MissingError("hash_too_large" if status.st_size > MAX_FILE_BYTES else "hash_too_many")
                return _Opened(question.file, descriptor, status.st_size, self._content(pid, status))
        raise _MissingError(reason)

    def _places(self, question: _Question) -> Iterator[tuple[int, Path]]:
        for number, pid in enumerate(question.pids):
            if number == 0:
                yield pid, self._proc / str(pid) / "exe"
            if question.path.startswith("/"):
                yield pid, self._proc / str(pid) / "root" / question.path[1:]

    def _content(self, pid: int, status: os.stat_result) -> tuple[int, int, int, int]:
        """Each overlay is a file system of its own, though what it shows lies in layers that others show as well."""
        try:
            own = (self._proc / str(pid) / "root").stat().st_dev == status.st_dev
        except OSError:
            own = False
        return 0 if own else status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size

    # --- reading ---

    def _hash(self, opened: _Opened) -> None:
        digest = None
        try:
            digest = self._read(opened)
            reason = "hashed" if digest else "hash_changed"
        except OSError:
            reason = "hash_unreadable"
        finally:
            os.close(opened.descriptor)
        if digest:
            self._remember(opened.content, digest)
        self._settle(opened.file, digest, reason)

    def _read(self, opened: _Opened) -> bytes | None:
        """The digest, or None where the file changes meanwhile."""
        digest, remaining = hashlib.sha256(), opened.size
        piece = memoryview(bytearray(min(_PIECE, opened.size + 1)))
        while (read := os.readv(opened.descriptor, [piece])) and not self._stopping:
            remaining -= read
            if remaining < 0:
                return None
            digest.update(piece[:read])
            self.counters["hashed_bytes"] += read
            self._rest(self._pace.delay(read, time.monotonic()))
        unchanged = os.fstat(opened.descriptor).st_ctime_ns == opened.content[2]
        return digest.digest() if unchanged and remaining == 0 else None

    def _rest(self, seconds: float) -> None:
        """Keep the pace, and meanwhile open what is asked for."""
        until = time.monotonic() + seconds
        while not self._stopping:
            self._open_waiting()
            remaining = until - time.monotonic()
            if remaining <= 0:
                return
            with self._news:
                self._news.wait_for(lambda: self._stopping or self._questions, remaining)

    def _remember(self, content: tuple[int, int, int, int], digest: bytes) -> None:
        if _is_settled(content[2]):
            self._contents[content] = digest
            if len(self._contents) > MAX_KNOWN:
                self._contents.popitem(last=False)

    def _settle(self, file: FileId, digest: bytes | None, counter: str) -> None:
        with self._news:
            self._busy.discard(file)
            self.counters[counter] += 1
            if digest is not None:
                self._answers[file] = _Known(digest, _is_settled(file.changed_at))
                if len(self._answers) > MAX_KNOWN:
                    self._answers.popitem(last=False)


class _Pace:
    """So many bytes a second, with up to a second's worth at once."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    def delay(self, amount: int, now: float) -> float:
        """Seconds to wait after having read so many bytes."""
        self._free_at = max(self._free_at, now - 1.0) + amount / self._rate
        return max(0.0, self._free_at - now)


def _open_file(place: Path, file: FileId) -> tuple[os.stat_result, int]:
    """Open it for reading, when it is the file that was meant; looking at it first touches no device.

    Raises:
        OSError: not there.
        _MissingError: another file, or none that can be read.
    """
    found = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        status = os.fstat(found)
        if (status.st_ino, status.st_ctime_ns) != (file.inode, file.changed_at) or not stat.S_ISREG(status.st_mode):
            raise _MissingError("hash_changed")
        try:
            return status, os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _MissingError("hash_unreadable") from error
    finally:
        os.close(found)


def _is_settled(changed_at: int) -> bool:
    return time.time_ns() - changed_at > SETTLED_AFTER
