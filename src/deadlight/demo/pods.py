"""Plays the workloads that the stand-in's controllers do not: bare pods, Jobs, CronJobs, ReplicaSets, Rollouts.

Each has one pod. What already runs is left as it is.
"""

from collections.abc import Callable
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from deadlight.demo.deployers import marks_of
from deadlight.demo.kubernetes.controllers import CONTROLLER_MANAGER, KUBELET
from deadlight.demo.kubernetes.manifests import Manifest, Part
from deadlight.demo.kubernetes.resources import BY_KIND, NAMESPACES, PODS
from deadlight.demo.kubernetes.store import Cluster
from deadlight.demo.world import WorkloadPlan
from deadlight.model.workload import WorkloadKind

PLAYED = frozenset(
    {WorkloadKind.POD, WorkloadKind.JOB, WorkloadKind.CRON_JOB, WorkloadKind.REPLICA_SET, WorkloadKind.OTHER}
)


def start(cluster: Cluster, plan: WorkloadPlan, image_id: str, node: str) -> None:
    """Bring a workload of one of the `PLAYED` kinds, its pod running as `image_id` on `node`."""
    if f"/{plan.namespace}" not in cluster.shelf(NAMESPACES).objects:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": plan.namespace}})
    name = plan.name if plan.kind is WorkloadKind.POD else f"{plan.name}-{_suffix(plan)}"
    if f"{plan.namespace}/{name}" not in cluster.shelf(PODS).objects:
        pod = _create_pod(cluster, plan, name, node)
        cluster.replace(pod | {"status": _status(pod, image_id)}, manager=KUBELET, part=Part.STATUS)


def stop(cluster: Cluster, plan: WorkloadPlan) -> None:
    """Remove the pod and everything that owns it."""
    for kind in ("Pod", "Job", "CronJob", "ReplicaSet"):
        for found in cluster.list(kind, plan.namespace):
            if found["metadata"].get("labels", {}).get("app") == plan.name:
                cluster.delete(kind, found["metadata"]["name"], plan.namespace)


def _create_pod(cluster: Cluster, plan: WorkloadPlan, name: str, node: str) -> Manifest:
    marks, owner = marks_of(plan), _OWNERS[plan.kind](cluster, plan)
    containers = [{"name": plan.name, "image": plan.image.reference}]
    manifest = _manifest(plan, "Pod", name) | {"spec": {"nodeName": node, "containers": containers}}
    manifest["metadata"] |= {"ownerReferences": [owner]} if owner else {"annotations": dict(marks.annotations)}
    return cluster.create(manifest, manager=CONTROLLER_MANAGER if owner else marks.manager, part=Part.MAIN)


def _status(pod: Manifest, image_id: str) -> Manifest:
    """What the kubelet reports once the pod's container runs."""
    (container,) = pod["spec"]["containers"]
    container_id = sha256(f"{pod['metadata']['uid']}/{container['name']}".encode()).hexdigest()
    status = container | {"imageID": image_id, "containerID": f"containerd://{container_id}", "ready": True}
    status |= {"restartCount": 0, "state": {"running": {"startedAt": pod["metadata"]["creationTimestamp"]}}}
    return {"phase": "Running", "containerStatuses": [status]}


# --- who owns the pod: an owner reference, or None for a bare pod ---------------------------------------------


def _nobody(_cluster: Cluster, _plan: WorkloadPlan) -> None:
    return None


def _job(cluster: Cluster, plan: WorkloadPlan) -> Manifest:
    return _write(cluster, plan, _manifest(plan, "Job", plan.name) | _ONE_RUN)


def _cron_job(cluster: Cluster, plan: WorkloadPlan) -> Manifest:
    parent = _write(cluster, plan, _manifest(plan, "CronJob", plan.name) | {"spec": {"schedule": "0 2 * * *"}})
    return _write(cluster, plan, _manifest(plan, "Job", f"{plan.name}-29412960") | _ONE_RUN, parent)


def _replica_set(cluster: Cluster, plan: WorkloadPlan) -> Manifest:
    return _write(cluster, plan, _manifest(plan, "ReplicaSet", plan.name) | _ONE_REPLICA)


def _rollout(cluster: Cluster, plan: WorkloadPlan) -> Manifest:
    """The ReplicaSet of an Argo Rollout, a kind that the stand-in does not serve."""
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": plan.name, "controller": True}
    rollout["uid"] = str(uuid5(NAMESPACE_URL, f"{cluster.name}/{plan.namespace}/{plan.name}"))
    return _write(cluster, plan, _manifest(plan, "ReplicaSet", f"{plan.name}-6d5f9c7b8") | _ONE_REPLICA, rollout)


_OWNERS: dict[WorkloadKind, Callable[[Cluster, WorkloadPlan], Manifest | None]] = {
    WorkloadKind.POD: _nobody,
    WorkloadKind.JOB: _job,
    WorkloadKind.CRON_JOB: _cron_job,
    WorkloadKind.REPLICA_SET: _replica_set,
    WorkloadKind.OTHER: _rollout,
}

_ONE_RUN: Manifest = {"spec": {"completions": 1, "parallelism": 1}, "status": {"active": 1, "ready": 1}}
_ONE_REPLICA: Manifest = {"spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}}


def _write(cluster: Cluster, plan: WorkloadPlan, manifest: Manifest, owner: Manifest | None = None) -> Manifest:
    """Write an object, owned by what a reference names or else marked as the deployer's; returns a reference to it."""
    marks = marks_of(plan)
    metadata = manifest["metadata"] | {"labels": {"app": plan.name, **marks.labels}}
    metadata |= {"annotations": dict(marks.annotations)} | ({"ownerReferences": [owner]} if owner else {})
    manager = CONTROLLER_MANAGER if owner else marks.manager
    written = cluster.apply({**manifest, "metadata": metadata}, manager=manager, part=Part.MAIN)
    if "status" in manifest:
        cluster.replace({**written, "status": manifest["status"]}, manager=CONTROLLER_MANAGER, part=Part.STATUS)
    named = {"name": metadata["name"], "uid": written["metadata"]["uid"], "controller": True}
    return {"apiVersion": written["apiVersion"], "kind": written["kind"]} | named


def _manifest(plan: WorkloadPlan, kind: str, name: str) -> Manifest:
    metadata = {"namespace": plan.namespace, "name": name, "labels": {"app": plan.name}}
    return {"apiVersion": BY_KIND[kind].api_version, "kind": kind, "metadata": metadata}


def _suffix(plan: WorkloadPlan) -> str:
    return sha256(f"{plan.namespace}/{plan.name}".encode()).hexdigest()[:5]
