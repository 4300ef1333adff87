"""Kubernetes objects as the product talks about them."""

from dataclasses import dataclass
from enum import StrEnum


class WorkloadKind(StrEnum):
    """What ultimately owns a pod."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    REPLICA_SET = "ReplicaSet"
    JOB = "Job"
    CRON_JOB = "CronJob"
    POD = "Pod"
    OTHER = "Other"


class RuntimeStatus(StrEnum):
    """Whether something runs now."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class WorkloadRef:
    """A workload by the names people use."""

    cluster: str
    namespace: str
    kind: WorkloadKind
    name: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.kind.value}/{self.name}"
