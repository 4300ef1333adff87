"""Brings a stand-in cluster in line with its plan, and keeps it over restarts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from deadlight.demo import pods
from deadlight.demo.deployers import marks_of
from deadlight.demo.images import BuiltImage, BuiltIndex
from deadlight.demo.kubernetes.controllers import Controllers, Workload
from deadlight.demo.kubernetes.manifests import Manifest, stored
from deadlight.demo.kubernetes.resources import BY_KIND, NAMESPACES, PODS, RESOURCES
from deadlight.demo.kubernetes.store import Cluster
from deadlight.demo.recipes import AMD64, DemoImage
from deadlight.demo.world import ClusterPlan, NodePlan, WorkloadPlan

SYSTEM_NAMESPACES = frozenset({"default", "kube-system"})


@dataclass(frozen=True, slots=True)
class ImageIds:
    """What kubelets report as `imageID` of what they pull: by index, or by the platform's manifest."""

    index: str
    platform: str


def pulled(image: DemoImage, built: BuiltImage | BuiltIndex) -> ImageIds:
    """The ids of an image that was pulled from its registry."""
    name = f"{image.host}/{image.repository}"
    if isinstance(built, BuiltImage):
        return ImageIds(f"{name}@{built.manifest.digest}", f"{name}@{built.manifest.digest}")
    (amd64,) = (each for each in built.images if each.platform == AMD64)
    return ImageIds(f"{name}@{built.index.digest}", f"{name}@{amd64.manifest.digest}")


def side_loaded(built: BuiltImage | BuiltIndex) -> ImageIds:
    """The ids of an image that was loaded onto a node from a file: nothing but its configuration names it."""
    image = built if isinstance(built, BuiltImage) else built.images[0]
    return ImageIds(image.config.digest, image.config.digest)


class DemoCluster:
    """A cluster of the demonstration. `image_ids` says for each reference what would be pulled now."""

    def __init__(self, plan: ClusterPlan, image_ids: Mapping[str, ImageIds], file: Path) -> None:
        self.plan = plan
        self.standin = Cluster(plan.name)
        self._image_ids = image_ids
        self._file = file
        self._controllers = Controllers(self.standin, self._image_id)
        self._restore()

    @property
    def uid(self) -> str:
        """What the service knows it by."""
        return self.standin.read(NAMESPACES, "kube-system").uid

    def has(self, name: str) -> bool:
        """Whether a workload of this name is planned here."""
        return any(plan.name == name for plan in self.plan.workloads)

    def settle(self) -> None:
        """Make it what the plan says: what is missing appears, what is not planned goes, old images are replaced."""
        self._remove_unplanned()
        self._add_nodes(node for node in self.plan.nodes if node.architecture == AMD64.architecture)
        everywhere = [plan for plan in self.plan.workloads if len(plan.image.platforms) > 1]
        for plan in self.plan.workloads:
            if plan not in everywhere:
                self.run(plan)
        # Nodes of another architecture come last, and find only what also runs on them left to place.
        self._add_nodes(node for node in self.plan.nodes if node.architecture != AMD64.architecture)
        for plan in everywhere:
            self.run(plan)
        self.save()

    def run(self, plan: WorkloadPlan, image_ids: ImageIds | None = None) -> None:
        """Deploy a workload, or roll it out where it is there with something else; `image_ids` are for bare pods."""
        if plan.kind in pods.PLAYED:
            image_id = self._choose(image_ids) if image_ids else self._image_id(plan.image.reference)
            pods.start(self.standin, plan, image_id, self._quiet_node())
            return
        self._delete_outdated_pods(plan)
        marks = marks_of(plan)
        self._controllers.apply(
            Workload(
                namespace=plan.namespace,
                name=plan.name,
                images={plan.name: plan.image.reference},
                kind=plan.kind.value,
                replicas=plan.replicas,
                labels=marks.labels,
                annotations=marks.annotations,
                manager=marks.manager,
            )
        )

    def remove(self, plan: WorkloadPlan) -> None:
        """Delete a workload, if it is there."""
        if plan.kind in pods.PLAYED:
            pods.stop(self.standin, plan)
        elif f"{plan.namespace}/{plan.name}" in self.standin.shelf(BY_KIND[plan.kind.value]).objects:
            self._controllers.delete(plan.kind.value, plan.namespace, plan.name)

    def pods_on(self, node: str) -> list[Manifest]:
        """The pods of a node."""
        found = self.standin.shelf(PODS).objects.values()
        return [item.manifest() for item in found if item.fields["spec.nodeName"] == node]

    # --- parts ---

    def _image_id(self, reference: str) -> str:
        return self._choose(self._image_ids[reference])

    def _choose(self, ids: ImageIds) -> str:
        return ids.platform if self.plan.pulls_by_platform else ids.index

    def _add_nodes(self, nodes: Iterable[NodePlan]) -> None:
        for node in nodes:
            labels = {"topology.kubernetes.io/region": node.region, "topology.kubernetes.io/zone": node.zone}
            labels |= {"disable_jfrog_runtime": "true"} if node.sensor_disabled else {}
            self._controllers.add_node(
                node.name, labels=labels, provider_id=node.provider_id, architecture=node.architecture
            )

    def _quiet_node(self) -> str:
        load = [item.fields["spec.nodeName"] for item in self.standin.shelf(PODS).objects.values()]
        names = [node.name for node in self.plan.nodes if node.architecture == AMD64.architecture]
        return min(names, key=load.count)

    def _delete_outdated_pods(self, plan: WorkloadPlan) -> None:
        """Those that run what nobody would pull any more; they come back with what is pulled now."""
        wanted = self._image_id(plan.image.reference)
        for pod in self.standin.list("Pod", plan.namespace):
            (status,) = pod["status"]["containerStatuses"]
            is_outdated = status["image"] == plan.image.reference and status["imageID"] != wanted
            if pod["metadata"]["labels"].get("app") == plan.name and is_outdated:
                self.standin.delete("Pod", pod["metadata"]["name"], plan.namespace)

    def _remove_unplanned(self) -> None:
        namespaces = {plan.namespace for plan in self.plan.workloads} | SYSTEM_NAMESPACES
        nodes = {node.name for node in self.plan.nodes}
        names = {(plan.namespace, plan.name) for plan in self.plan.workloads}
        for kind, kept in (("Namespace", namespaces), ("Node", nodes)):
            for name in {found["metadata"]["name"] for found in self.standin.list(kind)} - kept:
                self.standin.delete(kind, name)
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet", "Pod"):
            for found in self.standin.list(kind):
                place = found["metadata"]["namespace"], found["metadata"]["labels"]["app"]
                if place not in names:
                    self.standin.delete(kind, found["metadata"]["name"], place[0])

    # --- over restarts ---

    def save(self) -> None:
        """Write everything down, so that the same cluster is there after a restart."""
        objects = [item.body for resource in RESOURCES for item in self.standin.shelf(resource).objects.values()]
        fresh = self._file.with_suffix(".new")
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(b"\n".join(objects))
        fresh.replace(self._file)

    def _restore(self) -> None:
        if not self._file.exists():
            return
        for line in self._file.read_bytes().splitlines():
            item = msgspec.json.decode(line, type=Manifest)
            kept = stored(item)
            self.standin.shelf(BY_KIND[item["kind"]]).objects[kept.key] = kept
            self.standin.version = max(self.standin.version, kept.version)
        self.standin.compact()
