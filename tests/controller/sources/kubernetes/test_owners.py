import pytest

from deadlight.controller.sources.kubernetes.objects import Metadata, OwnerReference
from deadlight.controller.sources.kubernetes.owners import Owner, controller_of, workload_of
from deadlight.model.workload import WorkloadKind

POD = Owner("pod-uid", "shop", WorkloadKind.POD, "web-1")


def metadata(*references: OwnerReference) -> Metadata:
    return Metadata(name="x", uid="u", resource_version="1", namespace="shop", owner_references=list(references))


def reference(kind: str, api_version: str = "apps/v1", *, controller: bool = True) -> OwnerReference:
    return OwnerReference(api_version=api_version, kind=kind, name="owner", uid="owner-uid", controller=controller)


@pytest.mark.req("R26", "R27")
@pytest.mark.parametrize(
    ("kind", "api_version", "expected", "kind_name"),
    [
        ("ReplicaSet", "apps/v1", WorkloadKind.REPLICA_SET, ""),
        ("Deployment", "apps/v1", WorkloadKind.DEPLOYMENT, ""),
        ("StatefulSet", "apps/v1", WorkloadKind.STATEFUL_SET, ""),
        ("DaemonSet", "apps/v1", WorkloadKind.DAEMON_SET, ""),
        ("Job", "batch/v1", WorkloadKind.JOB, ""),
        ("CronJob", "batch/v1", WorkloadKind.CRON_JOB, ""),
        ("Rollout", "argoproj.io/v1alpha1", WorkloadKind.OTHER, "Rollout"),
        ("Deployment", "example.com/v1", WorkloadKind.OTHER, "Deployment"),
        ("ReplicationController", "v1", WorkloadKind.OTHER, "ReplicationController"),
    ],
)
def test_a_controller_is_known_by_group_and_kind(
    kind: str, api_version: str, expected: WorkloadKind, kind_name: str
) -> None:
    found = controller_of(metadata(reference(kind, api_version)))

    assert found == Owner("owner-uid", "shop", expected, "owner", kind_name)


def test_an_owner_that_does_not_control_manages_nothing() -> None:
    assert controller_of(metadata(reference("ConfigMap", "v1", controller=False))) is None
    assert controller_of(metadata(reference("X", "v1", controller=False), reference("ReplicaSet"))) is not None
    assert controller_of(Metadata(name="x", uid="u", resource_version="1")) is None


def test_a_static_pod_belongs_to_itself_and_not_to_its_node() -> None:
    assert controller_of(metadata(reference("Node", "v1"))) is None


def test_the_chain_is_followed_through_replica_sets_and_jobs() -> None:
    replica_set = Owner("rs", "shop", WorkloadKind.REPLICA_SET, "web-abc")
    deployment = Owner("d", "shop", WorkloadKind.DEPLOYMENT, "web")
    stateful_set = Owner("s", "shop", WorkloadKind.STATEFUL_SET, "db")

    assert workload_of(POD, None, {}) is POD
    assert workload_of(POD, replica_set, {"rs": deployment}) is deployment
    assert workload_of(POD, replica_set, {"rs": None}) is replica_set
    assert workload_of(POD, replica_set, {}) is replica_set
    assert workload_of(POD, stateful_set, {"rs": deployment}) is stateful_set


def test_replica_sets_that_control_each_other_do_not_turn_us_in_circles() -> None:
    one = Owner("one", "shop", WorkloadKind.REPLICA_SET, "one")
    other = Owner("other", "shop", WorkloadKind.REPLICA_SET, "other")

    assert workload_of(POD, one, {"one": other, "other": one}) is other
