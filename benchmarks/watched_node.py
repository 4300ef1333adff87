"""A node of a simulated cluster on this machine: one container in which something new executes every half second."""

import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from benchmarks.machinery import Deployment, Process

from deadlight.sensor.cgroupfs import read_hierarchies

PAUSE_SECONDS = 0.5
_ENTER = 'echo 0 >"$0/cgroup.procs" && exec "$1"'


async def find_missing() -> str:
    """What this machine lacks to run a sensor; an empty text where nothing."""
    doctor = [sys.executable, "-m", "deadlight.sensor", "doctor", "--json"]
    process = await asyncio.create_subprocess_exec(*doctor, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    checks = json.loads(output)["checks"]
    lacking = [check for check in checks if check["needed"] and not check["ok"]]
    return "; ".join(f"{check['name']}: {check['detail']}" for check in lacking)


class WatchedNode:
    """A container of this machine and the sensor that watches it; every program it runs has a name of its own."""

    def __init__(self, container_id: str, folder: Path, sensor: Process) -> None:
        self.sensor = sensor
        self.executed: list[str] = []
        self.killed_after = 0
        self._folder = folder
        self._group = Path(read_hierarchies()[0].root) / f"deadlight-bench-{secrets.token_hex(4)}" / container_id

    @asynccontextmanager
    async def executing(self) -> AsyncIterator[None]:
        """Execute until the block ends."""
        self._group.mkdir(parents=True)
        end = asyncio.Event()
        executing = asyncio.create_task(self._execute(end))
        try:
            yield
        finally:
            end.set()
            await executing
            await _remove(self._group)
            self._group.parent.rmdir()

    async def _execute(self, end: asyncio.Event) -> None:
        while not end.is_set():
            program = self._folder / f"program-{len(self.executed)}"
            shutil.copy("/bin/true", program)
            enter = ["unshare", "--mount", "sh", "-c", _ENTER, str(self._group), str(program)]
            process = await asyncio.create_subprocess_exec(*enter)
            await process.wait()
            self.executed.append(str(program))
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await end.wait()

    async def restart_sensor(self) -> None:
        """Kill the sensor and start it again."""
        await self.sensor.kill()
        self.killed_after = len(self.executed)
        await self.sensor.start()

    async def count_seen(self, deployed: Deployment, patience: float) -> dict[str, int]:
        """How many programs the service learned of before the kill and after it; waits for the first of the latter."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._seen(deployed)["after the kill"]:
                    await asyncio.sleep(0.2)
        return self._seen(deployed)

    def _seen(self, deployed: Deployment) -> dict[str, int]:
        paths = {row[0] for row in deployed.query("SELECT path FROM observation")}
        before, after = self.executed[: self.killed_after], self.executed[self.killed_after :]
        return {"before the kill": len(paths & set(before)), "after the kill": len(paths & set(after))}


async def _remove(group: Path) -> None:
    """A control group stays busy until the kernel has reaped the last process, shortly after its end was seen."""
    async with asyncio.timeout(10):
        while not _removed(group):
            await asyncio.sleep(0.01)


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


async def start_sensor(deployed: Deployment, cluster_uid: str, cluster: str, node: str) -> Process:
    """A sensor that reports as a node of a cluster."""
    options = [f"--server={deployed.url}", f"--state={deployed.folder / 'sensor'}"]
    place = [f"--cluster-uid={cluster_uid}", f"--cluster-name={cluster}", f"--node-name={node}"]
    token = deployed.registration_token
    return await deployed.start("sensor", "deadlight.sensor", options + place, DEADLIGHT_REGISTRATION_TOKEN=token)
