"""The kinds the stand-in serves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object; all are served as v1. `group` is empty for the core group."""

    plural: str
    kind: str
    group: str = ""
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects write it."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """As error messages write it (`replicasets.apps`)."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


NAMESPACES = Resource("namespaces", "Namespace", namespaced=False)
PODS = Resource("pods", "Pod")

RESOURCES = (
    Resource("nodes", "Node", namespaced=False),
    NAMESPACES,
    PODS,
    Resource("deployments", "Deployment", "apps"),
    Resource("replicasets", "ReplicaSet", "apps"),
    Resource("statefulsets", "StatefulSet", "apps"),
    Resource("daemonsets", "DaemonSet", "apps"),
    Resource("jobs", "Job", "batch"),
    Resource("cronjobs", "CronJob", "batch"),
)

BY_KIND = {resource.kind: resource for resource in RESOURCES}
BY_PATH = {(resource.group, resource.plural): resource for resource in RESOURCES}
