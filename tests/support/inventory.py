"""Inventory messages with everything filled in that a test does not care about."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

STARTED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


R = TypeVar("R", wire.NodeRecord, wire.WorkloadRecord, wire.PodRecord, wire.NamespaceRecord)


def hashed(record: R) -> R:
    """The record with its content hash."""
    return msgspec.structs.replace(record, hash=wire.content_hash(record))


def node(name: str = "node-1", architecture: str = "amd64", **more: Any) -> wire.NodeRecord:
    """A node."""
    return hashed(wire.NodeRecord(uid=f"node-{name}", name=name, hash=0, architecture=architecture, **more))


def workload(name: str = "web", namespace: str = "shop", **more: Any) -> wire.WorkloadRecord:
    """A deployment."""
    values: dict[str, Any] = {"kind": WorkloadKind.DEPLOYMENT, "desired": 1, "ready": 1} | more
    return hashed(wire.WorkloadRecord(uid=f"w-{namespace}-{name}", namespace=namespace, name=name, hash=0, **values))


def container(image: str, digest: str, **more: Any) -> wire.ContainerRecord:
    """A running container."""
    repository = image.partition("@")[0].rpartition(":")[0] or image
    values: dict[str, Any] = {
        "name": "main",
        "image": image,
        "image_id": f"{repository}@{digest}" if digest else "",
        "container_id": uuid4().hex * 2,
        "state": "running",
        "started_at": STARTED,
    } | more
    return wire.ContainerRecord(**values)


def pod(
    *containers: wire.ContainerRecord, name: str = "web-1", owner: wire.WorkloadRecord | None = None, **more: Any
) -> wire.PodRecord:
    """A pod of a workload."""
    owner = owner or workload()
    values: dict[str, Any] = {"node": "node-1", "phase": "Running"} | more
    return hashed(
        wire.PodRecord(
            uid=f"pod-{owner.namespace}-{name}",
            namespace=owner.namespace,
            name=name,
            hash=0,
            workload_uid=owner.uid,
            containers=containers,
            **values,
        )
    )


def batch(*records: Any, cluster: str = "test", **more: Any) -> wire.InventoryBatch:
    """A batch of any records; a whole synchronisation unless it says otherwise."""
    by_kind: dict[type, list[Any]] = {}
    for record in records:
        by_kind.setdefault(type(record), []).append(record)
    values: dict[str, Any] = {"batch_id": uuid4().hex, "sync_id": uuid4().hex, "sync_complete": True} | more
    return wire.InventoryBatch(
        cluster=wire.ClusterRecord(uid=f"uid-{cluster}", name=cluster),
        nodes=tuple(by_kind.get(wire.NodeRecord, ())),
        namespaces=tuple(by_kind.get(wire.NamespaceRecord, ())),
        workloads=tuple(by_kind.get(wire.WorkloadRecord, ())),
        pods=tuple(by_kind.get(wire.PodRecord, ())),
        removed=tuple(by_kind.get(wire.Removed, ())),
        **values,
    )


def delta(*records: Any, **more: Any) -> wire.InventoryBatch:
    """A batch of changes after the first synchronisation."""
    values: dict[str, Any] = {"sync_id": "", "sync_complete": False}
    return batch(*records, **values | more)
