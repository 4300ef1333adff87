"""The service is away for ten minutes under load, then back: does everything arrive, and what does the sensor hold?

A real service on PostgreSQL, a real sensor and real containers: one opens new files and executes all the time, and
every few seconds another is started, in which an intruder runs a dropped program and reads the password file. The
service is killed after a while and started again after some minutes. The baseline is the same load without an outage.
Told are the seconds until the service knows everything, every detection against its report and its alert at a webhook,
what was lost, and the sensor's memory and journal.

    make bench NAME=sensor_outage
    python -m benchmarks.sensor_outage --minutes 3
    python -m benchmarks.sensor_outage --minutes 3 --killed          the sensor too, half way, with kill -9
    python -m benchmarks.sensor_outage --minutes 3 --disk-kib 256    its state on a disk that soon is full
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from benchmarks.machinery import Deployment, Process, deployment, free_port, until_ready
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.runc_containers import Container, Host, hosting
from benchmarks.watched_node import find_missing, start_sensor
from benchmarks.webhook_receiver import receiving

from deadlight.client.rest import RestClient
from deadlight.sensor.report import HEARTBEAT_SECONDS

ATTACK_EVERY = 4.0
BEFORE_SECONDS = 20.0
"""Of load before the service goes away."""
PATIENCE_SECONDS = 300.0
BAR_MIB = 40
RULES = ("drift-execution", "password-file-read")
"""What an attack is detected as, each once."""

LOAD = """
mkdir /data
number=0
while :; do
    number=$((number + 1))
    echo > /data/f$number
    cat /data/f$number
    sleep 0.2
done
"""
ATTACK = "cp /bin/true /tmp/dropped; /tmp/dropped; cat /etc/shadow > /dev/null"

_BY_SENSOR = ("undecodable", "overflow", "journal_lost", "spool_lost", "report_refused", "detections_refused")
"""What an outage could cost."""
_BY_KERNEL = ("kernel_lost", "unattributed")
"""What came too fast, from any container of the machine: other work on it may be the reason."""


@dataclass
class Run:
    """What one run did and saw."""

    attacked: list[str] = field(default_factory=list)
    files: int = 0
    missing: int = 0
    """Files that the service does not know."""
    deliveries: Counter[str] = field(default_factory=Counter)
    """Of each alert, by its id: one whose sender was killed before it noted the answer comes again."""
    alerts: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Of each detection, by their ids."""
    detections: defaultdict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """Those told, by container and rule: one for each program, and other containers of the machine have theirs."""
    most_journal: int = 0
    known_after: float = float("inf")
    told_after: float = float("inf")
    memory_mib: dict[str, float] = field(default_factory=dict)
    """The most of each kind that was seen, and with `before` what there was when the service went."""
    counters: Mapping[str, int] = field(default_factory=dict)
    wrong_digests: int = 0
    reports: int = 0

    @property
    def expected(self) -> set[tuple[str, str]]:
        """What must be reported and alerted."""
        return {(container_id, rule) for container_id in self.attacked for rule in RULES}

    @property
    def missing_alerts(self) -> set[tuple[str, str]]:
        """What nobody was told of."""
        return self.expected - set(self.detections)

    def take(self, alert: Mapping[str, Any]) -> None:
        """An alert has come."""
        detection = alert["data"]["detection"]
        self.deliveries[alert["id"]] += 1
        self.alerts[detection["id"]].add(alert["id"])
        self.detections[detection["container_id"], detection["rule"]].add(detection["id"])

    def lost(self, names: Sequence[str]) -> dict[str, int]:
        """What the sensor says that it lost."""
        return {name: self.counters[name] for name in names if self.counters.get(name)}


class Scene:
    """Everything that runs."""

    def __init__(self, deployed: Deployment, sensor: Process, host: Host, run: Run) -> None:
        self.deployed = deployed
        self.sensor = sensor
        self.host = host
        self.run = run
        self.load = Container("load", ["/bin/sh", "-c", LOAD])
        self._between_attacks = asyncio.Lock()

    @property
    def files(self) -> set[str]:
        """Those that the load has opened."""
        folder = self.host.folder / self.load.container_id / "upper/data"
        return {f"/data/{place.name}" for place in folder.iterdir()} if folder.exists() else set()

    async def attack(self) -> None:
        """Again and again, in a container of its own."""
        while True:
            begun = time.monotonic()
            async with self._between_attacks:
                container = Container("attacked", ["/bin/sh", "-c", ATTACK])
                await self.host.start(container)
                assert container.process
                if await container.process.wait() == 0:
                    self.run.attacked.append(container.container_id)
                await self.host.stop(container)
            await asyncio.sleep(max(0.0, ATTACK_EVERY - (time.monotonic() - begun)))

    async def watch_sensor(self) -> None:
        """How much the sensor keeps on disk and in memory."""
        while True:
            files = (self.deployed.folder / "sensor").glob("journal.db*")
            self.run.most_journal = max(self.run.most_journal, sum(file.stat().st_size for file in files))
            for name, mib in self.memory_mib().items():
                self.run.memory_mib[name] = max(mib, self.run.memory_mib.get(name, 0.0))
            await asyncio.sleep(1)

    def memory_mib(self) -> dict[str, float]:
        """What the sensor holds now, by kind; nothing while it is being started again."""
        assert self.sensor.running
        with suppress(OSError, KeyError):
            return _memory_mib(Path(f"/proc/{self.sensor.running.pid}/status").read_text())
        return {}

    async def kill_sensor(self, after: float) -> None:
        """Kill the sensor once, just after an attack, and start it again."""
        await asyncio.sleep(after)
        async with self._between_attacks:
            await self.sensor.kill()
            await self.sensor.start()
            await _until_watching(self.sensor, times=2)

    async def until_converged(self) -> None:
        """Wait until the service knows every file and report, and every alert was told; or patience ends."""
        begun = time.monotonic()
        self.run.files = len(self.files)
        while time.monotonic() < begun + PATIENCE_SECONDS:
            if self.run.known_after == float("inf") and await asyncio.to_thread(self._is_known):
                self.run.known_after = time.monotonic() - begun
            if self.run.known_after < float("inf") and not self.run.missing_alerts:
                self.run.told_after = time.monotonic() - begun
                return
            await asyncio.sleep(1)

    def _is_known(self) -> bool:
        """Every attack is reported, and what the sensor holds of our containers the service holds as well."""
        paths = self.deployed.query("SELECT path FROM observation WHERE path LIKE '/data/f%'")
        reports = self.deployed.query("SELECT container_id, rule FROM detection_report")
        compared = {str(row[0]): bool(row[1]) for row in self.deployed.query(_DIGESTS)}
        self.run.missing = len(self.files - {str(row[0]) for row in paths})
        self.run.wrong_digests = sum(
            not compared.get(each, True) for each in [*self.run.attacked, self.load.container_id]
        )
        return (
            self.run.expected <= {(str(row[0]), str(row[1])) for row in reports}
            and compared.get(self.load.container_id, False)
            and not self.run.wrong_digests
        )

    async def end(self) -> None:
        """Look at the sensor a last time and end it."""
        rows = self.deployed.query("SELECT count(*) FROM detection_report")
        self.run.reports = int(str(rows[0][0]))
        await asyncio.sleep(HEARTBEAT_SECONDS + 2)  # what the delivery counts is in heartbeats alone
        ((told,),) = self.deployed.query("SELECT counters FROM agent WHERE kind = 'sensor'")
        await self.sensor.stop()
        self.run.counters = {**cast(dict[str, int], told), **_last_counters(self.sensor.log.read_text())}


_DIGESTS = """
    SELECT coverage.container_id, coverage.digest = lpad(to_hex(coalesce(own.digest, 0)), 16, '0')
    FROM container_coverage AS coverage
    LEFT JOIN (SELECT container_id, bit_xor(digest) AS digest FROM observation GROUP BY container_id) AS own
           ON own.container_id = coverage.container_id
    WHERE coverage.digest <> ''
"""


_MEMORY = {"VmHWM": "at most", "VmRSS": "all", "RssAnon": "own", "RssFile": "files", "RssShmem": "shared"}


def _memory_mib(status: str) -> dict[str, float]:
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return {kind: int(lines[name].split()[0]) / 1024 for name, kind in _MEMORY.items()}


def _last_counters(log: str) -> dict[str, int]:
    _, _, text = log.rpartition("stopped: ")
    counters: dict[str, int] = json.loads(text.splitlines()[0]) if text else {}
    return counters


async def _until_watching(sensor: Process, *, times: int = 1) -> None:
    async with asyncio.timeout(60):
        while sensor.log.read_text().count("watching:") < times:
            await asyncio.sleep(0.2)


@contextmanager
def _state(folder: Path, disk_kib: int) -> Iterator[None]:
    """The sensor's state directory, on a disk of its own where that has a size."""
    folder.mkdir()
    if disk_kib:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk_kib}k", "none", str(folder)], check=True)
    yield
    if disk_kib:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def _scene(run: Run, disk_kib: int) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(hosting())
        webhook = await stack.enter_async_context(receiving(run.take))
        deployed = await stack.enter_async_context(deployment(free_port()))
        async with RestClient(deployed.url, deployed.token) as client:
            destination = {"type": "webhook", "config": {"url": webhook}}
            await client.post(
                "/api/v1/workers",
                {"name": "benchmark", "event_types": ["ThreatDetected"], "destinations": [destination]},
            )
        stack.enter_context(_state(deployed.folder / "sensor", disk_kib))
        sensor = await start_sensor(deployed, secrets.token_hex(8), "benchmark", "node-1")
        await _until_watching(sensor)
        yield Scene(deployed, sensor, host, run)


async def measure(minutes: float, *, away: bool, killed: bool = False, disk_kib: int = 0) -> Run:
    """One run: the load, with the service away for `minutes` or there all the time."""
    run = Run()
    async with _scene(run, disk_kib) as scene:
        await scene.host.start(scene.load)
        attacking, watching = (asyncio.create_task(work()) for work in (scene.attack, scene.watch_sensor))
        await asyncio.sleep(BEFORE_SECONDS)
        run.memory_mib |= {f"{name} before": mib for name, mib in scene.memory_mib().items()}
        if away:
            await scene.deployed.service.kill()
        tasks = {attacking, watching} | ({asyncio.create_task(scene.kill_sensor(30 * minutes))} if killed else set())
        await asyncio.wait(tasks, timeout=60 * minutes, return_when=asyncio.FIRST_EXCEPTION)
        if away:
            await scene.deployed.service.start()
            await until_ready(scene.deployed.url)
        attacking.cancel()
        await asyncio.gather(attacking, return_exceptions=True)
        await scene.host.pause(scene.load)
        await scene.until_converged()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await scene.end()
    return run


def _figures(run: Run) -> dict[str, object]:
    told = [number for each in run.expected for number in run.detections.get(each, ())]
    return {
        "files opened": run.files,
        "containers attacked": len(run.attacked),
        "seconds until everything is known": round(run.known_after, 1),
        "seconds until everything is alerted": round(run.told_after, 1),
        "detections expected": len(run.expected),
        "reports": run.reports,
        "alerts missing": len(run.missing_alerts),
        "detections told": len(told),
        "detections told twice": sum(len(run.alerts[number]) > 1 for number in told),
        "alerts delivered twice": sum(count > 1 for count in run.deliveries.values()),
        "alerts of other containers": len(run.deliveries) - len(told),
        "wrong digests": run.wrong_digests,
        "files missing": run.missing,
        "lost by the sensor": run.lost(_BY_SENSOR),
        "lost before it, counted": run.lost(_BY_KERNEL),
        "sensor MiB": {name: round(mib, 1) for name, mib in run.memory_mib.items()},
        "journal MiB at most": round(run.most_journal / (1 << 20), 2),
    }


async def main(minutes: float, *, killed: bool, disk_kib: int) -> None:
    """Run both and say how it went."""
    missing = await find_missing()
    if missing:
        sys.exit(f"no sensor can run here: {missing}")
    print(f"5 new files/s, an attack every {ATTACK_EVERY:g} s, {minutes:g} min away; {describe_machine()}")
    away = await measure(minutes, away=True, killed=killed, disk_kib=disk_kib)
    print("away       ", _figures(away), flush=True)
    there = await measure(minutes, away=False)
    print("there      ", _figures(there), flush=True)
    figures: dict[str, object] = {"away": _figures(away), "there": _figures(there), "machine": describe_machine()}
    bars = [
        Bar("everything arrives", away.known_after < float("inf")),
        Bar("the outage loses nothing", not away.lost(_BY_SENSOR)),
        Bar("every file is known, or a loss was counted", killed or not away.missing or bool(away.lost(_BY_KERNEL))),
        Bar("no alert missing", not away.missing_alerts),
        Bar("one detection is one alert", all(len(ids) == 1 for run in (away, there) for ids in run.alerts.values())),
        Bar(f"the sensor holds at most {BAR_MIB} MiB", away.memory_mib["at most"] <= BAR_MIB),
    ]
    finish("sensor_outage", figures, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--killed", action="store_true", help="kill the sensor too, half way")
    parser.add_argument("--disk-kib", type=int, default=0, help="how large a disk the sensor's state is on")
    given = parser.parse_args()
    asyncio.run(main(given.minutes, killed=given.killed, disk_kib=given.disk_kib))
