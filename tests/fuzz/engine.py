"""Runs one target for some time in a process of its own, which may crash, hang or grow."""

import contextlib
import hashlib
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.fuzz.mutation import mutate, random_edits
from tests.fuzz.target import MIB, Target

try:
    import atheris
except ImportError:
    atheris = None

IS_GUIDED = atheris is not None
"""Whether coverage tells which inputs are worth going on from."""

HANG = 5
"""How many times longer than a target may take an input runs before it counts as a hang: machines are busy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    target: str
    status: int
    """0 where nothing was found."""
    log: Path
    saved: tuple[Path, ...]
    """The inputs that show what was found."""


def fuzz(target: Target, seconds: int, folder: Path) -> Outcome:
    """Fuzz in a child process; findings and the log are kept in the folder, the corpus for the next time."""
    corpus, log = folder / "corpus", folder / "log.txt"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        _save(corpus, "seed", seed)
    before = set(_found(folder))
    child = os.fork()
    if not child:
        _run_child(target, seconds, folder, log)
    _, status = os.waitpid(child, 0)
    return Outcome(target.name, status, log, tuple(path for path in _found(folder) if path not in before))


def _found(folder: Path) -> list[Path]:
    return sorted(path for kind in ("crash", "timeout", "oom") for path in folder.glob(f"{kind}-*"))


def _run_child(target: Target, seconds: int, folder: Path, log: Path) -> None:
    """Never returns."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    status = 70
    try:
        run = _guided if IS_GUIDED else _blind
        run(target, seconds, folder)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0) if isinstance(end.code, int | None) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _guided(target: Target, seconds: int, folder: Path) -> None:
    """libFuzzer, guided by which lines an input reaches."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={int(target.seconds * HANG)}",
        f"-rss_limit_mb={(used + target.memory) // MIB}",
        f"-max_len={target.max_bytes}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    )
    atheris.Setup([target.name, *options, str(folder / "corpus")], partial(_run_or_save, target, folder))
    atheris.Fuzz()


def _run_or_save(target: Target, folder: Path, data: bytes) -> None:
    try:
        target.run(data)
    except BaseException:
        _save(folder, "crash", data)
        raise


def _blind(target: Target, seconds: int, folder: Path) -> None:
    """Without a guide: valid inputs, changed by chance."""
    chance = random.Random()
    until = time.monotonic() + seconds
    runs = 0
    while time.monotonic() < until:
        data = mutate(chance.choice(target.seeds), random_edits(chance), target.max_bytes)
        _run_once(target, data, partial(_save_as, folder, data))
        runs += 1
    print(f"{runs} inputs")


def _run_once(target: Target, data: bytes, save: Callable[[str], Path]) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, target.seconds * HANG)
    kind = ""
    try:
        target.run(data)
        kind = "oom" if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - used > target.memory else ""
    except TimeoutError:
        kind = "timeout"
        raise
    except BaseException:
        kind = "crash"
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if kind:
            save(kind)
    if kind:
        raise SystemExit(1)


def _hang(_number: int, _frame: object) -> None:
    raise TimeoutError


def _save_as(folder: Path, data: bytes, kind: str) -> Path:
    return _save(folder, kind, data)


def _save(folder: Path, kind: str, data: bytes) -> Path:
    path = folder / f"{kind}-{hashlib.sha1(data).hexdigest()}"
    with contextlib.suppress(FileExistsError), path.open("xb") as file:
        file.write(data)
    return path
