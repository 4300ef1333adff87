"""Which workload a pod belongs to. Pure.

The chain is at most two steps long: a pod's controller, and what controls that where it is a ReplicaSet or a Job.
Deployments, StatefulSets, DaemonSets and CronJobs are what people call the workload, even where an operator's own
resource stands behind them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deadlight.controller.sources.kubernetes.objects import Metadata, OwnerReference
from deadlight.model.workload import WorkloadKind

_KINDS = {
    ("apps", "Deployment"): WorkloadKind.DEPLOYMENT,
    ("apps", "ReplicaSet"): WorkloadKind.REPLICA_SET,
    ("apps", "StatefulSet"): WorkloadKind.STATEFUL_SET,
    ("apps", "DaemonSet"): WorkloadKind.DAEMON_SET,
    ("batch", "Job"): WorkloadKind.JOB,
    ("batch", "CronJob"): WorkloadKind.CRON_JOB,
}


@dataclass(frozen=True, slots=True)
class Owner:
    """A workload as a reference names it; `kind_name` is its own kind where `kind` is Other."""

    uid: str
    namespace: str
    kind: WorkloadKind
    name: str
    kind_name: str = ""


def controller_of(metadata: Metadata) -> Owner | None:
    """The one owner that manages an object, None where it manages itself.

    A static pod's controller is its node, which is a place and no workload: it counts as managing itself.
    """
    for reference in metadata.owner_references or ():
        if reference.controller and (reference.api_version, reference.kind) != ("v1", "Node"):
            return _owner(reference, metadata.namespace)
    return None


def workload_of(pod: Owner, controller: Owner | None, controllers: Mapping[str, Owner | None]) -> Owner:
    """The workload of `pod`, given its `controller` and what is known to control ReplicaSets and Jobs, by their uid.

    A ReplicaSet or Job that is not (yet) known stands for itself.
    """
    if controller is None:
        return pod
    return controllers.get(controller.uid) or controller


def _owner(reference: OwnerReference, namespace: str) -> Owner:
    group = reference.api_version.partition("/")[0]
    kind = _KINDS.get((group, reference.kind), WorkloadKind.OTHER)
    kind_name = reference.kind if kind is WorkloadKind.OTHER else ""
    return Owner(reference.uid, namespace, kind, reference.name, kind_name)
