from typing import Any

import pytest

from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.store import Cluster


def image_id(reference: str) -> str:
    return "" if "missing" in reference else f"{reference.partition(':')[0]}@sha256:{'a' * 64}"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster("east")


@pytest.fixture
def controllers(cluster: Cluster) -> Controllers:
    made = Controllers(cluster, image_id)
    for number in range(3):
        made.add_node(f"node-{number}")
    return made


def web(image: str = "registry.example/web:1", replicas: int = 3, kind: str = "Deployment") -> Workload:
    return Workload(namespace="shop", name="web", images={"web": image}, replicas=replicas, kind=kind)


def names(cluster: Cluster, kind: str) -> list[str]:
    return [item["metadata"]["name"] for item in cluster.list(kind, "shop")]


def owner(manifest: dict[str, Any]) -> tuple[str, str]:
    [reference] = manifest["metadata"]["ownerReferences"]
    return reference["kind"], reference["uid"]


def test_a_deployment_makes_a_replica_set_that_makes_running_pods(cluster: Cluster, controllers: Controllers) -> None:
    deployment = controllers.apply(web())

    [replica_set] = cluster.list("ReplicaSet", "shop")
    pods = cluster.list("Pod", "shop")
    assert owner(replica_set) == ("Deployment", deployment["metadata"]["uid"])
    assert [owner(pod) for pod in pods] == [("ReplicaSet", replica_set["metadata"]["uid"])] * 3
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-0", "node-1", "node-2"}
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    [status] = pods[0]["status"]["containerStatuses"]
    assert status["imageID"] == f"registry.example/web@sha256:{'a' * 64}"
    assert status["containerID"].startswith("containerd://")
    assert deployment["status"]["readyReplicas"] == 3


def test_a_new_image_rolls_out_to_new_pods_of_a_new_replica_set(cluster: Cluster, controllers: Controllers) -> None:
    controllers.apply(web())
    before = set(names(cluster, "Pod"))

    controllers.apply(web("registry.example/web:2"))

    pods = cluster.list("Pod", "shop")
    assert not before & set(names(cluster, "Pod"))
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"registry.example/web:2"}
    assert sorted(item["spec"]["replicas"] for item in cluster.list("ReplicaSet", "shop")) == [0, 3]


def test_scaling_keeps_the_pods_that_stay(cluster: Cluster, controllers: Controllers) -> None:
    controllers.apply(web(replicas=3))
    before = {pod["metadata"]["uid"] for pod in cluster.list("Pod", "shop")}

    controllers.apply(web(replicas=2))
    fewer = {pod["metadata"]["uid"] for pod in cluster.list("Pod", "shop")}
    controllers.apply(web(replicas=4))
    more = {pod["metadata"]["uid"] for pod in cluster.list("Pod", "shop")}

    assert fewer < before
    assert len(fewer) == 2
    assert fewer < more
    assert len(more) == 4


def test_applying_the_same_again_changes_nothing(cluster: Cluster, controllers: Controllers) -> None:
    controllers.apply(web())
    version = cluster.version

    controllers.apply(web())

    assert cluster.version == version


def test_a_stateful_set_keeps_its_names_and_a_daemon_set_covers_the_nodes(
    cluster: Cluster, controllers: Controllers
) -> None:
    controllers.apply(web(kind="StatefulSet", replicas=2))
    assert names(cluster, "Pod") == ["web-0", "web-1"]
    before = cluster.get("Pod", "web-0", "shop")["metadata"]["uid"]
    controllers.apply(web("registry.example/web:2", kind="StatefulSet", replicas=2))
    assert names(cluster, "Pod") == ["web-0", "web-1"]
    assert cluster.get("Pod", "web-0", "shop")["metadata"]["uid"] != before

    controllers.delete("StatefulSet", "shop", "web")
    controllers.apply(web(kind="DaemonSet"))
    assert [pod["spec"]["nodeName"] for pod in cluster.list("Pod", "shop")] == ["node-0", "node-1", "node-2"]


def test_deleting_a_workload_takes_all_it_made(cluster: Cluster, controllers: Controllers) -> None:
    controllers.apply(web())

    controllers.delete("Deployment", "shop", "web")

    assert names(cluster, "Deployment") == names(cluster, "ReplicaSet") == names(cluster, "Pod") == []


def test_an_image_that_cannot_be_pulled_leaves_its_pod_waiting(cluster: Cluster, controllers: Controllers) -> None:
    controllers.apply(web("registry.example/missing:1", replicas=1))

    [pod] = cluster.list("Pod", "shop")
    [status] = pod["status"]["containerStatuses"]
    assert pod["status"]["phase"] == "Pending"
    assert status["imageID"] == ""
    assert "containerID" not in status


def test_the_manifest_says_who_wrote_it(cluster: Cluster, controllers: Controllers) -> None:
    workload = Workload(namespace="shop", name="web", images={"web": "registry.example/web:1"}, manager="argocd")
    controllers.apply(workload)

    entries = cluster.get("Deployment", "web", "shop")["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries if "subresource" not in entry] == ["argocd"]
