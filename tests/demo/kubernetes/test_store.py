import pytest

from deadlight.demo.kubernetes.manifests import Manifest, Part
from deadlight.demo.kubernetes.resources import PODS
from deadlight.demo.kubernetes.statuses import StatusError
from deadlight.demo.kubernetes.store import Cluster


def pod(name: str = "p", **metadata: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", **metadata}}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster("east", history=10)


def test_applying_creates_then_writes_over_whatever_the_version(cluster: Cluster) -> None:
    first = cluster.apply(pod(labels={"a": "1"}))
    stale = cluster.apply(pod(labels={"a": "2"}, resourceVersion="1", uid="other"))

    assert stale["metadata"]["uid"] == first["metadata"]["uid"]
    assert cluster.get("Pod", "p", "shop")["metadata"]["labels"] == {"a": "2"}


def test_a_caller_keeps_its_manifest_as_it_was(cluster: Cluster) -> None:
    manifest = pod()
    cluster.apply(manifest)

    assert manifest == pod()


def test_a_generation_counts_changes_of_the_specification_only(cluster: Cluster) -> None:
    cluster.apply(pod() | {"spec": {"nodeName": "n"}})
    cluster.apply(pod() | {"spec": {"nodeName": "n"}, "status": {"phase": "Running"}})
    assert cluster.get("Pod", "p", "shop")["metadata"]["generation"] == 1
    cluster.apply(pod() | {"spec": {"nodeName": "m"}})
    assert cluster.get("Pod", "p", "shop")["metadata"]["generation"] == 2


def test_every_writer_leaves_its_name(cluster: Cluster) -> None:
    cluster.apply(pod(), manager="helm")
    cluster.apply(pod() | {"status": {"phase": "Running"}}, manager="kubelet", part=Part.STATUS)

    entries = cluster.get("Pod", "p", "shop")["metadata"]["managedFields"]
    assert [(entry["manager"], entry.get("subresource")) for entry in entries] == [
        ("helm", None),
        ("kubelet", "status"),
    ]


def test_a_generated_name_is_completed(cluster: Cluster) -> None:
    made = cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-", "namespace": "shop"}})

    assert made["metadata"]["name"].startswith("p-")
    assert len(made["metadata"]["name"]) > 2


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-dash", "a/b", "x" * 254, 7, None])
def test_a_name_that_is_none_is_refused(name: object, cluster: Cluster) -> None:
    with pytest.raises(StatusError) as refused:
        cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}})

    assert refused.value.code == 422


def test_deleting_a_namespace_deletes_what_it_holds(cluster: Cluster) -> None:
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster.apply(pod())

    cluster.delete("Namespace", "shop")

    assert cluster.list("Pod") == []


def test_the_history_is_bounded_and_knows_where_it_begins(cluster: Cluster) -> None:
    for number in range(100):
        cluster.apply(pod(labels={"n": str(number)}))

    shelf = cluster.shelf(PODS)
    assert len(shelf.history) <= 20
    assert [change.version for change in shelf.since(shelf.oldest)] == [change.version for change in shelf.history]
    assert shelf.since(cluster.version) == []


def test_the_version_says_that_it_is_a_demonstration(cluster: Cluster) -> None:
    assert cluster.git_version.endswith("+deadlight-demonstration")
