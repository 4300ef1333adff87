"""Plays the controllers, the scheduler and the kubelets: makes a workload produce its pods.

Everything happens at once and succeeds, in the order and under the field managers of a real cluster. Drive it in
process; what comes of it is read over the API.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from deadlight.demo.kubernetes.manifests import Manifest, Part
from deadlight.demo.kubernetes.resources import BY_KIND, NAMESPACES, PODS
from deadlight.demo.kubernetes.store import Cluster

CONTROLLER_MANAGER = "kube-controller-manager"
KUBELET = "kubelet"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What somebody wants to run. `kind` is Deployment, StatefulSet or DaemonSet; a DaemonSet ignores `replicas`."""

    namespace: str
    name: str
    images: Mapping[str, str]
    """Image references by container name."""
    kind: str = "Deployment"
    replicas: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    manager: str = "kubectl-client-side-apply"
    """Who writes the manifest: a person's kubectl, helm, argocd-controller ..."""

    @property
    def template_hash(self) -> str:
        """Changes when the pods would."""
        return sha256(repr(sorted(self.images.items())).encode()).hexdigest()[:10]


class Controllers:
    """Brings a cluster's pods in line with its workloads.

    `resolve_image_id` answers with the `imageID` a kubelet would report for an image reference; empty text leaves the
    container waiting, as when an image cannot be pulled.
    """

    def __init__(self, cluster: Cluster, resolve_image_id: Callable[[str], str]) -> None:
        self._cluster = cluster
        self._resolve_image_id = resolve_image_id

    def add_node(
        self, name: str, *, labels: Mapping[str, str] = _NOTHING, provider_id: str = "", architecture: str = "amd64"
    ) -> Manifest:
        """Register a node and report it ready."""
        info = {"operatingSystem": "linux", "architecture": architecture, "kernelVersion": "6.12.9"}
        addresses = [{"type": "Hostname", "address": name}, {"type": "InternalDNS", "address": f"{name}.internal"}]
        manifest = _manifest("Node", name, labels={"kubernetes.io/hostname": name, **labels})
        manifest["spec"] = {"providerID": provider_id} if provider_id else {}
        manifest["status"] = {
            "nodeInfo": info,
            "addresses": addresses,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        }
        return self._cluster.apply(manifest, manager=KUBELET)

    def apply(self, workload: Workload) -> Manifest:
        """Create the workload, or roll it out where its images changed, or scale it; returns its object."""
        if f"/{workload.namespace}" not in self._cluster.shelf(NAMESPACES).objects:
            self._cluster.apply(_manifest("Namespace", workload.namespace))
        labels = {"app": workload.name, **workload.labels}
        manifest = _manifest(workload.kind, workload.name, workload.namespace, labels, workload.annotations)
        manifest["spec"] = {"replicas": workload.replicas, "template": {"spec": _containers(workload)}}
        owner = self._cluster.apply(manifest, manager=workload.manager, part=Part.MAIN)
        parent = self._replica_set(workload, owner) if workload.kind == "Deployment" else owner
        names = list(self._pod_names(workload, parent))
        kept = {pod["metadata"]["name"] for pod in self._pods(workload) if _is_child(pod, parent, workload)}
        for name in names:
            if name not in kept:
                self._start(workload, parent, name)
        for pod in self._pods(workload):
            if pod["metadata"]["name"] not in names:
                self._cluster.delete("Pod", pod["metadata"]["name"], workload.namespace)
        return self._report(workload, owner, len(names))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete a workload and, as garbage collection does, what it produced."""
        gone = self._cluster.delete(kind, name, namespace)
        parents = {gone["metadata"]["uid"]}
        for replica_set in self._cluster.list("ReplicaSet", namespace):
            if _controller(replica_set) in parents:
                parents.add(replica_set["metadata"]["uid"])
                self._cluster.delete("ReplicaSet", replica_set["metadata"]["name"], namespace)
        for pod in self._cluster.list("Pod", namespace):
            if _controller(pod) in parents:
                self._cluster.delete("Pod", pod["metadata"]["name"], namespace)

    def _replica_set(self, workload: Workload, owner: Manifest) -> Manifest:
        """The ReplicaSet of today's template; those of earlier ones are scaled to nothing."""
        name = f"{workload.name}-{workload.template_hash}"
        for other in self._cluster.list("ReplicaSet", workload.namespace):
            if _controller(other) == owner["metadata"]["uid"] and other["metadata"]["name"] != name:
                other["spec"]["replicas"] = 0
                other["status"] = {"replicas": 0}
                self._cluster.apply(other, manager=CONTROLLER_MANAGER)
        labels = {"app": workload.name, "pod-template-hash": workload.template_hash}
        manifest = _manifest("ReplicaSet", name, workload.namespace, labels)
        manifest["metadata"]["ownerReferences"] = [_reference(owner)]
        manifest["spec"] = {"replicas": workload.replicas}
        manifest["status"] = {"replicas": workload.replicas, "readyReplicas": workload.replicas}
        return self._cluster.apply(manifest, manager=CONTROLLER_MANAGER)

    def _pod_names(self, workload: Workload, parent: Manifest) -> Iterator[str]:
        if workload.kind == "DaemonSet":
            for node in self._cluster.list("Node"):
                yield f"{workload.name}-{node['metadata']['name']}-{workload.template_hash[:5]}"
        for number in range(workload.replicas if workload.kind != "DaemonSet" else 0):
            stable = f"{workload.name}-{number}"
            unique = sha256(f"{parent['metadata']['uid']}/{number}".encode()).hexdigest()[:5]
            yield stable if workload.kind == "StatefulSet" else f"{parent['metadata']['name']}-{unique}"

    def _pods(self, workload: Workload) -> list[Manifest]:
        found = self._cluster.shelf(PODS).objects.values()
        mine = (item for item in found if item.namespace == workload.namespace)
        return [item.manifest() for item in mine if item.labels.get("app") == workload.name]

    def _start(self, workload: Workload, parent: Manifest, name: str) -> None:
        """Create a pod, give it a node and report its containers; one of another template makes room first."""
        if f"{workload.namespace}/{name}" in self._cluster.shelf(PODS).objects:
            self._cluster.delete("Pod", name, workload.namespace)
        labels = {"app": workload.name, "pod-template-hash": workload.template_hash, **workload.labels}
        manifest = _manifest("Pod", name, workload.namespace, labels)
        manifest["metadata"]["ownerReferences"] = [_reference(parent)]
        node = self._node_of(workload, name)
        manifest["spec"] = _containers(workload) | ({"nodeName": node} if node else {})
        pod = self._cluster.create(manifest, manager=CONTROLLER_MANAGER, part=Part.MAIN)
        pod["status"] = self._status(workload, pod)
        self._cluster.replace(pod, manager=KUBELET, part=Part.STATUS)

    def _node_of(self, workload: Workload, pod: str) -> str:
        nodes = [node["metadata"]["name"] for node in self._cluster.list("Node")]
        if workload.kind == "DaemonSet":
            return next((node for node in nodes if pod.startswith(f"{workload.name}-{node}-")), "")
        load = Counter(item.fields["spec.nodeName"] for item in self._cluster.shelf(PODS).objects.values())
        return min(nodes, key=lambda node: load[node], default="")

    def _status(self, workload: Workload, pod: Manifest) -> Manifest:
        metadata = pod["metadata"]
        statuses = []
        for name, image in workload.images.items():
            image_id = self._resolve_image_id(image)
            container = sha256(f"{metadata['uid']}/{name}".encode()).hexdigest()
            running = {"running": {"startedAt": metadata["creationTimestamp"]}}
            waiting = {"waiting": {"reason": "ImagePullBackOff"}}
            statuses.append(
                {
                    "name": name,
                    "image": image,
                    "imageID": image_id,
                    "ready": bool(image_id),
                    "restartCount": 0,
                    "state": running if image_id else waiting,
                }
                | ({"containerID": f"containerd://{container}"} if image_id else {})
            )
        started = all(status["ready"] for status in statuses)
        return {"phase": "Running" if started else "Pending", "containerStatuses": statuses}

    def _report(self, workload: Workload, owner: Manifest, pods: int) -> Manifest:
        if workload.kind == "DaemonSet":
            status = {"desiredNumberScheduled": pods, "numberReady": pods}
        else:
            status = {"replicas": pods, "readyReplicas": pods}
        return self._cluster.replace({**owner, "status": status}, manager=CONTROLLER_MANAGER, part=Part.STATUS)


def _manifest(
    kind: str,
    name: str,
    namespace: str = "",
    labels: Mapping[str, str] = _NOTHING,
    annotations: Mapping[str, str] = _NOTHING,
) -> Manifest:
    metadata: Manifest = {"name": name, "labels": dict(labels), "annotations": dict(annotations)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": BY_KIND[kind].api_version, "kind": kind, "metadata": metadata}


def _containers(workload: Workload) -> Manifest:
    return {"containers": [{"name": name, "image": image} for name, image in workload.images.items()]}


def _reference(owner: Manifest) -> Manifest:
    shared = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True, "blockOwnerDeletion": True}
    return shared | {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}


def _controller(manifest: Manifest) -> str:
    references = manifest["metadata"].get("ownerReferences", ())
    return next((reference["uid"] for reference in references if reference["controller"]), "")


def _is_child(pod: Manifest, parent: Manifest, workload: Workload) -> bool:
    template = str(pod["metadata"]["labels"].get("pod-template-hash", ""))
    return template == workload.template_hash and _controller(pod) == str(parent["metadata"]["uid"])
