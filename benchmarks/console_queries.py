"""What the console asks of a large fleet: lists, every filter, facets, quick filters, details and an export.

200 clusters, 60,000 running containers, 10,000 image tags with 300 packages each and 25,000 CVEs, made up
(`fleet`) and put into a real PostgreSQL. Each question is asked as the endpoints ask it, without HTTP. The baseline is
the plain list of images answered by joining tables, measured in the same run.

    make bench NAME=console_queries
    python -m benchmarks.console_queries --rounds 5 --share 0.1     a tenth of the fleet, and quickly
"""

import argparse
import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from benchmarks.console_questions import AFTER_CHANGES, BASELINE, UNFILTERED, Question, make_changes, questions
from benchmarks.fleet import Fleet, FleetSize
from benchmarks.fleet_store import fill
from benchmarks.result import Bar, describe_machine, finish, percentile
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.model.live_list import TimePeriod
from deadlight.server import migrations
from deadlight.server.assessment.export import ExportFormat, iter_export, select_for_export
from deadlight.server.assessment.filters import ImageFilter
from deadlight.server.assessment.live_index import LiveIndex
from deadlight.server.db.engine import create_engine
from deadlight.server.settings import with_driver

BAR_MS = 50.0

UPKEEP_SECONDS = 5.0
PAUSE_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one question."""

    p50: float
    p95: float
    cpu: float
    """Of this process and the database's, which a busy machine changes less; the median."""


@dataclass(slots=True)
class Stalls:
    """Longest stretches in which the event loop did nothing else, in milliseconds."""

    wall: float = 0.0
    cpu: float = 0.0
    """Without the time in which something else had the machine."""


async def measure(engine: AsyncEngine, question: Question, rounds: int, *, changing: bool) -> Measured:
    """Ask it again and again, each time on a connection of its own; while things change or not."""
    taken, cpu = [], []
    for _ in range(rounds + 2):
        if changing:
            async with engine.connect() as connection:
                await make_changes(connection)
        started = time.perf_counter()
        async with engine.connect() as connection:
            spent = await _cpu_seconds(connection)
            await question(connection)
            taken.append((time.perf_counter() - started) * 1000)
            cpu.append((await _cpu_seconds(connection) - spent) * 1000)
    warm = taken[2:]
    return Measured(
        round(percentile(warm, 0.5), 1), round(percentile(warm, 0.95), 1), round(percentile(cpu[2:], 0.5), 1)
    )


async def _cpu_seconds(connection: AsyncConnection) -> float:
    """What this process and the connection's server process have spent."""
    driver = (await connection.get_raw_connection()).driver_connection
    pid = driver.info.backend_pid if driver else 0
    return time.process_time() + cpu_seconds_of(pid)


def cpu_seconds_of(pid: int) -> float:
    """What a process has spent."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@asynccontextmanager
async def watch_loop() -> AsyncIterator[Stalls]:
    """Watch how long the event loop does not come round."""
    stalls = Stalls()

    async def watch() -> None:
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(PAUSE_SECONDS)
            stalls.wall = max(stalls.wall, (time.perf_counter() - wall - PAUSE_SECONDS) * 1000)
            stalls.cpu = max(stalls.cpu, (time.thread_time() - cpu) * 1000)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.01)
    stalls.wall = stalls.cpu = 0.0
    try:
        yield stalls
    finally:
        await asyncio.sleep(0.01)
        watching.cancel()


async def measure_building(engine: AsyncEngine, live: LiveIndex) -> dict[str, float]:
    """Read the index for the first time, as the service does when it starts."""
    async with watch_loop() as stalls, engine.connect() as connection:
        started, cpu = time.perf_counter(), time.process_time()
        await live.read(connection)
        spent = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    return _rounded(spent | {"stall_ms": stalls.wall, "stall_cpu_ms": stalls.cpu})


async def measure_upkeep(engine: AsyncEngine, live: LiveIndex) -> dict[str, float]:
    """Keep the index while fifty things change every second and nobody asks."""
    async with watch_loop() as stalls:
        cpu, until = time.process_time(), time.monotonic() + UPKEEP_SECONDS
        while time.monotonic() < until:
            async with engine.connect() as connection:
                await make_changes(connection)
                await live.read(connection)
            await asyncio.sleep(0.5)
    share = (time.process_time() - cpu) / UPKEEP_SECONDS
    return _rounded({"cpu_share": share, "stall_ms": stalls.wall, "stall_cpu_ms": stalls.cpu})


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


async def run(url: str, fleet: Fleet, rounds: int) -> None:
    """Measure everything and say how it went."""
    engine = create_engine(with_driver(url), application="benchmark")
    live = LiveIndex()
    async with engine.connect() as connection:
        await make_changes(connection)
    gc.freeze()  # as the service does
    index = {"building": await measure_building(engine, live), "upkeep": await measure_upkeep(engine, live)}
    measured = {
        name: await measure(engine, question, rounds, changing=name.endswith(AFTER_CHANGES))
        for name, question in questions(fleet, live)
    }
    exported = await measure_export(engine, live)
    await engine.dispose()
    report(measured, index, exported, fleet)


async def measure_export(engine: AsyncEngine, live: LiveIndex) -> dict[str, float]:
    """The whole fleet as CSV: until its first rows, and altogether."""
    started = time.perf_counter()
    ids = await select_for_export(engine, live, ImageFilter())
    pieces, first = 0, 0.0
    async for _ in iter_export(engine, ids, TimePeriod.NOW, ExportFormat.CSV):
        pieces += 1
        first = first or time.perf_counter() - started
    return {"rows": len(ids), "first_piece_ms": round(first * 1000, 1), "seconds": time.perf_counter() - started}


def report(
    measured: Mapping[str, Measured],
    index: Mapping[str, Mapping[str, float]],
    exported: Mapping[str, float],
    fleet: Fleet,
) -> None:
    """Print the table and end with the line of figures."""
    unfiltered = measured[UNFILTERED].p50
    for name, item in measured.items():
        ratio = f"{item.p50 / unfiltered:6.2f} x unfiltered" if name.startswith("filter:") else ""
        print(f"{name:70} p50 {item.p50:6.1f} ms   p95 {item.p95:6.1f} ms   CPU {item.cpu:6.1f} ms   {ratio}")
    print(f"export of {exported['rows']} rows: {exported['seconds']:.2f} s; index: {index}")
    asked = {name: item for name, item in measured.items() if name != BASELINE}
    slowest = max(asked, key=lambda name: asked[name].p95)
    figures = {
        "machine": describe_machine(),
        "fleet": {field.name: getattr(fleet.size, field.name) for field in fields(fleet.size)},
        "list_ms": [measured[UNFILTERED].p50, measured[UNFILTERED].p95],
        "baseline_ms": [measured[BASELINE].p50, measured[BASELINE].p95],
        "list_to_baseline": round(unfiltered / measured[BASELINE].p50, 2),
        "slowest": slowest,
        "slowest_ms": [asked[slowest].p50, asked[slowest].p95],
        "most_cpu_ms": max(item.cpu for item in asked.values()),
        "index": index,
        "export": exported,
        "questions": {name: [item.p50, item.p95, item.cpu] for name, item in measured.items()},
    }
    slow = [name for name, item in asked.items() if item.p95 >= BAR_MS]
    print(f"above the bar: {', '.join(slow) or 'none'}")
    stall = max(item["stall_cpu_ms"] for item in index.values())
    bars = [
        Bar(f"p95 of every question < {BAR_MS:.0f} ms", not slow),
        Bar(f"the index keeps the event loop for < {BAR_MS:.0f} ms at a time", stall < BAR_MS),
    ]
    finish("console_queries", figures, bars)


@contextmanager
def database(kept: Path | None = None) -> Iterator[str]:
    """The URL of a migrated database of our own: a fresh one, or the one in a folder to keep."""
    folder = kept or Path(tempfile.mkdtemp(prefix="dlb-", dir="/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder, settings={"fsync": "off"})
    try:
        url = server.start()
        migrations.upgrade(with_driver(url))
        asyncio.run(migrations.upgrade_job_queue(url))
        yield url
    finally:
        server.stop()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Read the arguments, make the fleet and measure."""
    parser = argparse.ArgumentParser(description="What the console asks of a large fleet.")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--share", type=float, default=1.0, help="of the whole fleet, above 0 and at most 1")
    arguments = parser.parse_args()
    whole = FleetSize()
    scaled = {
        field.name: max(1, int(getattr(whole, field.name) * arguments.share))
        for field in fields(whole)
        if field.name not in {"packages_per_image", "files_seen_per_container"}
    }
    fleet = Fleet(replace(whole, **scaled))
    with database() as url:
        started = time.perf_counter()
        fill(url, fleet)
        print(f"{describe_machine()}; filled in {time.perf_counter() - started:.0f} s")
        asyncio.run(run(url, fleet, arguments.rounds))


if __name__ == "__main__":
    main()
