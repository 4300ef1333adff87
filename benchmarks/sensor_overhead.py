"""What the sensor costs: the containers it watches, and the node it runs on; against bpftrace doing the same.

A real container (runc, over this machine's own files) executes, opens and compiles, in turn without anything watching,
with the sensor and with bpftrace, which prints executions and opens. What counts is the CPU that the container's
processes take, in which the kernel halves of both are included: medians of several rounds, and the least of each.

Then the sensor's own CPU and memory while 1,100 files a second are opened. Its bar is for the same ones again and again
and for a mix of which 8.7 % are new, as in the only published load of this kind (Kubescape's node-agent, of whose opens
91.3 % repeat others). New ones all the time are the worst case, which no service on a node goes on with.

At last a burst of 20,000 executions, of which every one must be known to the service or counted in the sensor's
journal, which tells repetitions of what the service knows once an hour. The sensor reports to a real service.

    make bench NAME=sensor_overhead
    python -m benchmarks.sensor_overhead --rounds 3 --seconds 10      shorter
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machinery import Deployment, Process, deployment, free_port
from benchmarks.real_containers import Container, check_machine, container
from benchmarks.recheck import children, cpu_seconds
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.watched_node import find_missing, start_sensor

from deadlight.sensor.safekeeping import FILE
from deadlight.sensor.sighting import unpack

CORES_BAR = 0.02
MIB_BAR = 32
OPENS_A_SECOND = 1_100
BURST = 20_000
BURST_AT_ONCE = 2
REPEATED_FILES = 200
NEW_IN_THOUSAND = 87
"""Of the opens of the mix."""
EXECUTIONS = 1_500
OPENS = 200_000
UNITS = 4
"""Files that a compile workload compiles."""

WAIT_SECONDS = 180.0
QUIET_SECONDS = 4.0
QUIET_LOOKS = 2
STILL_COUNTED = 20
"""By how much counters may differ that are read one after the other while others on the machine go on."""

START_SECONDS = 15.0
"""After which a sensor has told of what it found when it started."""

PROGRAM = "/bench/tiny"
BURST_PROGRAM = "/bench/burst"

LOADS: Mapping[str, tuple[int, Sequence[str]]] = {
    "exec": (EXECUTIONS, ("/bench/loads", "exec", str(EXECUTIONS), PROGRAM)),
    "open": (OPENS, ("/bench/loads", "open", str(OPENS), "/bench/files", str(REPEATED_FILES), "0", "0")),
    "compile": (UNITS, ("/bench/loads", "exec", str(UNITS), "/bench/compile")),
}
"""Operations and the command that does them."""

_TINY = "int main(void) { return 0; }\n"
_UNIT = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n" + "".join(
    f'int function_{number}(int value) {{ char text[99]; snprintf(text, 99, "%d", value); return atoi(text); }}\n'
    for number in range(60)
)
_COMPILE = "#!/bin/sh\nexec /usr/bin/gcc -O1 -c /bench/unit.c -o /tmp/unit.o\n"

_TRACE = """
tracepoint:sched:sched_process_exec { printf("exec %d %s %s\\n", pid, comm, str(args->filename)); }
tracepoint:syscalls:sys_enter_openat { printf("open %d %s %s\\n", pid, comm, str(args->filename)); }
"""
_BPFTRACE = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t tracefs none /sys/kernel/tracing; exec bpftrace -e "$0"',
    _TRACE,
)
"""It finds tracepoints by their files, which not every machine has mounted."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a load took."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Watching:
    """What a watcher took while something happened."""

    cores: float
    mib: float
    """Held afterwards."""
    peak_mib: float
    kernel_cores: float
    """Of its programs in the kernel, for the whole machine; in the CPU of whom they ran for."""

    def figures(self) -> dict[str, float]:
        """As they are printed."""
        return {
            "cores": round(self.cores, 4),
            "MiB": round(self.mib, 1),
            "MiB at most": round(self.peak_mib, 1),
            "cores of its programs in the kernel": round(self.kernel_cores, 4),
        }


# --- watchers -----------------------------------------------------------------------------------------------


class Watchers:
    """Starts and ends what watches."""

    def __init__(self, deployed: Deployment) -> None:
        self._deployed = deployed
        self.logs: list[str] = []

    @asynccontextmanager
    async def nothing(self) -> AsyncIterator[int]:
        """Nobody watches."""
        yield 0

    @asynccontextmanager
    async def sensor(self) -> AsyncIterator[int]:
        """The sensor watches; its process id."""
        process = await start_sensor(self._deployed, "benchmark", "benchmark", "node-1")
        before = len(process.log.read_text())
        await _until_says(process, before, "watching:")
        assert process.running
        try:
            yield process.running.pid
        finally:
            await process.stop()
            self.logs.append(process.log.read_text()[before:])

    @asynccontextmanager
    async def bpftrace(self) -> AsyncIterator[int]:
        """Bpftrace prints to a file; its process id."""
        output, errors = self._deployed.folder / "bpftrace.out", self._deployed.folder / "bpftrace.err"
        with output.open("wb") as out, errors.open("wb") as log:
            process = await asyncio.create_subprocess_exec(*_BPFTRACE, stdout=out, stderr=log)
        try:
            async with asyncio.timeout(60):
                while len(_attached_programs(process.pid)) < _TRACE.count("tracepoint:"):
                    assert process.returncode is None, errors.read_text()
                    await asyncio.sleep(0.2)
            yield process.pid
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)  # it prints what it still has
            await process.wait()
            self.logs.append(errors.read_text())

    async def count_known(self, container_id: str) -> tuple[int, int]:
        """Executions of the burst that the service knows of and those counted in the journal, once no more come."""
        query = f"""
            SELECT coalesce(sum(count), 0) FROM observation
            WHERE container_id = '{container_id}' AND path = '{BURST_PROGRAM}' AND grade = 'executed'
        """
        journal = self._deployed.folder / "sensor" / FILE
        found, quiet = (-1, -1), 0
        async with asyncio.timeout(WAIT_SECONDS):
            while quiet < QUIET_LOOKS:
                now = int(str(self._deployed.query(query)[0][0])), count_untold(journal, container_id)
                quiet = quiet + 1 if now == found and any(now) else 0
                found = now
                await asyncio.sleep(QUIET_SECONDS)
        return found

    async def count_printed(self) -> int:
        """Executions of the burst that bpftrace printed, once it prints no more."""
        before, now = -1, 0
        while before != now:
            before, now = now, await asyncio.to_thread(_count_executions, self._deployed.folder / "bpftrace.out")
            await asyncio.sleep(QUIET_SECONDS)
        return now


def count_untold(journal: Path, container_id: str) -> int:
    """Executions of the burst that a sensor's journal has counted and not told yet."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT count, last_at, body FROM observation JOIN container ON container.id = observation.container"
            " WHERE name = ?",
            (container_id,),
        ).fetchall()
    return sum(
        count for count, last_at, body in rows if unpack(body, container_id, count, last_at).program == BURST_PROGRAM
    )


async def _until_says(process: Process, begin: int, text: str) -> None:
    async with asyncio.timeout(120):
        while text not in process.log.read_text()[begin:]:
            assert process.running
            assert process.running.returncode is None, process.log.read_text()[begin:]
            await asyncio.sleep(0.1)


def _attached_programs(pid: int) -> list[Path]:
    """Where the kernel tells of the BPF programs that a process holds (proc(5), fdinfo)."""
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
            with suppress(OSError):
                if "run_time_ns:" in entry.read_text():
                    found.append(entry)
    return found


def _kernel_seconds(pid: int) -> float:
    """What a process's BPF programs have run, while `kernel.bpf_stats_enabled` is 1; each program once."""
    spent: dict[str, int] = {}
    for entry in _attached_programs(pid):
        fields = dict(line.split(":", 1) for line in entry.read_text().splitlines() if ":" in line)
        spent[fields["prog_id"].strip()] = int(fields["run_time_ns"])
    return sum(spent.values()) / 1e9


@contextmanager
def _bpf_statistics() -> Iterator[None]:
    """Have the kernel measure BPF programs until the block ends; that costs them something itself."""
    switch = Path("/proc/sys/kernel/bpf_stats_enabled")
    before = switch.read_text()
    switch.write_text("1")
    try:
        yield
    finally:
        switch.write_text(before)


def _mib(pid: int, which: str) -> float:
    """Memory of a process (proc(5)): what it holds, VmRSS, or the most that it held, VmHWM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def _cpu(pid: int) -> float:
    return cpu_seconds(pid) + sum(map(cpu_seconds, children(pid)))


# --- the container ------------------------------------------------------------------------------------------


@contextmanager
def _layer() -> Iterator[Path]:
    """A folder in memory: layers of an overlay may not lie in each other, and the other is this machine's root."""
    with tempfile.TemporaryDirectory(prefix="dlb-layer-", dir="/tmp") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def prepare(folder: Path, files: int) -> None:
    """A layer with what the loads need: programs, a source file, and files to open, twice."""
    if shutil.which("gcc") is None:
        raise SystemExit("gcc was not found (apt-get install gcc libc6-dev)")
    bench = folder / "bench"
    bench.mkdir()
    (bench / "tiny.c").write_text(_TINY)
    (bench / "unit.c").write_text(_UNIT)
    (bench / "compile").write_text(_COMPILE)
    (bench / "compile").chmod(0o755)
    source = Path(__file__).with_name("loads.c")
    subprocess.run(["gcc", "-O2", "-o", str(bench / "loads"), str(source)], check=True)
    subprocess.run(["gcc", "-O2", "-static", "-o", str(bench / "tiny"), str(bench / "tiny.c")], check=True)
    shutil.copy(bench / "tiny", folder / BURST_PROGRAM.lstrip("/"))
    for name, count in (("files", files), ("mixed", REPEATED_FILES + files * NEW_IN_THOUSAND // 1000)):
        (bench / name).mkdir()
        for number in range(count):
            (bench / name / str(number)).touch()


async def load(made: Container, *command: str) -> Took:
    """Have something done in the container."""
    return Took(**json.loads(await made.execute(*command)))


async def measure_loads(made: Container, watchers: Watchers, rounds: int) -> dict[str, dict[str, list[Took]]]:
    """Each load without and with watchers, in turn."""
    kinds = {"off": watchers.nothing, "sensor": watchers.sensor, "bpftrace": watchers.bpftrace}
    found: dict[str, dict[str, list[Took]]] = {name: {kind: [] for kind in kinds} for name in LOADS}
    for number in range(rounds):
        for kind, watch in kinds.items():
            async with watch():
                for name, (_, command) in LOADS.items():
                    found[name][kind].append(await load(made, *command))
        print(f"round {number + 1} of {rounds}: {describe_machine()}", flush=True)
    return found


async def measure_watching(made: Container, pid: int, seconds: float, files: int, *, mixed: bool = False) -> Watching:
    """What a watcher takes while so many files are opened, `mixed` with new ones; with 0, while nothing happens."""
    folder, new = ("/bench/mixed", NEW_IN_THOUSAND) if mixed else ("/bench/files", 0)
    opens = ("open", str(int(seconds * OPENS_A_SECOND)), folder, str(files), str(OPENS_A_SECOND), str(new))
    begun, cpu, kernel = time.monotonic(), _cpu(pid), _kernel_seconds(pid)
    if files:
        await load(made, "/bench/loads", *opens)
    else:
        await asyncio.sleep(seconds)
    took = time.monotonic() - begun
    return Watching(
        (_cpu(pid) - cpu) / took, _mib(pid, "VmRSS"), _mib(pid, "VmHWM"), (_kernel_seconds(pid) - kernel) / took
    )


async def burst(made: Container) -> Took:
    """Execute as fast as it goes, several at once."""
    share = str(BURST // BURST_AT_ONCE)
    took = await asyncio.gather(
        *(load(made, "/bench/loads", "exec", share, BURST_PROGRAM) for _ in range(BURST_AT_ONCE))
    )
    return Took(max(one.seconds for one in took), sum(one.cpu for one in took))


# --- everything ---------------------------------------------------------------------------------------------


async def measure(rounds: int, seconds: float) -> None:
    """Run everything and end the process with the result."""
    print(describe_machine())
    check_machine()
    if missing := await find_missing():
        raise SystemExit(f"no sensor can run here: {missing}")
    if shutil.which("bpftrace") is None:
        raise SystemExit("bpftrace was not found (apt-get install bpftrace)")
    async with scene(int(OPENS_A_SECOND * seconds)) as (made, watchers):
        compared = _compare(await measure_loads(made, watchers, rounds))
        with _bpf_statistics():
            node = await measure_node(made, watchers, seconds)
        bursts = await measure_bursts(made, watchers)
    _finish(compared, node, bursts)


@asynccontextmanager
async def scene(files: int) -> AsyncIterator[tuple[Container, Watchers]]:
    """The service and a container that waits for loads; so many files lie in it."""
    async with deployment(free_port()) as deployed:
        with _layer() as layer:
            prepare(layer, files)
            with container([layer, Path("/")], deployed.folder, ("/bin/sleep", "infinity")) as made:
                await made.start()
                try:
                    yield made, Watchers(deployed)
                finally:
                    await made.end()


async def measure_node(made: Container, watchers: Watchers, seconds: float) -> dict[str, Watching]:
    """What watchers take of the node while files are opened at a steady rate."""
    async with watchers.sensor() as pid:
        await asyncio.sleep(START_SECONDS)
        found = {
            "sensor, nothing happens": await measure_watching(made, pid, seconds, 0),
            "sensor, the same files": await measure_watching(made, pid, seconds, REPEATED_FILES),
            "sensor, mixed": await measure_watching(made, pid, seconds, REPEATED_FILES, mixed=True),
            "sensor, new files": await measure_watching(made, pid, seconds, int(OPENS_A_SECOND * seconds)),
        }
    async with watchers.bpftrace() as pid:
        found["bpftrace, the same files"] = await measure_watching(made, pid, seconds, REPEATED_FILES)
    return found


@dataclass(frozen=True, slots=True)
class Bursts:
    """What became of a burst of executions."""

    a_second: float
    known: int
    """To the service."""
    counted: int
    """In the sensor's journal beside them."""
    printed: int
    """By bpftrace, in another burst."""
    counters: Mapping[str, int]
    """The sensor's."""


async def measure_bursts(made: Container, watchers: Watchers) -> Bursts:
    """A burst before the sensor and another before bpftrace."""
    async with watchers.sensor():
        took = await burst(made)
        known, counted = await watchers.count_known(made.container_id)
    counters = json.loads(watchers.logs[-1].rpartition("stopped: ")[2].splitlines()[0])
    async with watchers.bpftrace():
        await burst(made)
        printed = await watchers.count_printed()
    return Bursts(BURST / took.seconds, known, counted, printed, counters)


def _count_executions(output: Path) -> int:
    with output.open(errors="replace") as lines:
        return sum(line.startswith("exec") and line.rstrip().endswith(BURST_PROGRAM) for line in lines)


def _compare(loads: Mapping[str, Mapping[str, Sequence[Took]]]) -> dict[str, object]:
    """CPU of an operation without anything, and the ratios with watchers; median over the rounds, and of the least."""
    rows: dict[str, object] = {}
    for name, kinds in loads.items():
        off = [one.cpu for one in kinds["off"]]
        row: dict[str, float] = {"off us": round(statistics.median(off) / LOADS[name][0] * 1e6, 2)}
        for kind in ("sensor", "bpftrace"):
            cpu = [one.cpu for one in kinds[kind]]
            paired = [mine / other for mine, other in zip(cpu, off, strict=True)]
            row[f"{kind} ratio"] = round(statistics.median(paired), 3)
            row[f"{kind} ratio of least"] = round(min(cpu) / min(off), 3)
        rows[name] = row
        print(name, row, flush=True)
    return rows


def _finish(compared: Mapping[str, object], node: Mapping[str, Watching], bursts: Bursts) -> None:
    counters = bursts.counters
    parts = ("sent", "deduplicated", "lost", "skipped", "filtered")
    left = counters["kernel_seen"] - sum(counters[f"kernel_{name}"] for name in parts)
    unread = counters["kernel_sent"] - counters["events"] - counters["undecodable"]
    same, mixed, new = (node[f"sensor, {files}"] for files in ("the same files", "mixed", "new files"))
    finish(
        "sensor_overhead",
        {
            "container": compared,
            f"node, {OPENS_A_SECOND} opens/s": {name: one.figures() for name, one in node.items()},
            "burst": {
                "executions/s": round(bursts.a_second),
                "known to the service": bursts.known,
                "counted in the journal": bursts.counted,
                "printed by bpftrace": bursts.printed,
            },
            "counters": dict(counters),
            "machine": describe_machine(),
        },
        [
            Bar(f"the same files: at most {CORES_BAR:g} core", same.cores <= CORES_BAR),
            Bar(f"mixed with new ones: at most {CORES_BAR:g} core", mixed.cores <= CORES_BAR),
            Bar(f"at most {MIB_BAR} MiB", max(one.peak_mib for one in (same, mixed, new)) <= MIB_BAR),
            Bar(f"all of {BURST} executions in a burst are known or counted", bursts.known + bursts.counted == BURST),
            Bar("nothing was lost", not any(counters.get(name) for name in ("kernel_lost", "overflow"))),
            Bar("seen is sent, deduplicated, lost, skipped or filtered", abs(left) <= STILL_COUNTED),
            Bar("what was sent was read", abs(unread) <= STILL_COUNTED),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    asyncio.run(measure(arguments.rounds, arguments.seconds))
