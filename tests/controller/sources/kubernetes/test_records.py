import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deadlight.controller.sources.kubernetes import objects, records
from deadlight.controller.sources.kubernetes.owners import Owner
from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

CREATED = "2026-11-21T01:23:54Z"
CREATED_AT = datetime(2026, 11, 21, 1, 23, 54, tzinfo=UTC)
WEB = Owner("u", "shop", WorkloadKind.DEPLOYMENT, "web")


def read(kind: type[Any], manifest: dict[str, Any]) -> Any:
    metadata = {"name": "x", "namespace": "shop", "uid": "u", "resourceVersion": "1", "creationTimestamp": CREATED}
    full = {**manifest, "metadata": metadata | manifest.get("metadata", {})}
    return msgspec.json.decode(json.dumps(full), type=kind)


@pytest.mark.req("R25")
def test_a_node_with_all_that_is_told_about_it() -> None:
    node = read(
        objects.Node,
        {
            "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/region": "eu-central-1"}},
            "spec": {"providerID": "aws:///eu-central-1a/i-0abc"},
            "status": {
                "nodeInfo": {"operatingSystem": "linux", "architecture": "arm64", "kernelVersion": "6.12.9"},
                "addresses": [
                    {"type": "Hostname", "address": "n1"},
                    {"type": "InternalDNS", "address": "n1.internal"},
                    {"type": "InternalIP", "address": "10.0.0.1"},
                ],
                "conditions": [{"type": "DiskPressure", "status": "True"}, {"type": "Ready", "status": "True"}],
            },
        },
    )

    assert records.node_record(node) == records.hashed(
        wire.NodeRecord(
            uid="u",
            name="n1",
            hash=0,
            os="linux",
            architecture="arm64",
            kernel="6.12.9",
            region="eu-central-1",
            hostname="n1",
            internal_dns="n1.internal",
            internal_ip="10.0.0.1",
            ready=True,
            created_at=CREATED_AT,
        )
    )
    assert records.provider_of(node) == "AWS"


@pytest.mark.req("R25")
@pytest.mark.parametrize(
    ("label", "wanted"),
    [("disable_jfrog_runtime", "true"), ("deadlight.io/sensor", "disabled"), ("deadlight.io/disable-sensor", "true")],
)
def test_a_node_can_be_labelled_to_have_no_sensor(label: str, wanted: str) -> None:
    def disabled(value: str) -> bool:
        return records.node_record(read(objects.Node, {"metadata": {"labels": {label: value}}})).sensor_disabled

    assert disabled(wanted)
    assert not disabled("false")


@pytest.mark.parametrize("status", [{}, {"conditions": None}, {"conditions": [{"type": "Ready", "status": "Unknown"}]}])
def test_a_node_is_ready_only_if_its_kubelet_says_so(status: dict[str, Any]) -> None:
    assert not records.node_record(read(objects.Node, {"status": status})).ready


@pytest.mark.parametrize(
    ("provider_id", "provider"),
    [
        ("aws:///z/i", "AWS"),
        ("gce://p/z/i", "Google"),
        ("azure:///s", "Azure"),
        ("kind://x", "Kubernetes"),
        ("", "Kubernetes"),
    ],
)
def test_the_cloud_is_known_by_the_provider_id(provider_id: str, provider: str) -> None:
    assert records.provider_of(read(objects.Node, {"spec": {"providerID": provider_id}})) == provider


def test_the_cluster_is_where_most_nodes_are_in_all_their_regions() -> None:
    cluster = wire.ClusterRecord(uid="u", name="east", version="v1.36.3")

    located = records.located(cluster, ["AWS", "Kubernetes", "AWS"], ["b", "", "a", "b"])

    assert (located.provider, located.regions, located.version) == ("AWS", ("a", "b"), "v1.36.3")
    assert records.located(cluster, [], []).provider == "Kubernetes"


@pytest.mark.req("R28")
def test_containers_of_all_roles_with_what_their_kubelet_reports() -> None:
    digest = f"sha256:{'a' * 64}"
    pod = read(
        objects.Pod,
        {
            "metadata": {"ownerReferences": None},
            "spec": {
                "nodeName": "n1",
                "initContainers": [{"name": "setup", "image": "reg.example/setup:1"}],
                "containers": [{"name": "web", "image": "reg.example/web:1"}, {"name": "late", "image": "late"}],
                "ephemeralContainers": [{"name": "debug", "image": "busybox"}],
            },
            "status": {
                "phase": "Running",
                "initContainerStatuses": [
                    {
                        "name": "setup",
                        "imageID": f"reg.example/setup@{digest}",
                        "containerID": "containerd://c0",
                        "state": {"terminated": {"exitCode": 0, "startedAt": CREATED, "finishedAt": CREATED}},
                    }
                ],
                "containerStatuses": [
                    {
                        "name": "web",
                        "imageID": f"reg.example/web@{digest}",
                        "containerID": "cri-o://c1",
                        "state": {"running": {"startedAt": CREATED}},
                    },
                    {"name": "late", "imageID": "", "state": {"waiting": {"reason": "ImagePullBackOff"}}},
                ],
                "ephemeralContainerStatuses": None,
            },
        },
    )

    record = records.pod_record(pod, "w")

    assert (record.uid, record.workload_uid, record.node, record.phase) == ("u", "w", "n1", "Running")
    assert record.created_at == CREATED_AT
    assert record.containers == (
        wire.ContainerRecord(
            name="setup",
            role="init",
            image="reg.example/setup:1",
            image_id=f"reg.example/setup@{digest}",
            container_id="c0",
            state="terminated",
            started_at=CREATED_AT,
        ),
        wire.ContainerRecord(
            name="web",
            image="reg.example/web:1",
            image_id=f"reg.example/web@{digest}",
            container_id="c1",
            state="running",
            started_at=CREATED_AT,
        ),
        wire.ContainerRecord(name="late", image="late"),
        wire.ContainerRecord(name="debug", role="ephemeral", image="busybox"),
    )


@pytest.mark.req("R26")
@pytest.mark.parametrize(
    ("kind", "manifest", "scale"),
    [
        (objects.Deployment, {"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}, (3, 2)),
        (objects.Deployment, {"spec": {"replicas": 0}}, (0, 0)),
        (objects.ReplicaSet, {}, (1, 0)),
        (objects.StatefulSet, {"spec": {"replicas": 1}, "status": {"readyReplicas": 1}}, (1, 1)),
        (objects.DaemonSet, {"status": {"desiredNumberScheduled": 40, "numberReady": 39}}, (40, 39)),
        (objects.Job, {"spec": {"completions": 5, "parallelism": 2}, "status": {"succeeded": 3, "ready": 1}}, (5, 4)),
        (objects.Job, {"spec": {"parallelism": 2}, "status": {"ready": None}}, (2, 0)),
        (objects.CronJob, {"status": {"active": [{"name": "j"}]}}, (0, 1)),
        (objects.CronJob, {"status": {"active": None}}, (0, 0)),
    ],
)
def test_how_many_are_wanted_and_ready(kind: type[Any], manifest: dict[str, Any], scale: tuple[int, int]) -> None:
    record = records.workload_record(read(kind, manifest), WEB)

    assert (record.desired, record.ready) == scale


@pytest.mark.req("R26")
def test_only_annotations_that_help_to_find_a_person_are_kept() -> None:
    written = {
        "deadlight.io/owner": "team-red",
        "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web",
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "helm.toolkit.fluxcd.io/name": "web",
        "meta.helm.sh/release-name": "web",
        "kubernetes.io/change-cause": "kubectl set image",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "deployment.kubernetes.io/revision": "7",
        "example.com/secret": "x",
    }

    record = records.workload_record(read(objects.Deployment, {"metadata": {"annotations": written}}), WEB)

    assert set(record.annotations) == {
        "deadlight.io/owner",
        "argocd.argoproj.io/tracking-id",
        "kustomize.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/name",
        "meta.helm.sh/release-name",
        "kubernetes.io/change-cause",
    }


def field(manager: str, time: str, subresource: str = "") -> dict[str, str]:
    return {"manager": manager, "operation": "Update", "time": time, "subresource": subresource}


@pytest.mark.parametrize(
    ("fields", "writer"),
    [
        ([], None),
        (None, None),
        ([field("helm", "2026-11-20T00:00:00Z")], "helm"),
        ([field("argocd", "2026-11-21T00:00:00Z"), field("helm", "2026-11-20T00:00:00Z")], "argocd"),
        (
            [field("helm", "2026-11-20T00:00:00Z"), field("kube-controller-manager", "2026-11-21T00:00:00Z", "status")],
            "helm",
        ),
        ([field("kube-controller-manager", "2026-11-21T00:00:00Z", "status")], None),
    ],
)
def test_the_last_writer_is_the_newest_that_did_not_report_a_status(
    fields: list[dict[str, str]] | None, writer: str | None
) -> None:
    record = records.workload_record(read(objects.Deployment, {"metadata": {"managedFields": fields}}), WEB)

    assert record.annotations.get(records.LAST_WRITER) == writer


def test_nobody_can_claim_to_be_the_last_writer() -> None:
    forged = {"annotations": {records.LAST_WRITER: "somebody-else"}}

    record = records.workload_record(read(objects.Deployment, {"metadata": forged}), WEB)

    assert records.LAST_WRITER not in record.annotations


@pytest.mark.req("R12")
def test_what_does_not_concern_us_does_not_change_the_hash() -> None:
    def hash_of(version: str, condition: str) -> int:
        metadata = {"resourceVersion": version, "managedFields": [{"manager": "kubelet"}]}
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": condition}]}
        return records.pod_record(read(objects.Pod, {"metadata": metadata, "status": status}), "w").hash

    assert hash_of("1", "True") == hash_of("2", "False")


# --- whatever a cluster holds, the wire can carry ---

TEXTS = st.text(max_size=20) | st.sampled_from(["x" * 5000, "\0", "é" * 600])
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=4) | st.just({f"deadlight.io/{n}": "v" * 20_000 for n in range(300)})
CONTAINERS = st.lists(st.builds(objects.Container, name=TEXTS, image=TEXTS), max_size=3) | st.just(
    [objects.Container(name=str(number), image="x") for number in range(400)]
)
METADATA = st.builds(
    objects.LabelledMetadata,
    name=TEXTS,
    uid=st.text(min_size=1, max_size=36),
    resource_version=st.just("1"),
    namespace=TEXTS,
    labels=LABELS,
    annotations=LABELS,
    managed_fields=st.lists(st.builds(objects.ManagedField, manager=TEXTS, time=TEXTS), max_size=2),
)
PODS = st.builds(
    objects.Pod,
    metadata=st.builds(objects.Metadata, name=TEXTS, uid=TEXTS, resource_version=TEXTS, namespace=TEXTS),
    spec=st.builds(objects.PodSpec, node_name=TEXTS, containers=CONTAINERS, init_containers=st.none() | CONTAINERS),
    status=st.builds(objects.PodStatus, phase=TEXTS),
)


@settings(max_examples=50)
@given(METADATA, PODS)
def test_no_object_of_a_cluster_can_make_a_batch_invalid(metadata: objects.LabelledMetadata, pod: objects.Pod) -> None:
    owner = Owner(metadata.uid, metadata.namespace, WorkloadKind.OTHER, metadata.name, kind_name=metadata.name)
    batch = wire.InventoryBatch(
        batch_id="b",
        cluster=wire.ClusterRecord(uid="c", name="c"),
        nodes=(records.node_record(objects.Node(metadata=metadata)),),
        namespaces=(records.namespace_record(objects.Namespace(metadata=metadata)),),
        workloads=(
            records.workload_record(objects.Deployment(metadata=metadata), owner),
            records.bare_pod_record(records.pod_record(pod, "w")),
        ),
        pods=(records.pod_record(pod, metadata.uid),),
    )

    encoded = wire.encode(batch)

    assert wire.decode(encoded, wire.InventoryBatch) == batch
    assert b"\\u0000" not in encoded
