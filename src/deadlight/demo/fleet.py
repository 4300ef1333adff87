"""Brings the world up: registry, inbox, clusters, controllers and sensors, and what the service has to know of them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from deadlight.client.errors import IdentityRefusedError
from deadlight.demo import catalogue
from deadlight.demo.advisories import KEPT_BACK, load_advisories, withdrawn
from deadlight.demo.children import Child, keep_running
from deadlight.demo.clusters import DemoCluster
from deadlight.demo.errors import DemoError
from deadlight.demo.inbox import Inbox, running_inbox
from deadlight.demo.kubernetes.kubeconfig import write_kubeconfig
from deadlight.demo.kubernetes.server import Standin
from deadlight.demo.mirror import Mirror, running_mirror
from deadlight.demo.recipes import REGISTRY
from deadlight.demo.registry_process import running_registry
from deadlight.demo.sensors import Activity, SensorStandin, identify
from deadlight.demo.service import DemoService
from deadlight.demo.signing import SigningKey
from deadlight.demo.state import StateFolder
from deadlight.demo.supply import Supply
from deadlight.demo.world import WorkloadPlan, World

SCAN_SECONDS = 300.0
SCAN_LOOK_SECONDS = 0.5
_SCANNED = frozenset({"done", "failed", "skipped"})


@dataclass(frozen=True, slots=True)
class Fleet:
    """The running world, as the script moves it."""

    service: DemoService
    registry_url: str
    mirror: Mirror
    supply: Supply
    clusters: tuple[DemoCluster, ...]
    activity: Activity
    inbox: Inbox

    async def recheck(self) -> None:
        """Save the registry again, so that the service compares at once and not within five minutes."""
        await self.service.save_registry(REGISTRY, "Demonstration registry", self.registry_url)

    async def recheck_mirror(self) -> None:
        """The same for the mirror, which is trusted with it."""
        await self.service.save_registry(catalogue.UNTRUSTED, "Demonstration mirror", self.mirror.url)

    def plans(self, name: str) -> Iterator[tuple[DemoCluster, WorkloadPlan]]:
        """Where a workload of this name is planned."""
        for cluster in self.clusters:
            for plan in cluster.plan.workloads:
                if plan.name == name:
                    yield cluster, plan

    def settle(self) -> None:
        """Make every cluster what its plan says."""
        for cluster in self.clusters:
            cluster.settle()

    async def publish_kept_back(self, *, taken_back: bool = False) -> None:
        """Publish the advisory that was kept back, or take it back."""
        document = load_advisories()[KEPT_BACK]
        await self.service.check_present()
        await self.service.import_advisories([(KEPT_BACK, withdrawn(document) if taken_back else document)])

    async def until_scanned(self) -> bool:
        """Wait until the service has scanned every image that runs; False when it takes too long."""
        plans = (plan for cluster in self.clusters for plan in cluster.plan.workloads)
        expected = {(plan.image.repository, plan.image.tag) for plan in plans}
        try:
            async with asyncio.timeout(SCAN_SECONDS):
                while True:
                    scans = await self.service.list_scans()
                    if expected <= scans.keys() and all(states <= _SCANNED for states in scans.values()):
                        return True
                    await asyncio.sleep(SCAN_LOOK_SECONDS)
        except TimeoutError:
            return False


@asynccontextmanager
async def bring_up(world: World, service: DemoService, folder: StateFolder) -> AsyncIterator[Fleet]:
    """Bring the world up until the block ends; a world that was there before goes on.

    The block ends early with RemovedError when the demonstration is removed from the service, and with DemoError
    when the service refuses its agents.
    """
    await service.until_ready()
    known = await service.find_registry() is not None
    if not known:
        folder.forget_agents()
    moved = folder.choose_ports()
    state = folder.state
    async with (
        aiohttp.ClientSession() as session,
        running_registry(folder.path / "registry", state.registry_port) as registry_url,
        running_inbox(state.secret, state.inbox_port) as inbox,
        running_mirror(state.mirror_port) as mirror,
    ):
        key = SigningKey()
        supply = Supply(session, {REGISTRY: registry_url, catalogue.UNTRUSTED: mirror.url}, key)
        await supply.stock()
        clusters = tuple(
            DemoCluster(plan, supply.image_ids, folder.path / "clusters" / f"{plan.name}.json")
            for plan in world.clusters
        )
        activity = Activity({image.reference: image for image in catalogue.ALL})
        fleet = Fleet(service, registry_url, mirror, supply, clusters, activity, inbox)
        fleet.settle()
        await service.save_signer(key.public_pem)
        await _introduce(fleet, known=known, moved=moved)
        async with _running_agents(fleet, folder):
            yield fleet


async def _introduce(fleet: Fleet, *, known: bool, moved: bool) -> None:
    """Tell the service of the registry, the workers, the owners and the advisories."""
    await fleet.recheck()
    await fleet.service.forget_registry(catalogue.UNTRUSTED)
    await fleet.service.save_workers(fleet.inbox.url, fleet.inbox.secret, moved=moved)
    await fleet.service.save_owners()
    documents = load_advisories()
    await fleet.service.import_advisories((name, text) for name, text in documents.items() if name != KEPT_BACK)
    if known:
        await fleet.publish_kept_back(taken_back=True)


@asynccontextmanager
async def _running_agents(fleet: Fleet, folder: StateFolder) -> AsyncIterator[None]:
    """Serve the clusters, and follow them with controllers and sensors until the block ends."""
    async with Standin(cluster.standin for cluster in fleet.clusters) as standin:
        write_kubeconfig(folder.kubeconfig, {standin.url(item.standin): item.standin for item in fleet.clusters})
        controllers = (_run_controller(_controller(fleet, cluster, folder)) for cluster in fleet.clusters)
        agents = (*controllers, *(sensor.run() for sensor in _sensors(fleet, folder)))
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_accepted(fleet.service, agent)) for agent in agents]
            running.append(tasks.create_task(fleet.service.until_removed()))
            try:
                yield
            finally:
                for task in running:
                    task.cancel()


def _controller(fleet: Fleet, cluster: DemoCluster, folder: StateFolder) -> Child:
    """A real controller; only the API server it follows is a stand-in. Its registration token is in our environment."""
    name = cluster.plan.name
    line = [sys.executable, "-P", "-m", "deadlight.controller", "--server", fleet.service.url, "--demonstration"]
    line += ["--state", str(folder.agents / "controllers" / name), "--kubeconfig", str(folder.kubeconfig)]
    line += ["--context", name]
    return Child(line, folder.path / "logs" / f"controller-{name}.log", final_codes=frozenset({0, 1}))


async def _run_controller(child: Child) -> None:
    code = await keep_running(child)
    raise IdentityRefusedError(f"a controller ended with {code}", f"{child.log} says why")


def _sensors(fleet: Fleet, folder: StateFolder) -> Iterator[SensorStandin]:
    for cluster in fleet.clusters:
        for node in cluster.plan.nodes if cluster.plan.has_sensors else ():
            if not node.sensor_disabled:
                identity = identify(fleet.service.url, cluster, node, folder.agents / "sensors")
                yield SensorStandin(cluster, node, fleet.activity, identity)


async def _accepted(service: DemoService, agent: Awaitable[None]) -> None:
    """Run an agent. The service refuses agents of a demonstration that was removed; else a person must act."""
    try:
        await agent
    except IdentityRefusedError as error:
        await service.check_present()
        raise DemoError(f"{error} ({error.advice})") from error
