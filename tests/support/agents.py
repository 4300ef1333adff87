"""Controllers and sensors as what they are in life: processes of their own that enrol with a registration token."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.patience import PATIENCE_SECONDS
from tests.support.service import RunningService


@asynccontextmanager
async def running_agent(
    kind: str, service: RunningService, state: Path, *options: str, says: str
) -> AsyncIterator[None]:
    """Run a `controller` or `sensor` until the block ends; the block begins when it has said `says`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"deadlight.{kind}", f"--server={service.url}", f"--state={state}", *options),
        env={**os.environ, "DEADLIGHT_REGISTRATION_TOKEN": service.registration_token},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        reading = await _until_said(process, says)
        yield
        reading.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until_said(process: asyncio.subprocess.Process, says: str) -> asyncio.Task[None]:
    assert process.stderr
    said = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while says not in said:
            line = (await process.stderr.readline()).decode()
            assert line, f"the agent ended: {said}"
            said += line
    return asyncio.create_task(_drain(process.stderr))


async def _drain(stream: asyncio.StreamReader) -> None:
    """Keep a process that goes on talking from waiting for a reader."""
    while await stream.read(65536):
        pass
