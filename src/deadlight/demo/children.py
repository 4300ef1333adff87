"""The processes of the demonstration: kept running, ended with it, their output in a log file."""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 10.0
FIRST_PAUSE = 0.5
LAST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A process that ran for so long is started again at once when it ends."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running; `log` is begun anew with each of our own starts."""

    line: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    final_codes: frozenset[int] = frozenset()
    """Exit codes after which it is not started again."""


async def keep_running(child: Child) -> int:
    """Run it, and again whenever it ends with a code that is not final; returns the final code."""
    pause = FIRST_PAUSE
    child.log.parent.mkdir(parents=True, exist_ok=True)
    with child.log.open("wb") as log:
        while True:
            started = time.monotonic()
            code = await _run_once(child, log.fileno())
            if code in child.final_codes:
                return code
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else min(pause * 2, LAST_PAUSE)
            await asyncio.sleep(pause)


async def _run_once(child: Child, log: int) -> int:
    # A session of its own keeps the terminal's Ctrl-C for us, who end our children in order.
    process = await asyncio.create_subprocess_exec(
        *child.line,
        env={**os.environ, **child.environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )
    try:
        return await process.wait()
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _end_with_parent() -> None:
    """Ask the kernel to stop this child when its parent dies, however that happens (prctl(2), Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
