"""A whole cluster, followed end to end into records."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from tests.client.waiting import until

from deadlight.client.backoff import Backoff
from deadlight.controller.deltas import Change, Deltas
from deadlight.controller.health import Health
from deadlight.controller.sources.kubernetes.access import Access
from deadlight.controller.sources.kubernetes.api import KubernetesApi
from deadlight.controller.sources.kubernetes.reflector import Pace
from deadlight.controller.sources.kubernetes.resources import OWNERS, PLACES, PODS
from deadlight.controller.sources.kubernetes.source import KubernetesSource
from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.store import Cluster
from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

DIGEST = f"sha256:{'a' * 64}"


class Inventory:
    """Takes what a source tells, as a shipper would."""

    def __init__(self) -> None:
        self.cluster: wire.ClusterRecord | None = None
        self.records: dict[str, Change] = {}
        self._deltas = Deltas()

    def apply(self, changes: Iterable[Change]) -> bool:
        taken = list(changes)
        for change in taken:
            if isinstance(change, wire.Removed):
                self.records.pop(change.uid, None)
            else:
                self.records[change.uid] = change
        news = [self._deltas.apply(change) for change in taken]
        return any(news)

    def describe(self, cluster: wire.ClusterRecord) -> None:
        self.cluster = cluster

    def pods(self) -> list[wire.PodRecord]:
        return [record for record in self.records.values() if isinstance(record, wire.PodRecord)]

    def workload_names(self) -> dict[str, WorkloadKind]:
        found = (record for record in self.records.values() if isinstance(record, wire.WorkloadRecord))
        return {record.name: record.kind for record in found}


@asynccontextmanager
async def followed(access: Access, health: Health) -> AsyncIterator[Inventory]:
    inventory = Inventory()
    async with KubernetesApi(access) as api:
        cluster = wire.ClusterRecord(uid="u", name="east")
        source = KubernetesSource(api, cluster, inventory, health, Pace(backoff=Backoff(base=0.001, cap=0.01)))
        running = asyncio.create_task(source.run())
        await source.complete.wait()
        yield inventory
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def controllers(cluster: Cluster) -> Controllers:
    made = Controllers(cluster, lambda image: f"{image.rpartition(':')[0]}@{DIGEST}")
    for number in range(2):
        region = {"topology.kubernetes.io/region": "eu-central-1"}
        made.add_node(f"node-{number}", labels=region, provider_id="aws:///eu-central-1a/i-0abc")
    return made


def shop(image: str = "registry.example/web:1", replicas: int = 2) -> Workload:
    return Workload(namespace="shop", name="web", images={"web": image}, replicas=replicas, manager="helm")


@pytest.mark.req("R12", "R23", "R25", "R26", "R27", "R28")
async def test_nodes_workloads_pods_and_containers_are_collected(
    cluster: Cluster, controllers: Controllers, access: Access
) -> None:
    controllers.apply(shop())
    controllers.apply(
        Workload(namespace="shop", name="log", kind="DaemonSet", images={"log": "registry.example/log:1"})
    )

    async with followed(access, Health()) as inventory:
        assert inventory.cluster == wire.ClusterRecord(
            uid="u", name="east", version=cluster.git_version, provider="AWS", regions=("eu-central-1",)
        )
        assert inventory.workload_names() == {"web": WorkloadKind.DEPLOYMENT, "log": WorkloadKind.DAEMON_SET}
        nodes = [record for record in inventory.records.values() if isinstance(record, wire.NodeRecord)]
        assert {node.name for node in nodes} == {"node-0", "node-1"}
        containers = [container for pod in inventory.pods() for container in pod.containers]
        assert {(item.image, item.image_id, item.state) for item in containers} == {
            ("registry.example/web:1", f"registry.example/web@{DIGEST}", "running"),
            ("registry.example/log:1", f"registry.example/log@{DIGEST}", "running"),
        }


@pytest.mark.req("R6", "R24")
async def test_rollouts_scaling_and_deletion_are_followed(
    cluster: Cluster, controllers: Controllers, access: Access
) -> None:
    controllers.apply(shop())

    async with followed(access, Health()) as inventory:
        before = {pod.uid for pod in inventory.pods()}
        controllers.apply(shop(replicas=5))
        await until(lambda: len(inventory.pods()) == 5)
        assert before < {pod.uid for pod in inventory.pods()}

        controllers.apply(shop("registry.example/web:2", replicas=5))
        await until(lambda: {c.image for pod in inventory.pods() for c in pod.containers} == {"registry.example/web:2"})

        controllers.delete("Deployment", "shop", "web")
        await until(lambda: not inventory.pods() and not inventory.workload_names())


async def test_what_kubelets_report_every_few_seconds_is_dropped_as_unchanged(
    cluster: Cluster, controllers: Controllers, access: Access
) -> None:
    health = Health()
    async with followed(access, health) as inventory:
        told, seen = dict(inventory.records), health.counts.events
        node = cluster.get("Node", "node-0")
        node["status"]["conditions"].append({"type": "DiskPressure", "status": "False"})
        cluster.apply(node)
        await until(lambda: health.counts.events == seen + 1)

        assert inventory.records == told
        assert health.counts.unchanged == 1


@pytest.mark.req("R23")
async def test_without_permission_for_owners_pods_are_told_under_what_they_name(
    cluster: Cluster, controllers: Controllers, access: Access
) -> None:
    controllers.apply(shop(replicas=1))
    cluster.deny(*(resource.plural for resource in OWNERS))
    health = Health()

    async with followed(access, health) as inventory:
        assert list(inventory.workload_names().values()) == [WorkloadKind.REPLICA_SET]
        assert len(health.problems) == len(OWNERS)
        cluster.deny()
        await until(lambda: inventory.workload_names() == {"web": WorkloadKind.DEPLOYMENT})
        await until(lambda: not health.problems)


async def test_an_upgraded_api_server_is_noticed(
    cluster: Cluster, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deadlight.controller.sources.kubernetes.source.VERSION_SECONDS", 0.01)
    async with followed(access, Health()) as inventory:
        cluster.git_version = "v1.37.0+deadlight-demonstration"
        await until(lambda: bool(inventory.cluster and inventory.cluster.version == cluster.git_version))


@pytest.mark.req("R23")
def test_the_watched_kinds_are_those_that_the_documentation_grants() -> None:
    watched = {str(resource) for resource in (*PLACES, *OWNERS, PODS)}

    assert watched == {
        "nodes",
        "namespaces",
        "pods",
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "jobs.batch",
        "cronjobs.batch",
    }
