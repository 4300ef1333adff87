"""The fields of Kubernetes objects that the product uses; everything else is skipped while decoding.

`gc=False` keeps these short-lived trees out of the cyclic collector (there are no cycles in JSON). A list or map may
be null wherever a Go server writes one, as bookmarks do (`"spec": {"containers": null}`).
"""

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from deadlight.controller.sources.kubernetes.templates import NO_TEMPLATE

Uid = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
"""UUIDs, by Kubernetes' own doing; mirrors of other systems may use longer texts."""


class Part(msgspec.Struct, gc=False, rename="camel"):
    """Base of all parts."""


# --- metadata --------------------------------------------------------------------------------------------


class OwnerReference(Part, gc=False, rename="camel"):
    """Who an object belongs to; `controller` marks the one that manages it."""

    api_version: str
    kind: str
    name: str
    uid: Uid
    controller: bool = False


class Metadata(Part, gc=False, rename="camel"):
    """What identifies an object and its version."""

    name: str
    uid: Uid
    resource_version: str
    namespace: str = ""
    creation_timestamp: datetime | None = None
    owner_references: list[OwnerReference] | None = None


class ManagedField(Part, gc=False, rename="camel"):
    """Who wrote part of an object, and when (RFC 3339 in UTC, which sorts as text)."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: str = ""


class LabelledMetadata(Metadata, gc=False, rename="camel"):
    """Metadata with what people and tools wrote on it."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    managed_fields: list[ManagedField] | None = None


# --- nodes and namespaces --------------------------------------------------------------------------------


class NodeSpec(Part, gc=False, rename="camel"):
    """Where a node comes from (`aws:///zone/instance`)."""

    provider_id: str = msgspec.field(default="", name="providerID")


class NodeAddress(Part, gc=False, rename="camel"):
    """One of a node's addresses; `type` is Hostname, InternalDNS, InternalIP ..."""

    type: str
    address: str


class Condition(Part, gc=False, rename="camel"):
    """What a kubelet says of its node; `status` is True, False or Unknown."""

    type: str
    status: str


class NodeInfo(Part, gc=False, rename="camel"):
    """What a node runs on."""

    operating_system: str = ""
    architecture: str = ""
    kernel_version: str = ""


class NodeStatus(Part, gc=False, rename="camel"):
    """What a kubelet reports about its node."""

    addresses: list[NodeAddress] | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo = msgspec.field(default_factory=NodeInfo)


class Node(Part, gc=False, rename="camel"):
    """v1 Node."""

    metadata: LabelledMetadata
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class Namespace(Part, gc=False, rename="camel"):
    """v1 Namespace."""

    metadata: LabelledMetadata


# --- pods ------------------------------------------------------------------------------------------------


class Container(Part, gc=False, rename="camel"):
    """A container as the pod's specification asks for it."""

    name: str
    image: str = ""


class StateRunning(Part, gc=False, rename="camel"):
    """A container that runs."""

    started_at: datetime | None = None


class StateTerminated(Part, gc=False, rename="camel"):
    """A container that ran."""

    started_at: datetime | None = None


class ContainerState(Part, gc=False, rename="camel"):
    """At most one is set; none means waiting."""

    running: StateRunning | None = None
    terminated: StateTerminated | None = None


class ContainerStatus(Part, gc=False, rename="camel"):
    """A container as its kubelet reports it."""

    name: str
    image_id: str = msgspec.field(default="", name="imageID")
    container_id: str = msgspec.field(default="", name="containerID")
    state: ContainerState = msgspec.field(default_factory=ContainerState)


class PodSpec(Part, gc=False, rename="camel"):
    """What a pod is to be."""

    node_name: str = ""
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: list[Container] | None = None


class PodStatus(Part, gc=False, rename="camel"):
    """What a kubelet reports about a pod."""

    phase: str = ""
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    ephemeral_container_statuses: list[ContainerStatus] | None = None


class Pod(Part, gc=False, rename="camel"):
    """v1 Pod. Labels, annotations and managed fields are most of a pod's JSON and stay undecoded."""

    metadata: Metadata
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


# --- workloads -------------------------------------------------------------------------------------------


class ScaledSpec(Part, gc=False, rename="camel"):
    """How many pods are wanted (the API server's default is 1), and what they are made from."""

    replicas: int | None = None
    template: msgspec.Raw = NO_TEMPLATE


class ScaledStatus(Part, gc=False, rename="camel"):
    """How many pods are ready."""

    ready_replicas: int = 0


class Scaled(Part, gc=False, rename="camel"):
    """What Deployments, ReplicaSets and StatefulSets have in common."""

    metadata: LabelledMetadata
    spec: ScaledSpec = msgspec.field(default_factory=ScaledSpec)
    status: ScaledStatus = msgspec.field(default_factory=ScaledStatus)


class Deployment(Scaled, gc=False, rename="camel"):
    """apps/v1 Deployment."""


class ReplicaSet(Scaled, gc=False, rename="camel"):
    """apps/v1 ReplicaSet."""


class StatefulSet(Scaled, gc=False, rename="camel"):
    """apps/v1 StatefulSet."""


class DaemonSetStatus(Part, gc=False, rename="camel"):
    """How many nodes a DaemonSet concerns, and on how many it is ready."""

    desired_number_scheduled: int = 0
    number_ready: int = 0


class DaemonSetSpec(Part, gc=False, rename="camel"):
    """What its pods are made from."""

    template: msgspec.Raw = NO_TEMPLATE


class DaemonSet(Part, gc=False, rename="camel"):
    """apps/v1 DaemonSet."""

    metadata: LabelledMetadata
    spec: DaemonSetSpec = msgspec.field(default_factory=DaemonSetSpec)
    status: DaemonSetStatus = msgspec.field(default_factory=DaemonSetStatus)


class JobSpec(Part, gc=False, rename="camel"):
    """How often a Job is to succeed, how many pods may try at once, and what they are made from."""

    completions: int | None = None
    parallelism: int | None = None
    template: msgspec.Raw = NO_TEMPLATE


class JobStatus(Part, gc=False, rename="camel"):
    """How far a Job has come."""

    ready: int | None = None
    succeeded: int = 0


class Job(Part, gc=False, rename="camel"):
    """batch/v1 Job."""

    metadata: LabelledMetadata
    spec: JobSpec = msgspec.field(default_factory=JobSpec)
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class CronJobStatus(Part, gc=False, rename="camel"):
    """The Jobs a CronJob has running."""

    active: list[msgspec.Raw] | None = None


class CronJobSpec(Part, gc=False, rename="camel"):
    """What its Jobs are made from."""

    job_template: msgspec.Raw = NO_TEMPLATE


class CronJob(Part, gc=False, rename="camel"):
    """batch/v1 CronJob."""

    metadata: LabelledMetadata
    spec: CronJobSpec = msgspec.field(default_factory=CronJobSpec)
    status: CronJobStatus = msgspec.field(default_factory=CronJobStatus)


Workload: TypeAlias = Deployment | ReplicaSet | StatefulSet | DaemonSet | Job | CronJob
KubernetesObject: TypeAlias = Node | Namespace | Pod | Workload
