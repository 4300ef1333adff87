"""Processes that read foreign bytes, and may end on them, without taking anything else along."""

import ctypes
import gc
import multiprocessing
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TASK_SECONDS = 1800.0
"""After so long a task is ended with its process: no layer within the limits takes a tenth of this."""

_CONTEXT = multiprocessing.get_context("spawn")
"""A forked process would inherit the service's sockets and locks."""


class ProcessError(Exception):
    """Base of what a process does instead of its task."""


class ProcessEndedError(ProcessError):
    """The process ended in the middle of its task: killed, out of memory, crashed."""


class TaskFailedError(ProcessError):
    """The task raised; the text is the traceback in its process."""


class IsolatedProcesses(Executor):
    """Runs each task in one of `count` processes, one at a time in each; they start when they are first needed.

    A process that ends fails its own task and is replaced. In a `ProcessPoolExecutor` one end fails every task that
    waits, and every later one.
    """

    def __init__(self, count: int, task_seconds: float = TASK_SECONDS) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="isolated")
        self._workers = [_Worker(task_seconds) for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn(*args, **kwargs)` in a process; its future raises a ProcessError where that comes to nothing."""
        return self._threads.submit(self._run, fn, args, kwargs)

    def _run(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        worker = self._idle.get()
        try:
            result: T = worker.run(function, args, kwargs)
            return result
        finally:
            self._idle.put(worker)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's
        """End the processes, in the middle of their tasks where they have any."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(wait=wait)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, task_seconds: float) -> None:
        self._task_seconds = task_seconds
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ended = False

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        pipe = self._pipe or self._start()
        try:
            pipe.send((function, args, kwargs))
            if not pipe.poll(self._task_seconds) and self._process is not None:
                self._process.kill()
            result, failure = pipe.recv()
        except (EOFError, OSError):
            self._pipe = None
            raise ProcessEndedError("the process ended in the middle of its task, or took too long") from None
        if failure:
            raise TaskFailedError(failure)
        return result

    def _start(self) -> Connection:
        if self._ended:
            raise ProcessEndedError("the processes have been shut down")
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # or its end would go unnoticed
        return self._pipe

    def end(self) -> None:
        self._ended = True
        if self._process is not None:
            self._process.kill()


_MALLOC_OPTIONS = {-8: 1, -3: 2 << 20, -1: 4 << 20}
"""malloc.h: M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.

Layers are read by threads that come and go, and hold files of up to 128 MiB for a moment. Left to itself glibc keeps
what it had for each of them: 175 MiB for layers that take 146 this way, one after the other. With 1 MiB for both,
pieces of plain bytes went back to the kernel each time: a tenth more time for 2 MiB less.
"""


def _give_memory_back() -> None:
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # other C libraries do not have it
        for option, value in _MALLOC_OPTIONS.items():
            library.mallopt(option, value)


_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Lists of files are many small objects and no circles: with Python's 700 a fifth of the time went into looking."""


def _collect_seldom() -> None:
    gc.freeze()  # what was imported is no garbage
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


_SECONDS_OF_A_TURN = 0.0005
"""Three threads pull, undo compression and read. With Python's 5 ms the first two, which need the interpreter for
moments, mostly waited for the third: an image took 2.5 s instead of 2.2."""


def _take_turns() -> None:
    sys.setswitchinterval(_SECONDS_OF_A_TURN)


def _serve(pipe: Connection) -> None:
    """What a process does: one task after another, until the other end of the pipe is closed."""
    _give_memory_back()
    _collect_seldom()
    _take_turns()
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            answer = function(*args, **kwargs), ""
        except Exception:  # noqa: BLE001 - told to whoever asked; not every exception survives the way
            answer = None, traceback.format_exc()
        pipe.send(answer)
