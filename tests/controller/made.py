"""Wire records for tests, with the hashes a controller would give them."""

from typing import TypeVar

import msgspec

from deadlight.model import wire
from deadlight.model.workload import WorkloadKind

R = TypeVar("R", wire.NodeRecord, wire.NamespaceRecord, wire.WorkloadRecord, wire.PodRecord)

CLUSTER = wire.ClusterRecord(uid="cluster-uid", name="east")


def hashed(record: R) -> R:
    return msgspec.structs.replace(record, hash=wire.content_hash(record))


def node(uid: str, kernel: str = "6.12") -> wire.NodeRecord:
    return hashed(wire.NodeRecord(uid=uid, name=uid, hash=0, kernel=kernel))


def namespace(uid: str, team: str = "") -> wire.NamespaceRecord:
    return hashed(wire.NamespaceRecord(uid=uid, name=uid, hash=0, labels={"team": team} if team else {}))


def workload(uid: str, desired: int = 1) -> wire.WorkloadRecord:
    kind = WorkloadKind.DEPLOYMENT
    return hashed(wire.WorkloadRecord(uid=uid, namespace="shop", kind=kind, name=uid, hash=0, desired=desired))


def pod(uid: str, phase: str = "Running", workload_uid: str = "w") -> wire.PodRecord:
    record = wire.PodRecord(uid=uid, namespace="shop", name=uid, hash=0, workload_uid=workload_uid, phase=phase)
    return hashed(record)


def gone(kind: str, uid: str) -> wire.Removed:
    return wire.Removed(kind=kind, uid=uid)
