"""The kinds a controller watches: where they are served and how they are decoded."""

from dataclasses import dataclass

from deadlight.controller.sources.kubernetes import objects


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object across all namespaces. `essential` kinds must be readable for the inventory to mean anything."""

    plural: str
    group: str
    """Empty for the core group."""
    kind: type[objects.KubernetesObject]
    essential: bool = False

    @property
    def path(self) -> str:
        """The path that lists and watches it. All watched kinds are served as v1 since Kubernetes 1.21."""
        return f"/apis/{self.group}/v1/{self.plural}" if self.group else f"/api/v1/{self.plural}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


PLACES = (
    Resource("nodes", "", objects.Node, essential=True),
    Resource("namespaces", "", objects.Namespace, essential=True),
)
OWNERS = (
    Resource("deployments", "apps", objects.Deployment),
    Resource("replicasets", "apps", objects.ReplicaSet),
    Resource("statefulsets", "apps", objects.StatefulSet),
    Resource("daemonsets", "apps", objects.DaemonSet),
    Resource("jobs", "batch", objects.Job),
    Resource("cronjobs", "batch", objects.CronJob),
)
PODS = Resource("pods", "", objects.Pod, essential=True)
