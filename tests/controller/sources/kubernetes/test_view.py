"""Owners and pods may arrive in any order: the records they make must not depend on it."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.controller.deltas import Change
from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.objects import KubernetesObject, OwnerReference
from deadlight.controller.sources.kubernetes.view import ClusterView
from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

API = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1"}
API |= {"CronJob": "batch/v1", "DaemonSet": "apps/v1", "Rollout": "argoproj.io/v1alpha1", "Node": "v1"}


def owned_by(kind: str, name: str) -> list[OwnerReference]:
    return [OwnerReference(api_version=API[kind], kind=kind, name=name, uid=f"{name}-uid", controller=True)]


def metadata(name: str, owner: list[OwnerReference] | None, namespace: str) -> objects.LabelledMetadata:
    return objects.LabelledMetadata(
        name=name, uid=f"{name}-uid", resource_version="1", namespace=namespace, owner_references=owner
    )


def made(
    kind: type[objects.Workload], name: str, owner: list[OwnerReference] | None = None, namespace: str = "shop"
) -> objects.Workload:
    return kind(metadata=metadata(name, owner, namespace))


def pod(name: str, owner: list[OwnerReference] | None = None, namespace: str = "shop", phase: str = "") -> objects.Pod:
    return objects.Pod(metadata=metadata(name, owner, namespace), status=objects.PodStatus(phase=phase))


class Told:
    """The records that a view's changes leave in force, checked after every object."""

    def __init__(self, *seen: KubernetesObject) -> None:
        self.view = ClusterView()
        self.records: dict[tuple[str, str], Change] = {}
        self.removed: list[str] = []
        self.see(*seen)

    def see(self, *seen: KubernetesObject) -> None:
        for item in seen:
            self._take(self.view.see(item))

    def forget(self, kind: type[KubernetesObject], *names: str) -> None:
        for name in names:
            self._take(self.view.forget(kind, f"{name}-uid"))

    def _take(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, wire.Removed):
                self.records.pop((change.kind, change.uid), None)
                self.removed.append(change.uid)
            else:
                self.records[type(change).__name__.removesuffix("Record").lower(), change.uid] = change
            if isinstance(change, wire.PodRecord):
                assert ("workload", change.workload_uid) in self.records, "a pod names a workload nobody told of"
        for record in self.records.values():
            if isinstance(record, wire.PodRecord):
                assert ("workload", record.workload_uid) in self.records, "a workload went before its pods"

    @property
    def workloads(self) -> dict[str, WorkloadKind]:
        found = (record for record in self.records.values() if isinstance(record, wire.WorkloadRecord))
        return {record.name: record.kind for record in found}

    def workload_of(self, name: str) -> str:
        record = self.records["pod", f"{name}-uid"]
        assert isinstance(record, wire.PodRecord)
        workload = self.records["workload", record.workload_uid]
        assert isinstance(workload, wire.WorkloadRecord)
        return workload.name


WEB = made(objects.Deployment, "web")
WEB_SET = made(objects.ReplicaSet, "web-abc", owned_by("Deployment", "web"))
WEB_POD = pod("web-abc-1", owned_by("ReplicaSet", "web-abc"))


@pytest.mark.req("R26", "R27")
def test_a_pod_belongs_to_the_deployment_behind_its_replica_set() -> None:
    told = Told(WEB, WEB_SET, WEB_POD)

    assert told.workload_of("web-abc-1") == "web"
    assert told.workloads == {"web": WorkloadKind.DEPLOYMENT}


@pytest.mark.req("R26")
def test_an_owner_that_appears_late_takes_its_pods() -> None:
    told = Told(WEB_POD)
    assert told.workload_of("web-abc-1") == "web-abc"

    told.see(WEB_SET)
    assert told.workload_of("web-abc-1") == "web"
    told.see(WEB)

    assert told.workloads == {"web": WorkloadKind.DEPLOYMENT}


@pytest.mark.req("R24")
def test_a_deleted_deployment_stays_until_its_last_pod_has_ended() -> None:
    told = Told(WEB, WEB_SET, WEB_POD)

    told.forget(objects.Deployment, "web")
    told.forget(objects.ReplicaSet, "web-abc")
    told.see(pod("web-abc-1", owned_by("ReplicaSet", "web-abc"), phase="Failed"))
    assert told.workload_of("web-abc-1") == "web"
    told.forget(objects.Pod, "web-abc-1")

    assert told.records == {}
    assert told.removed == ["web-abc-1-uid", "web-uid"]


def test_an_unwatched_owner_lives_as_long_as_a_pod_names_it() -> None:
    rollout_set = made(objects.ReplicaSet, "canary-1", owned_by("Rollout", "canary"))
    told = Told(rollout_set, pod("canary-1-a", owned_by("ReplicaSet", "canary-1")))

    [record] = [record for record in told.records.values() if isinstance(record, wire.WorkloadRecord)]
    assert (record.kind, record.kind_name, record.name) == (WorkloadKind.OTHER, "Rollout", "canary")
    told.forget(objects.Pod, "canary-1-a")
    assert told.workloads == {}


def test_a_bare_pod_and_a_static_pod_are_workloads_of_their_own() -> None:
    told = Told(pod("alone", phase="Running"), pod("static", owned_by("Node", "node-1")))

    assert told.workloads == {"alone": WorkloadKind.POD, "static": WorkloadKind.POD}
    record = told.records["workload", "alone-uid"]
    assert isinstance(record, wire.WorkloadRecord)
    assert (record.desired, record.ready) == (1, 1)
    told.forget(objects.Pod, "alone", "static")
    assert told.records == {}


def test_a_job_of_a_cron_job_is_no_workload_but_one_on_its_own_is() -> None:
    nightly = made(objects.Job, "nightly-1", owned_by("CronJob", "nightly"))
    told = Told(made(objects.CronJob, "nightly"), nightly, made(objects.Job, "once"))
    told.see(pod("nightly-1-a", owned_by("Job", "nightly-1")), pod("once-a", owned_by("Job", "once")))

    assert told.workloads == {"nightly": WorkloadKind.CRON_JOB, "once": WorkloadKind.JOB}
    assert told.workload_of("nightly-1-a") == "nightly"
    assert told.workload_of("once-a") == "once"


def test_a_replica_set_that_is_adopted_or_released_moves_its_pods() -> None:
    loose = made(objects.ReplicaSet, "web-abc")
    told = Told(WEB, loose, WEB_POD)
    assert told.workload_of("web-abc-1") == "web-abc"

    told.see(WEB_SET)
    assert told.workload_of("web-abc-1") == "web"
    assert told.workloads == {"web": WorkloadKind.DEPLOYMENT}
    told.see(loose)

    assert told.workload_of("web-abc-1") == "web-abc"
    assert set(told.workloads) == {"web", "web-abc"}


@pytest.mark.parametrize("arrival", ["before", "after"])
def test_a_pod_cannot_pass_itself_off_as_part_of_another_namespaces_workload(arrival: str) -> None:
    forged = [
        pod("forged-1", owned_by("ReplicaSet", "web-abc"), namespace="evil"),
        pod("forged-2", owned_by("Deployment", "web"), namespace="evil"),
    ]
    told = Told(*(forged if arrival == "before" else ()), WEB, WEB_SET, WEB_POD)
    told.see(*(forged if arrival == "after" else ()))

    assert told.workload_of("web-abc-1") == "web"
    assert told.workload_of("forged-1") != "web"
    assert told.workload_of("forged-2") != "web"


def test_forgetting_what_was_never_seen_is_no_trouble() -> None:
    told = Told()
    for kind in (objects.Pod, objects.Deployment, objects.ReplicaSet, objects.Node, objects.Namespace):
        told.forget(kind, "nobody")

    assert told.records == {}


@pytest.mark.req("R25")
def test_the_cluster_is_located_by_the_nodes_it_has_now() -> None:
    def node(name: str, region: str) -> objects.Node:
        labels = {"topology.kubernetes.io/region": region}
        about = objects.LabelledMetadata(name=name, uid=f"{name}-uid", resource_version="1", labels=labels)
        return objects.Node(metadata=about, spec=objects.NodeSpec(provider_id="gce://p/z/i"))

    told = Told(node("a", "europe-west1"), node("b", "us-east1"))
    cluster = wire.ClusterRecord(uid="u", name="east")

    assert told.view.locate(cluster).regions == ("europe-west1", "us-east1")
    assert told.view.locate(cluster).provider == "Google"
    told.forget(objects.Node, "b")
    assert told.view.locate(cluster).regions == ("europe-west1",)


# --- any order ---

WORLD: list[KubernetesObject] = [
    WEB,
    WEB_SET,
    made(objects.ReplicaSet, "web-old", owned_by("Deployment", "web")),
    made(objects.ReplicaSet, "canary-1", owned_by("Rollout", "canary")),
    made(objects.ReplicaSet, "loose"),
    made(objects.StatefulSet, "db"),
    made(objects.DaemonSet, "log"),
    made(objects.CronJob, "nightly"),
    made(objects.Job, "nightly-1", owned_by("CronJob", "nightly")),
    made(objects.Job, "once"),
    *(pod(f"web-abc-{number}", owned_by("ReplicaSet", "web-abc")) for number in range(3)),
    pod("canary-1-a", owned_by("ReplicaSet", "canary-1")),
    pod("loose-a", owned_by("ReplicaSet", "loose")),
    pod("db-0", owned_by("StatefulSet", "db")),
    pod("log-a", owned_by("DaemonSet", "log")),
    pod("nightly-1-a", owned_by("Job", "nightly-1")),
    pod("once-a", owned_by("Job", "once")),
    pod("alone"),
    pod("forged", owned_by("ReplicaSet", "web-abc"), namespace="evil"),
]
IN_ORDER = Told(*WORLD).records


@pytest.mark.req("R26", "R27")
@given(st.permutations(WORLD))
def test_in_whatever_order_objects_arrive_the_records_are_the_same(order: list[KubernetesObject]) -> None:
    assert Told(*order).records == IN_ORDER


@given(st.permutations(WORLD), st.permutations(WORLD))
def test_in_whatever_order_everything_goes_nothing_is_left(
    arrivals: list[KubernetesObject], departures: list[KubernetesObject]
) -> None:
    told = Told(*arrivals)
    for item in departures:
        told.forget(type(item), item.metadata.name)

    assert told.records == {}
    left = (told.view._pods, told.view._pods_under, told.view._pods_of, told.view._controllers)
    assert not any(left)
    assert not told.view._departed
    assert not told.view._workloads
