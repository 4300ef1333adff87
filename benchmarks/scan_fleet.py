"""How fast a fleet of images is read, against Syft on the same images in the same run.

More than 30 images of real software on three shared bases (Debian; Python; Java and Node) lie in a real registry.
Measured is the running service, from the request for scans to the last result in its database: asking the registry,
pulling, reading each layer that is new, putting the layers of each image together, storing, and looking for
vulnerabilities (there are no advisories, so that this costs next to nothing). The service has come up before the
clock starts: it is ready, and has started the processes that read layers, as it does by itself. A service runs for
weeks; Syft is a program that is started for each image, and its start is in its time. Cold means that nothing is known
of the image: no layer, no result; the first round is the first image that the service ever sees. All rounds are
printed. The service reads as many layers at a time as there are processors, all of which Syft uses too.

Syft pulls from the same registry, one image after the other, without digests of files. `gunzip | sha256sum` of one
image's layers is what no scanner of compressed layers can do without.

    make bench NAME=scan_fleet
    python -m benchmarks.scan_fleet --images 6        fewer
    python -m benchmarks.scan_fleet --exposures       look for exposures too (by default packages alone)

The images are built on the first run, which takes minutes and 5 GB below `~/.cache/deadlight-bench`.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from benchmarks.image_fleet import Layer, PushedImage, build_images, fleet_images, push_images
from benchmarks.machinery import Deployment, deployment, free_port
from benchmarks.recheck import children, cpu_seconds
from benchmarks.registries import tagged_registry
from benchmarks.result import Bar, describe_machine, finish
from benchmarks.syft import SyftRun, run_syft

from deadlight.client.rest import RestClient
from deadlight.model.scan_configuration import CORE, Scanner
from deadlight.server.scans.image_scan import PREPARED

WAIT_SECONDS = 1800.0
ROUNDS = 3
"""Of the single image; the median ratio counts."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Scanned:
    """What Deadlight took."""

    seconds: float
    cpu: float
    """Seconds of the service, its reading process and the database."""
    packages: int
    layers: int
    """That were read; the others had been read before."""


class Scans:
    """The service and the images."""

    def __init__(self, deployed: Deployment, host: str) -> None:
        self._deployed = deployed
        self._host = host

    async def prepare(self, images: Sequence[PushedImage], scanners: Sequence[Scanner]) -> None:
        """Trust the registry, have the images run in a cluster that wants just these scanners."""
        async with RestClient(self._deployed.url, self._deployed.token) as client:
            body = {"host": self._host, "url": f"http://{self._host}", "checks_per_second": 1000}
            await client.post("/api/v1/registries", body)
        parameters = {
            "names": [image.name for image in images],
            "digests": [image.digest for image in images],
            "host": self._host,
            "scanners": [scanner.value for scanner in scanners],
        }
        with psycopg.connect(self._deployed.database_url) as connection:
            for statement in _RUN:
                connection.execute(statement, parameters)

    async def until_prepared(self) -> None:
        """Wait until the service says that it has started the processes that read layers."""
        async with asyncio.timeout(WAIT_SECONDS):
            while PREPARED.encode() not in await asyncio.to_thread(self._deployed.service.log.read_bytes):
                await asyncio.sleep(0.1)

    async def scan(self, images: Sequence[PushedImage]) -> Scanned:
        """Scan images of which nothing is known."""
        with psycopg.connect(self._deployed.database_url, autocommit=True) as connection:
            for statement in _FORGET:
                connection.execute(statement)
            begun, cpu = time.monotonic(), self._cpu()
            async with RestClient(self._deployed.url, self._deployed.token) as client:
                bodies = [{"image": f"{self._host}/{image.name}:1.0"} for image in images]
                asked = [(await client.post("/api/v1/scans", body))["image_tag_id"] for body in bodies]
                async with asyncio.timeout(WAIT_SECONDS):
                    while self._is_unfinished(connection, asked):
                        await asyncio.sleep(0.02)
            seconds = time.monotonic() - begun
            return Scanned(seconds, self._cpu() - cpu, *self._count(connection))

    def _cpu(self) -> float:
        """Of the service, what it started, and the database, whose processes of the past are its own."""
        assert self._deployed.service.running
        rows = self._deployed.query("SELECT current_setting('data_directory')")
        postmaster = int((Path(str(rows[0][0])) / "postmaster.pid").read_text().split()[0])
        pids = (self._deployed.service.running.pid, postmaster)
        return sum(cpu_seconds(pid) + sum(map(cpu_seconds, children(pid))) for pid in pids)

    def reading_memory(self) -> int:
        """The most bytes that a process which reads layers has held (proc(5), VmHWM)."""
        assert self._deployed.service.running
        found = [Path(f"/proc/{child}") for child in children(self._deployed.service.running.pid)]
        reading = [process for process in found if b"spawn_main" in (process / "cmdline").read_bytes()]
        lines = [line for process in reading for line in (process / "status").read_text().splitlines()]
        return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def _is_unfinished(self, connection: psycopg.Connection[Any], asked: Sequence[int]) -> bool:
        query = "SELECT status, error FROM scan WHERE image_tag_id = ANY(%s) AND status <> 'done'"
        rows = connection.execute(query, [list(asked)]).fetchall()
        assert all(status in {"queued", "running"} for status, _ in rows), rows
        return bool(rows)

    def _count(self, connection: psycopg.Connection[Any]) -> tuple[int, int]:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM image_package), (SELECT sum(layers_scanned) FROM scan)"
        ).fetchone()
        assert row
        return int(row[0]), int(row[1] or 0)


def gunzip_and_hash(layers: Sequence[Layer]) -> float:
    """Seconds for `gunzip | sha256sum` of layers, one after the other."""
    begun = time.monotonic()
    for layer in layers:
        with layer.path.open("rb") as compressed:
            unpack = subprocess.Popen(["gunzip", "-c"], stdin=compressed, stdout=subprocess.PIPE)
            subprocess.run(["sha256sum"], stdin=unpack.stdout, stdout=subprocess.DEVNULL, check=True)
            assert unpack.wait() == 0
    return time.monotonic() - begun


@asynccontextmanager
async def scene(count: int, *, exposures: bool) -> AsyncIterator[tuple[Scans, tuple[PushedImage, ...], str]]:
    """Everything runs, and the images are in the registry."""
    built = await asyncio.to_thread(build_images, fleet_images()[:count])
    async with AsyncExitStack() as stack:
        deployed = await stack.enter_async_context(
            deployment(free_port(), DEADLIGHT_SCAN_PROCESSES=str(os.cpu_count()))
        )
        folder = deployed.folder / "registry"
        folder.mkdir()
        registry = await stack.enter_async_context(tagged_registry(folder, free_port(), 0))
        images = await push_images(registry.http, registry.url, built)
        print(f"{len(images)} images are in the registry", flush=True)
        scans = Scans(deployed, registry.host)
        await scans.prepare(images, tuple(Scanner) if exposures else CORE)
        await scans.until_prepared()
        yield scans, images, registry.host


async def measure(count: int, *, exposures: bool) -> None:
    """Run everything and end the process with the result."""
    print(describe_machine())
    async with scene(count, exposures=exposures) as (scans, images, host):
        singles = [await _single(scans, images[0], host) for _ in range(ROUNDS)]
        fleet = await scans.scan(images)
        print(f"the fleet: {fleet}", flush=True)
        theirs = [await asyncio.to_thread(run_syft, f"{host}/{image.name}:1.0", image.digest) for image in images]
        memory = scans.reading_memory()
    _finish(images, singles, fleet, theirs, memory, exposures=exposures)


@dataclass(frozen=True, slots=True)
class Round:
    """One image read cold three ways: by us, by Syft, and the least there is to do."""

    ours: Scanned
    syft: SyftRun
    least: float

    @property
    def figures(self) -> tuple[float, ...]:
        """Seconds of each, then CPU seconds of the two scanners."""
        taken = (self.ours.seconds, self.syft.seconds, self.least, self.ours.cpu, self.syft.cpu)
        return tuple(round(value, 2) for value in taken)


async def _single(scans: Scans, image: PushedImage, host: str) -> Round:
    ours = await scans.scan([image])
    theirs = await asyncio.to_thread(run_syft, f"{host}/{image.name}:1.0", image.digest)
    least = await asyncio.to_thread(gunzip_and_hash, image.layers)
    found = Round(ours, theirs, least)
    print(f"{image.name}: ours, Syft, gunzip; CPU of ours and Syft: {found.figures}", flush=True)
    return found


def _finish(
    images: Sequence[PushedImage],
    singles: Sequence[Round],
    fleet: Scanned,
    theirs: Sequence[SyftRun],
    memory: int,
    *,
    exposures: bool,
) -> None:
    distinct = {layer.digest: layer for image in images for layer in image.layers}
    to_syft = statistics.median(found.syft.seconds / found.ours.seconds for found in singles)
    to_gunzip = statistics.median(found.ours.seconds / found.least for found in singles)
    syft_seconds, syft_cpu = sum(run.seconds for run in theirs), sum(run.cpu for run in theirs)
    fleet_ratio = syft_seconds / fleet.seconds
    ours, syft, least, our_cpu, their_cpu = (
        statistics.median(values) for values in zip(*(found.figures for found in singles), strict=True)
    )
    finish(
        "scan_fleet",
        {
            "images": len(images),
            "layers": len(distinct),
            "MB unpacked": round(sum(layer.plain_bytes for layer in distinct.values()) / 1e6),
            "exposures too": exposures,
            "one image": {
                "MB unpacked": round(sum(layer.plain_bytes for layer in images[0].layers) / 1e6),
                "seconds": ours,
                "Syft": syft,
                "gunzip and sha256sum": least,
                "times as fast as Syft": round(to_syft, 1),
                "ratio to gunzip and sha256sum": round(to_gunzip, 2),
                "CPU": our_cpu,
                "CPU of Syft": their_cpu,
            },
            "fleet": {
                "seconds": round(fleet.seconds, 1),
                "Syft": round(syft_seconds, 1),
                "times as fast as Syft": round(fleet_ratio, 1),
                "CPU": round(fleet.cpu, 1),
                "CPU of Syft": round(syft_cpu, 1),
                "layers read": fleet.layers,
                "packages": fleet.packages,
                "packages a second": round(fleet.packages / fleet.seconds),
                "packages of Syft": sum(len(run.artifacts) for run in theirs),
            },
            "MiB of the reading process": memory // MIB,
            "MiB of Syft": max(run.memory for run in theirs) // MIB,
        },
        [
            Bar("one image: at least 4 times as fast as Syft", to_syft >= 4),
            Bar("one image: at most twice gunzip and sha256sum", to_gunzip <= 2),
            Bar("fleet: at least 10 times as fast as Syft", fleet_ratio >= 10),
            Bar("fleet: every layer read once", fleet.layers == len(distinct)),
            Bar("the reading process holds at most 256 MiB", memory <= 256 * MIB),
        ],
    )


_RUN = (
    """
    INSERT INTO cluster (uid, name) VALUES ('benchmark', 'benchmark')
    """,
    """
    INSERT INTO scan_configuration (cluster_id, scanners, retention_days, changed_by)
    SELECT id, %(scanners)s, 90, 'benchmark' FROM cluster
    """,
    """
    INSERT INTO image_tag (registry, repository, tag, digest, platform, pinned_digest)
    SELECT %(host)s, name, '1.0', digest, 'linux/amd64', ''
    FROM unnest(CAST(%(names)s AS text[]), CAST(%(digests)s AS text[])) AS row(name, digest)
    """,
    """
    INSERT INTO scan (image_tag_id, status, error) SELECT id, 'failed', '' FROM image_tag
    """,
    """
    INSERT INTO workload (cluster_id, uid, namespace, kind, kind_name, name, desired, ready, status, content_hash,
                          image_tag_ids)
    SELECT cluster.id, 'workload', 'shop', 'Deployment', '', 'workload', 1, 1, 'running', 0, array_agg(image_tag.id)
    FROM cluster, image_tag GROUP BY cluster.id
    """,
)
_FORGET = (
    "DELETE FROM analyzed_layer",
    "DELETE FROM image",
    "UPDATE scan SET status = 'failed', layers_scanned = 0",
)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=len(fleet_images()))
    parser.add_argument("--exposures", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.images, exposures=arguments.exposures))
