"""The other processes, started as processes: nothing of theirs is imported here, so that each stays small."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MODULES = {
    "server": "deadlight.server",
    "controller": "deadlight.controller",
    "sensor": "deadlight.sensor",
    "demo": "deadlight.demo",
}
"""THE table of processes: the command and the module it runs."""

STOP_SECONDS = 10.0
FIRST_PAUSE = 0.5
LAST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A process that ran for so long is started again at once when it ends."""

_PR_SET_PDEATHSIG = 1


def command(name: str, *arguments: str) -> list[str]:
    """The command line of a process."""
    return [sys.executable, "-m", MODULES[name], *arguments]


def become(name: str, arguments: Sequence[str]) -> None:
    """Replace this process by another; never returns."""
    line = command(name, *arguments)
    os.execv(line[0], line)  # noqa: S606 - no shell is the point


def _end_with_parent() -> None:
    """Ask the kernel to stop this child when its parent dies, however that happens (prctl(2), Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """A process that is kept running until told otherwise."""

    name: str
    line: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    final_codes: frozenset[int] = frozenset({0})
    """Exit codes after which it is not started again."""
    process: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Run it, and again whenever it ends with a code that is not final; returns the final code."""
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            code = await self._run_once()
            if code in self.final_codes:
                return code
            if time.monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE
            print(f"deadlight: {self.name} ended with {code}, starting it again in {pause:.1f} s", file=sys.stderr)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)

    async def _run_once(self) -> int:
        # A session of its own keeps the terminal's Ctrl-C for the parent, which stops children in order.
        self.process = await asyncio.create_subprocess_exec(
            *self.line,
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        try:
            return await self.process.wait()
        except asyncio.CancelledError:
            await self._stop()
            raise

    async def _stop(self) -> None:
        assert self.process is not None
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def run_to_end(name: str, *arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a process once; returns its exit code and what it printed. Its errors go to the terminal."""
    process = await asyncio.create_subprocess_exec(
        *command(name, *arguments),
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")
