"""The demonstration: played step by step in a test's own process, or running as people get it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.service import RunningService, eventually

from deadlight.client.rest import RestClient
from deadlight.demo import catalogue
from deadlight.demo.fleet import Fleet, bring_up
from deadlight.demo.recipes import DemoImage
from deadlight.demo.script import perform
from deadlight.demo.service import DemoService
from deadlight.demo.state import locked
from deadlight.demo.steps import BEGIN_AGAIN, STEPS
from deadlight.demo.world import Size, build_world

SIZE = Size(clusters=2, nodes=2, pods=18)
"""Everything that the script moves, twice, and little else."""

VIOLATED = (catalogue.STOREFRONT, catalogue.CHECKOUT, catalogue.INVOICES)
"""An image for each type of violation, at the end of the script's round."""

_STEPS = {step.name: step for step in (*STEPS, BEGIN_AGAIN)}


@dataclass(frozen=True)
class Stage:
    """The fleet, whose script moves when the test says so."""

    service: RunningService
    fleet: Fleet
    end: Callable[[], Awaitable[None]]
    """Ends it before its time, and waits until everything of it has ended."""

    async def play(self, *names: str) -> None:
        """Let steps happen, one after the other, each until what should follow has."""
        for name in names:
            assert await perform(self.fleet, _STEPS[name]), f"nothing followed {name!r}"

    async def path(self, image: DemoImage, tab: str = "") -> str:
        """The page of what runs under an image's tag, or one of its tabs."""
        found: list[int] = []

        async def runs() -> bool:
            rows = await self.service.get(f"/api/v1/image-tags?search={image.repository}")
            found[:] = [row["id"] for row in rows["image_tags"] if row["tag"] == image.tag]
            return bool(found)

        await eventually(runs)
        (image_tag_id,) = found
        return f"/runtime/live/images/{image_tag_id}{tab and f'/{tab}'}"

    async def window(self, workload: str, risk: str) -> dict[str, Any]:
        """The exposure window of a workload that closed last, or is open."""
        page = await self.service.get(f"/api/v1/exposure-windows?workload={workload}&risk={risk}")
        return dict(page["windows"][0])


@asynccontextmanager
async def running_stage(service: RunningService, folder: Path) -> AsyncIterator[Stage]:
    """The fleet before the script's first step, until the block ends."""
    ready: asyncio.Future[Fleet] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve() -> None:
        """In one task from beginning to end, which fixtures are not."""
        world = build_world(SIZE)
        with locked(folder) as state:
            async with (
                RestClient(service.url, service.api_token) as client,
                bring_up(world, DemoService(client), state) as fleet,
            ):
                ready.set_result(fleet)
                await over.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEADLIGHT_REGISTRATION_TOKEN", service.registration_token)
        serving = asyncio.create_task(serve())
        waiting: list[asyncio.Future[Any]] = [ready, serving]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()

        async def end() -> None:
            over.set()
            await serving

        try:
            yield Stage(service, ready.result(), end)
        finally:
            await end()


@dataclass
class DemonstrationProcess:
    """A running `python -m deadlight.demo` and what it said."""

    service: RunningService
    state: Path
    lines: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; the script then rests before its first step."""
        environment = {
            "DEADLIGHT_URL": self.service.url,
            "DEADLIGHT_TOKEN": self.service.api_token,
            "DEADLIGHT_REGISTRATION_TOKEN": self.service.registration_token,
        }
        world = (f"--clusters={SIZE.clusters}", f"--nodes={SIZE.nodes}", f"--pods={SIZE.pods}")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deadlight.demo", "--state", str(self.state), "--speed", "100", *world),
            env={**os.environ, **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process
        assert self.process.stderr
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode().rstrip())

    async def until_said(self, text: str, *, within: float = 60.0) -> None:
        """Wait for a line with this text."""

        async def said() -> bool:
            assert self.process
            assert self.process.returncode is None, "\n".join(self.lines)
            return any(text in line for line in self.lines)

        await eventually(said, within=within)

    async def until_ended(self) -> int:
        """Wait until it has ended by itself; its code."""
        assert self.process
        async with asyncio.timeout(30):
            code = await self.process.wait()
        assert self._reading
        await self._reading
        return code

    async def stop(self) -> int:
        """Stop it as a person does; its code."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.until_ended()
