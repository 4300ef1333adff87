"""From "a pod starts with a bad image" to "the webhook has the alert".

Twenty simulated clusters, each followed by a real controller process, change pods 50 times a second for 60 seconds; in
every 20th change a pod starts with an image that its registry does not have under that tag. Measured is the time from
the API server's watch event to the webhook's receipt. The same load is run again with events and jobs found by polling
once a second instead of NOTIFY (the baseline), and once more while the service, a controller and the sensor are killed
in turn, after which nothing may be missing and no verdict wrong.

    make bench NAME=exposure_latency
    python -m benchmarks.exposure_latency --seconds 10 --rate 20 --clusters 5     a smaller load
"""

import argparse
import asyncio
import hashlib
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from benchmarks.machinery import Deployment, Process, deployment, free_port, until_ready
from benchmarks.result import Bar, describe_machine, finish, percentile
from benchmarks.watched_node import WatchedNode, find_missing, start_sensor
from benchmarks.webhook_receiver import receiving

from deadlight.client.rest import RestClient
from deadlight.demo.images import ImageSpec, build_image, push_image
from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.resources import NAMESPACES
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.kubernetes.store import Cluster
from deadlight.demo.registry import DemoRegistry, serve_registry

GOOD_TAGS = 40
PODS_PER_CLUSTER = 60
"""A bad container runs until its pod's next turn: 24 s at the full load, longer than any of the outages."""
BYSTANDER = 999
"""A pod that never changes: its container is the one a sensor watches."""
EVERY_BAD = 20
BAR_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
REGISTRY = "registry.benchmark"


@dataclass(frozen=True, slots=True)
class Load:
    """How much happens for how long."""

    clusters: int
    rate: float
    seconds: float


@dataclass
class Run:
    """What one run saw: when each bad digest started, and when alerts of it came."""

    started: dict[str, float] = field(default_factory=dict)
    received: dict[str, list[float]] = field(default_factory=dict)
    changes: int = 0
    late_seconds: float = 0.0

    @property
    def latencies(self) -> list[float]:
        """Seconds from start to first alert."""
        return [self.received[digest][0] - start for digest, start in self.started.items() if digest in self.received]

    @property
    def missing(self) -> list[str]:
        """Bad digests that nobody was told of."""
        return [digest for digest in self.started if digest not in self.received]

    @property
    def repeated(self) -> int:
        """Alerts beyond the first of each."""
        return sum(len(times) - 1 for times in self.received.values())


class World:
    """The clusters, the registry and the webhook, all in this process."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.run = Run()
        self.clusters = [Cluster(f"bench-{number:02d}", history=20_000) for number in range(load.clusters)]
        self.good: list[tuple[str, str]] = []
        self.webhook = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[str, Standin]]:
        """Serve until the block ends; yields the registry's URL and the API servers."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(aiohttp.ClientSession())
            registry = await stack.enter_async_context(serve_registry(DemoRegistry()))
            for number in range(GOOD_TAGS):
                image = build_image(ImageSpec(layers=[{"app": f"version {number}".encode()}]))
                pushed = await push_image(http, registry, f"shop/app-{number}", "1.0.0", image)
                self.good.append((f"{REGISTRY}/shop/app-{number}:1.0.0", pushed.digest))
            self.webhook = await stack.enter_async_context(receiving(self._take))
            standin = await stack.enter_async_context(Standin(self.clusters))
            yield registry, standin

    def _take(self, alert: Mapping[str, Any]) -> None:
        now = time.monotonic()
        for image in alert["data"]["images"]:
            self.run.received.setdefault(image["digest"], []).append(now)

    def populate(self) -> None:
        """A node, a deployment and its pods in every cluster, all well."""
        for cluster in self.clusters:
            cluster.apply(_node())
            owner = cluster.apply(_deployment())
            replica_set = cluster.apply(_replica_set(owner))
            for number in range(PODS_PER_CLUSTER):
                cluster.apply(_pod(number, replica_set, *self.good[number % GOOD_TAGS], "started"))
            cluster.apply(_pod(BYSTANDER, replica_set, *self.good[0], "started"))

    async def change(self, disturb: dict[float, Callable[[], Awaitable[None]]]) -> None:
        """Change pods at the load's rate; `disturb` is done at its time (seconds) on the way."""
        begun = time.monotonic()
        due = dict(disturb)
        tasks: list[asyncio.Task[None]] = []
        total = int(self.load.rate * self.load.seconds)
        for number, (cluster, pod) in zip(range(total), self._places(), strict=False):
            pause = begun + number / self.load.rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            else:
                self.run.late_seconds = max(self.run.late_seconds, -pause)
            for moment in [moment for moment in due if moment <= time.monotonic() - begun]:
                tasks.append(asyncio.ensure_future(due.pop(moment)()))  # noqa: PERF401 - started one by one
            self._change_one(cluster, pod, number)
        await asyncio.gather(*tasks)

    def _places(self) -> Iterator[tuple[Cluster, int]]:
        for round_ in itertools.count():
            for cluster in self.clusters:
                yield cluster, round_ % PODS_PER_CLUSTER

    def _change_one(self, cluster: Cluster, pod: int, number: int) -> None:
        (replica_set,) = cluster.list("ReplicaSet")
        bad = number % EVERY_BAD == EVERY_BAD - 1
        image, digest = self.good[(number // EVERY_BAD if bad else number) % GOOD_TAGS]
        if bad:
            digest = "sha256:" + hashlib.sha256(f"{cluster.name} {number}".encode()).hexdigest()
            self.run.started[digest] = time.monotonic()
        cluster.apply(_pod(pod, replica_set, image, digest, f"{number}"))
        self.run.changes += 1

    async def until_told(self) -> None:
        """Wait until every bad start has been told, or patience ends."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.run.missing and time.monotonic() < end:
            await asyncio.sleep(0.1)


def _metadata(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", **more}


def _node() -> dict[str, Any]:
    info = {"operatingSystem": "linux", "architecture": "amd64", "kernelVersion": "6.12"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "status": {"nodeInfo": info}}


def _deployment() -> dict[str, Any]:
    status = {"replicas": PODS_PER_CLUSTER, "readyReplicas": PODS_PER_CLUSTER}
    spec = {"replicas": PODS_PER_CLUSTER}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata("app"), "spec": spec, "status": status}


def _owner(owner: dict[str, Any]) -> list[dict[str, Any]]:
    metadata = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    return [{**reference, "name": metadata["name"], "uid": metadata["uid"]}]


def _replica_set(owner: dict[str, Any]) -> dict[str, Any]:
    metadata = _metadata("app-1", ownerReferences=_owner(owner))
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {}}


def _pod_name(number: int) -> str:
    return f"app-1-{number:03d}"


def _container_id(pod: str, start: str) -> str:
    return hashlib.sha256(f"{pod} {start}".encode()).hexdigest()


def _pod(number: int, owner: dict[str, Any], image: str, digest: str, start: str) -> dict[str, Any]:
    """A pod whose container runs `image` as `digest`; `start` makes each start a container of its own."""
    name = _pod_name(number)
    status = {
        "name": "main",
        "image": image,
        "imageID": f"{image.rpartition(':')[0]}@{digest}",
        "containerID": f"containerd://{_container_id(name, start)}",
        "state": {"running": {"startedAt": "2026-11-21T00:00:00Z"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(name, ownerReferences=_owner(owner)),
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": image}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


async def measure(load: Load, *, wake: str) -> tuple[Run, dict[str, Any]]:
    """One run undisturbed; returns what it saw and what was checked afterwards."""
    async with _scene(load, wake) as (world, deployed, _controllers):
        await world.change({})
        await world.until_told()
        return world.run, _check(deployed, world.run)


async def measure_killing(load: Load) -> tuple[Run, dict[str, Any]]:
    """One run in which service, controller and sensor are killed in turn and started again."""
    async with _scene(load, "notify") as (world, deployed, controllers), AsyncExitStack() as stack:
        disturb = _killings(deployed, controllers[0], load.seconds)
        missing = await find_missing()
        if missing:
            await world.change(disturb)
            await world.until_told()
            return world.run, _check(deployed, world.run) | {"no sensor": missing}
        node = await _watch(world, deployed)
        await stack.enter_async_context(node.executing())
        await world.change(disturb | {load.seconds * 0.8: node.restart_sensor})
        await world.until_told()
        seen = await node.count_seen(deployed, PATIENCE_SECONDS)
        return world.run, _check(deployed, world.run) | {"executions seen": seen}


@asynccontextmanager
async def _scene(load: Load, wake: str) -> AsyncIterator[tuple[World, Deployment, list[Process]]]:
    async with AsyncExitStack() as stack:
        world = World(load)
        registry, standin = await stack.enter_async_context(world.serving())
        deployed = await stack.enter_async_context(deployment(free_port(), DEADLIGHT_RELAY_WAKE=wake))
        await _configure(deployed, world, registry)
        world.populate()
        controllers = await _follow(deployed, world, standin)
        await _until_synced(deployed, load.clusters)
        yield world, deployed, controllers


async def _watch(world: World, deployed: Deployment) -> WatchedNode:
    cluster = world.clusters[0]
    sensor = await start_sensor(deployed, cluster.read(NAMESPACES, "kube-system").uid, cluster.name, "node-1")
    return WatchedNode(_container_id(_pod_name(BYSTANDER), "started"), deployed.folder, sensor)


async def _configure(deployed: Deployment, world: World, registry: str) -> None:
    async with RestClient(deployed.url, deployed.token) as client:
        await client.post("/api/v1/registries", {"host": REGISTRY, "url": registry})
        destination = {"type": "webhook", "config": {"url": world.webhook}}
        worker = {"name": "benchmark", "event_types": ["IntegrityViolationDetected"], "destinations": [destination]}
        await client.post("/api/v1/workers", worker)


async def _follow(deployed: Deployment, world: World, standin: Standin) -> list[Process]:
    kubeconfig = deployed.folder / "kubeconfig"
    write_kubeconfig(kubeconfig, {standin.url(cluster): cluster for cluster in world.clusters})
    return [
        await deployed.start(
            f"controller-{cluster.name}",
            "deadlight.controller",
            [
                f"--server={deployed.url}",
                f"--state={deployed.folder / cluster.name}",
                f"--kubeconfig={kubeconfig}",
                f"--context={cluster.name}",
            ],
            DEADLIGHT_REGISTRATION_TOKEN=deployed.registration_token,
        )
        for cluster in world.clusters
    ]


async def _until_synced(deployed: Deployment, clusters: int) -> None:
    """Wait until every cluster is known and everything that followed has been done."""
    statement = """
        SELECT (SELECT count(*) FROM cluster WHERE synced_at IS NOT NULL),
               (SELECT count(*) FROM event WHERE status = 'pending')
             + (SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked'))
    """
    async with asyncio.timeout(300):
        while deployed.query(statement) != [(clusters, 0)]:
            await asyncio.sleep(0.5)


def _killings(deployed: Deployment, controller: Process, seconds: float) -> dict[float, Callable[[], Awaitable[None]]]:
    async def restart_service() -> None:
        await _restart(deployed.service)
        await until_ready(deployed.url)

    return {seconds * 0.2: restart_service, seconds * 0.5: partial(_restart, controller)}


async def _restart(process: Process) -> None:
    await process.kill()
    await process.start()


def _check(deployed: Deployment, run: Run) -> dict[str, Any]:
    """What the service believes in the end, against what was really so."""
    rows = deployed.query("SELECT digest, verdict.status FROM image_tag JOIN verdict ON image_tag_id = image_tag.id")
    wrong = [row for row in rows if (row[1] != "No Issues") != (row[0] in run.started)]
    dead = deployed.query("SELECT count(*) FROM event WHERE status = 'dead'")[0][0]
    return {"verdicts": len(rows), "wrong verdicts": len(wrong), "dead events": dead}


def _figures(run: Run) -> dict[str, object]:
    latencies = run.latencies or [float("inf")]
    return {
        "changes": run.changes,
        "violations": len(run.started),
        "alerts missing": len(run.missing),
        "alerts repeated": run.repeated,
        "p50 s": round(percentile(latencies, 0.5), 3),
        "p99 s": round(percentile(latencies, 0.99), 3),
        "max s": round(max(latencies), 3),
        "load late by s": round(run.late_seconds, 2),
    }


async def main(load: Load) -> None:
    """Run all three and say how it went."""
    print(f"{load.rate:g} pod changes/s from {load.clusters} clusters for {load.seconds:g} s; {describe_machine()}")
    notified, checked = await measure(load, wake="notify")
    print("woken by NOTIFY        ", _figures(notified), checked, flush=True)
    polled, _ = await measure(load, wake="poll")
    print("polling every second   ", _figures(polled), flush=True)
    killed, checked_killed = await measure_killing(load)
    print("with kill -9 in turn   ", _figures(killed), checked_killed, flush=True)
    p99, baseline = percentile(notified.latencies, 0.99), percentile(polled.latencies, 0.99)
    median, baseline_median = percentile(notified.latencies, 0.5), percentile(polled.latencies, 0.5)
    figures: dict[str, object] = {
        "notify": _figures(notified) | checked,
        "poll": _figures(polled),
        "kill": _figures(killed) | checked_killed,
        "ratio p50 notify/poll": round(median / baseline_median, 3),
        "ratio p99 notify/poll": round(p99 / baseline, 3),
        "machine": describe_machine(),
    }
    bars = [
        Bar(f"p99 < {BAR_SECONDS:g} s", p99 < BAR_SECONDS),
        Bar("no alert missing", not notified.missing and not killed.missing),
        Bar("no wrong verdict", checked["wrong verdicts"] == checked_killed["wrong verdicts"] == 0),
        Bar("the sensor goes on", "no sensor" in checked_killed or all(checked_killed["executions seen"].values())),
    ]
    finish("exposure_latency", figures, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--rate", type=float, default=50.0, help="pod changes a second over all clusters")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    asyncio.run(main(Load(given.clusters, given.rate, given.seconds)))
