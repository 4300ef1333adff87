"""A cluster as wire records, kept while its objects come and go. No clock, no network.

What it promises, in whatever order the kinds arrive: a pod's record always names a workload whose record exists, and
once everything has arrived the records are the same as if everything had arrived owners first.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from deadlight.controller.deltas import Change
from deadlight.controller.sources.kubernetes import objects, records
from deadlight.controller.sources.kubernetes.deployers import DeployerBook
from deadlight.controller.sources.kubernetes.owners import Owner, controller_of, workload_of
from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

Changes: TypeAlias = Iterator[Change]

_WORKLOAD_KIND: dict[type[objects.Workload], WorkloadKind] = {
    objects.Deployment: WorkloadKind.DEPLOYMENT,
    objects.ReplicaSet: WorkloadKind.REPLICA_SET,
    objects.StatefulSet: WorkloadKind.STATEFUL_SET,
    objects.DaemonSet: WorkloadKind.DAEMON_SET,
    objects.Job: WorkloadKind.JOB,
    objects.CronJob: WorkloadKind.CRON_JOB,
}


@dataclass(frozen=True, slots=True)
class _Pod:
    itself: Owner
    controller: Owner | None
    record: wire.PodRecord


class ClusterView:
    """Consumes objects, yields the record changes that follow. The iterators must be exhausted: they do the work."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str]] = {}
        """Provider and region of each node, by its uid."""
        self._pods: dict[str, _Pod] = {}
        self._pods_under: defaultdict[str, set[str]] = defaultdict(set)
        """The pods whose controller has this uid."""
        self._pods_of: defaultdict[str, set[str]] = defaultdict(set)
        """The pods whose record names this workload."""
        self._controllers: dict[str, Owner | None] = {}
        """What controls each ReplicaSet and Job, by its uid."""
        self._departed: set[str] = set()
        """ReplicaSets and Jobs that are deleted while pods of theirs still end: what controlled them is kept."""
        self._served: dict[str, Owner] = {}
        """Workloads whose object exists."""
        self._workloads: dict[str, wire.WorkloadRecord] = {}
        """Workload records in force: those of served objects, and of whatever else pods belong to."""
        self.deployers = DeployerBook()

    def see(self, seen: objects.KubernetesObject) -> Changes:
        """An object exists and looks like this."""
        match seen:
            case objects.Node():
                record = records.node_record(seen)
                self._places[record.uid] = (records.provider_of(seen), record.region)
                yield record
            case objects.Namespace():
                yield records.namespace_record(seen)
            case objects.Pod():
                yield from self._see_pod(seen)
            case _:
                yield from self._see_workload(seen)

    def forget(self, kind: type[objects.KubernetesObject], uid: str) -> Changes:
        """An object of `kind` exists no more, if it ever did."""
        if kind is objects.Node:
            self._places.pop(uid, None)
            yield wire.Removed(kind="node", uid=uid)
        elif kind is objects.Namespace:
            yield wire.Removed(kind="namespace", uid=uid)
        elif kind is objects.Pod:
            yield from self._forget_pod(uid)
        else:
            yield from self._forget_workload(uid)

    def attribute(self, uid: str, deployer: wire.Deployer) -> Changes:
        """Somebody asked for what a workload is to be; it may not be so yet, or never."""
        if self.deployers.note(uid, deployer) and uid in self._workloads:
            self._workloads[uid] = self._attributed(self._workloads[uid])
            yield self._workloads[uid]

    def locate(self, cluster: wire.ClusterRecord) -> wire.ClusterRecord:
        """The cluster's own record, completed by what its nodes tell."""
        places = self._places.values()
        return records.located(cluster, [provider for provider, _ in places], [region for _, region in places])

    # --- pods ---

    def _see_pod(self, pod: objects.Pod) -> Changes:
        uid, controller = pod.metadata.uid, controller_of(pod.metadata)
        before = self._pods.get(uid)
        if before is not None and before.controller != controller:
            self._leave_controller(uid)
        if controller is not None:
            self._pods_under[controller.uid].add(uid)
        itself = Owner(uid, pod.metadata.namespace, WorkloadKind.POD, pod.metadata.name)
        workload = self._workload_of(itself, controller)
        yield from self._place(_Pod(itself, controller, records.pod_record(pod, workload.uid)), workload)

    def _forget_pod(self, uid: str) -> Changes:
        self._leave_controller(uid)
        pod = self._pods.pop(uid, None)
        if pod is not None:
            yield wire.Removed(kind="pod", uid=uid)
            yield from self._leave_workload(uid, pod.record.workload_uid)

    def _place(self, pod: _Pod, workload: Owner) -> Changes:
        """Yield the pod's record after the workload's, and what that makes of the workload it belonged to before."""
        uid, before = pod.itself.uid, self._pods.get(pod.itself.uid)
        if before is not None and before.record.hash == pod.record.hash:
            pod = replace(pod, record=before.record)
        self._pods[uid] = pod
        self._pods_of[workload.uid].add(uid)
        if workload.kind is WorkloadKind.POD:
            self._workloads[uid] = self._attributed(records.bare_pod_record(pod.record))
            yield self._workloads[uid]
        elif workload.uid not in self._workloads:
            self._workloads[workload.uid] = records.named_workload_record(workload)
            yield self._workloads[workload.uid]
        yield pod.record
        if before is not None and before.record.workload_uid != workload.uid:
            yield from self._leave_workload(uid, before.record.workload_uid)

    def _workload_of(self, pod: Owner, controller: Owner | None) -> Owner:
        """The pod's workload; a reference across namespaces is void, as it is for Kubernetes' own garbage collector."""
        workload = workload_of(pod, controller, self._controllers)
        known = self._served.get(workload.uid, workload)
        return workload if known.namespace == pod.namespace else pod

    def _settle(self, pod_uids: set[str]) -> Changes:
        """Place pods again whose workload may have become another one."""
        for uid in sorted(pod_uids):
            pod = self._pods[uid]
            workload = self._workload_of(pod.itself, pod.controller)
            if workload.uid != pod.record.workload_uid:
                yield from self._place(replace(pod, record=records.moved(pod.record, workload.uid)), workload)

    def _leave_controller(self, uid: str) -> None:
        pod = self._pods.get(uid)
        if pod is None or pod.controller is None:
            return
        controller = pod.controller.uid
        self._pods_under[controller].discard(uid)
        if not self._pods_under[controller]:
            del self._pods_under[controller]
            if controller in self._departed:
                self._departed.discard(controller)
                self._controllers.pop(controller, None)

    def _leave_workload(self, uid: str, workload_uid: str) -> Changes:
        self._pods_of[workload_uid].discard(uid)
        if not self._pods_of[workload_uid]:
            del self._pods_of[workload_uid]
        yield from self._release(workload_uid)

    # --- workloads ---

    def _see_workload(self, workload: objects.Workload) -> Changes:
        metadata, controller = workload.metadata, None
        if isinstance(workload, objects.ReplicaSet | objects.Job):
            controller = controller_of(metadata)
            yield from self._set_controller(metadata.uid, controller)
        if controller is None:
            owner = Owner(metadata.uid, metadata.namespace, _WORKLOAD_KIND[type(workload)], metadata.name)
            yield from self._serve(owner, records.workload_record(workload, owner))

    def _serve(self, owner: Owner, record: wire.WorkloadRecord) -> Changes:
        is_new = owner.uid not in self._served
        self._served[owner.uid] = owner
        self._workloads[owner.uid] = self._attributed(record)
        yield self._workloads[owner.uid]
        if is_new and owner.uid in self._pods_of:
            yield from self._settle(self._pods_of[owner.uid])

    def _attributed(self, record: wire.WorkloadRecord) -> wire.WorkloadRecord:
        return records.attributed(record, self.deployers.find(record.uid, record.template))

    def _set_controller(self, uid: str, controller: Owner | None) -> Changes:
        """What controls a ReplicaSet or Job; one that something controls is no workload of its own."""
        self._departed.discard(uid)
        before = self._controllers.get(uid)
        self._controllers[uid] = controller
        if controller is not None:
            self._served.pop(uid, None)
        if before != controller and uid in self._pods_under:
            yield from self._settle(self._pods_under[uid])
        yield from self._release(uid)

    def _forget_workload(self, uid: str) -> Changes:
        self._served.pop(uid, None)
        if uid in self._pods_under:
            self._departed.add(uid)
        else:
            self._controllers.pop(uid, None)
        yield from self._release(uid)

    def _release(self, workload_uid: str) -> Changes:
        """Remove a workload's record once neither an object nor a pod needs it."""
        if workload_uid in self._served or workload_uid in self._pods_of:
            return
        self.deployers.forget(workload_uid)
        if self._workloads.pop(workload_uid, None) is not None:
            yield wire.Removed(kind="workload", uid=workload_uid)
