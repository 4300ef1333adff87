"""Kubernetes objects -> wire records. Pure.

Everything is cut to what the wire allows, so that no object of a cluster can make a batch invalid.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from sys import intern
from typing import TypeVar, assert_never

import msgspec

from deadlight.controller.sources.kubernetes import objects
from deadlight.controller.sources.kubernetes.owners import Owner
from deadlight.controller.sources.kubernetes.templates import images_hash, template_hash
from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

LAST_WRITER = "deadlight.io/last-writer"
"""An annotation we derive: the field manager that last wrote the object's specification or metadata."""

KEPT_ANNOTATIONS = (
    "deadlight.io/",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "app.gitlab.com/",
    "moniker.spinnaker.io/",
    "a8r.io/",
    "openshift.io/requester",
    "kubernetes.io/change-cause",
)
"""Prefixes of the annotations that help to find the person behind a workload."""

LONGEST_NAME = 512
LONGEST_TEXT = 4096
LONGEST_VALUE = 2048
MOST_LABELS = 256
MOST_ANNOTATIONS = 64
MOST_CONTAINERS = 256
MOST_REGIONS = 64

_SENSOR_DISABLED = (
    ("disable_jfrog_runtime", "true"),
    ("deadlight.io/sensor", "disabled"),
    ("deadlight.io/disable-sensor", "true"),
)
"""Labels of nodes that are to have no sensor; the chart's DaemonSet leaves out the same."""
_REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_PROVIDERS = {"aws": "AWS", "gce": "Google", "azure": "Azure"}

R = TypeVar("R", wire.NodeRecord, wire.NamespaceRecord, wire.WorkloadRecord, wire.PodRecord)


def node_record(node: objects.Node) -> wire.NodeRecord:
    """A node, ready where its kubelet says so."""
    metadata, labels, info = node.metadata, node.metadata.labels or {}, node.status.node_info
    addresses = {address.type: address.address for address in node.status.addresses or ()}
    return hashed(
        wire.NodeRecord(
            uid=_name(metadata.uid),
            name=_name(metadata.name),
            hash=0,
            os=_name(info.operating_system) or "linux",
            architecture=_name(info.architecture),
            kernel=_name(info.kernel_version),
            region=_name(next((labels[key] for key in _REGION if labels.get(key)), "")),
            hostname=_name(addresses.get("Hostname", "")),
            internal_dns=_name(addresses.get("InternalDNS", "")),
            internal_ip=_name(addresses.get("InternalIP", "")),
            sensor_disabled=any(labels.get(key) == value for key, value in _SENSOR_DISABLED),
            ready=any(item.type == "Ready" and item.status == "True" for item in node.status.conditions or ()),
            created_at=metadata.creation_timestamp,
        )
    )


def namespace_record(namespace: objects.Namespace) -> wire.NamespaceRecord:
    """A namespace with its labels and what tells who owns it."""
    metadata = namespace.metadata
    return hashed(
        wire.NamespaceRecord(
            uid=_name(metadata.uid),
            name=_name(metadata.name),
            hash=0,
            labels=_labels(metadata.labels),
            annotations=_annotations(metadata),
        )
    )


def workload_record(workload: objects.Workload, owner: Owner) -> wire.WorkloadRecord:
    """A workload that the API server serves; `owner` names it."""
    metadata = workload.metadata
    desired, ready = _scale(workload)
    return hashed(
        msgspec.structs.replace(
            named_workload_record(owner),
            desired=desired,
            ready=ready,
            labels=_labels(metadata.labels),
            annotations=_annotations(metadata),
            created_at=metadata.creation_timestamp,
            template=_template(workload),
        )
    )


def attributed(record: wire.WorkloadRecord, deployer: wire.Deployer | None) -> wire.WorkloadRecord:
    """The record with whom the API server authenticated for what the workload is now."""
    return record if record.deployer == deployer else hashed(msgspec.structs.replace(record, deployer=deployer))


def named_workload_record(owner: Owner) -> wire.WorkloadRecord:
    """A workload of which only a reference is known: its kind is not watched, or may not be read."""
    return hashed(
        wire.WorkloadRecord(
            uid=_name(owner.uid),
            namespace=_name(owner.namespace),
            kind=owner.kind,
            name=_name(owner.name),
            hash=0,
            kind_name=_name(owner.kind_name),
        )
    )


def bare_pod_record(pod: wire.PodRecord) -> wire.WorkloadRecord:
    """The workload that a pod nobody controls is to itself."""
    return hashed(
        wire.WorkloadRecord(
            uid=pod.uid,
            namespace=pod.namespace,
            kind=WorkloadKind.POD,
            name=pod.name,
            hash=0,
            desired=1,
            ready=int(pod.phase == "Running"),
            created_at=pod.created_at,
            template=images_hash((item.name, item.image) for item in pod.containers if item.role != "ephemeral"),
        )
    )


def pod_record(pod: objects.Pod, workload_uid: str) -> wire.PodRecord:
    """A pod of a workload, with all its containers; texts that many pods repeat are kept in memory once."""
    metadata = pod.metadata
    return hashed(
        wire.PodRecord(
            uid=_name(metadata.uid),
            namespace=intern(_name(metadata.namespace)),
            name=_name(metadata.name),
            hash=0,
            workload_uid=_name(workload_uid),
            node=intern(_name(pod.spec.node_name)),
            phase=intern(_name(pod.status.phase)),
            containers=tuple(_containers(pod))[:MOST_CONTAINERS],
            created_at=metadata.creation_timestamp,
        )
    )


def moved(pod: wire.PodRecord, workload_uid: str) -> wire.PodRecord:
    """The same pod under another workload."""
    return hashed(msgspec.structs.replace(pod, workload_uid=_name(workload_uid)))


def hashed(record: R) -> R:
    """The record with the hash of its content."""
    return msgspec.structs.replace(record, hash=wire.content_hash(record))


def provider_of(node: objects.Node) -> str:
    """The cloud that a node runs in, from its provider ID (`aws:///eu-central-1a/i-0abc`)."""
    return _PROVIDERS.get(node.spec.provider_id.partition(":")[0], "Kubernetes")


def located(cluster: wire.ClusterRecord, providers: Iterable[str], regions: Iterable[str]) -> wire.ClusterRecord:
    """The cluster in the cloud most of its nodes run in; `providers` and `regions` have one entry a node."""
    common = Counter(sorted(providers)).most_common(1)
    return msgspec.structs.replace(
        cluster,
        provider=common[0][0] if common else "Kubernetes",
        regions=tuple(sorted({region for region in regions if region})[:MOST_REGIONS]),
    )


# --- parts -----------------------------------------------------------------------------------------------


def _containers(pod: objects.Pod) -> Iterator[wire.ContainerRecord]:
    spec, status = pod.spec, pod.status
    for role, containers, statuses in (
        ("init", spec.init_containers, status.init_container_statuses),
        ("container", spec.containers, status.container_statuses),
        ("ephemeral", spec.ephemeral_containers, status.ephemeral_container_statuses),
    ):
        if not containers:
            continue
        by_name = {item.name: item for item in statuses or ()}
        for container in containers:
            yield _container(role, container, by_name.get(container.name))


def _container(role: str, container: objects.Container, status: objects.ContainerStatus | None) -> wire.ContainerRecord:
    if status is None:
        return wire.ContainerRecord(name=_name(container.name), role=role, image=_text(container.image))
    running, terminated = status.state.running, status.state.terminated
    state = "running" if running else "terminated" if terminated else "waiting"
    started = running or terminated
    return wire.ContainerRecord(
        name=_name(container.name),
        role=role,
        image=intern(_text(container.image)),
        image_id=intern(_text(status.image_id)),
        container_id=_name(status.container_id.rpartition("://")[2]),
        state=state,
        started_at=started.started_at if started else None,
    )


def _scale(workload: objects.Workload) -> tuple[int, int]:
    """How many pods are wanted and how many are ready.

    A Job wants its completions (or as many as may run at once) and counts those that succeeded; a CronJob wants none
    by itself and counts its active Jobs.
    """
    match workload:
        case objects.Deployment() | objects.ReplicaSet() | objects.StatefulSet():
            return (1 if workload.spec.replicas is None else workload.spec.replicas), workload.status.ready_replicas
        case objects.DaemonSet():
            return workload.status.desired_number_scheduled, workload.status.number_ready
        case objects.Job():
            wanted = workload.spec.completions or workload.spec.parallelism or 1
            return wanted, workload.status.succeeded + (workload.status.ready or 0)
        case objects.CronJob():
            return 0, len(workload.status.active or ())
        case _:
            assert_never(workload)


def _template(workload: objects.Workload) -> str:
    if isinstance(workload, objects.CronJob):
        return template_hash(workload.spec.job_template)
    return template_hash(workload.spec.template)


def _labels(labels: dict[str, str] | None) -> dict[str, str]:
    kept = sorted((labels or {}).items())[:MOST_LABELS]
    return {_name(key): _cut(value, LONGEST_VALUE) for key, value in kept}


def _annotations(metadata: objects.LabelledMetadata) -> dict[str, str]:
    written = metadata.annotations or {}
    kept = sorted(key for key in written if key.startswith(KEPT_ANNOTATIONS) and key != LAST_WRITER)
    annotations = {_name(key): _cut(written[key], LONGEST_VALUE) for key in kept[: MOST_ANNOTATIONS - 1]}
    writer = last_writer(metadata.managed_fields or ())
    return {**annotations, LAST_WRITER: _name(writer)} if writer else annotations


def last_writer(fields: Iterable[objects.ManagedField]) -> str:
    """The manager of the newest entry that is not about the status: who or what last changed the object on purpose."""
    newest = objects.ManagedField()
    for field in fields:
        if field.subresource != "status" and field.time >= newest.time:
            newest = field
    return newest.manager


def _name(text: str) -> str:
    return _cut(text, LONGEST_NAME)


def _text(text: str) -> str:
    return _cut(text, LONGEST_TEXT)


def _cut(text: str, longest: int) -> str:
    """Shortened, and without the NUL that JSON can carry and PostgreSQL cannot store."""
    return text if len(text) <= longest and "\0" not in text else text[:longest].replace("\0", "")
