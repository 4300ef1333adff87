"""Cuts -> the messages of the wire. Pure."""

from typing import TypeVar

from deadlight.controller.deltas import Cut, Record
from deadlight.model.wire import (
    ClusterRecord,
    InventoryBatch,
    NamespaceRecord,
    NodeRecord,
    PodRecord,
    WorkloadRecord,
)

BATCH_OBJECTS = 500
"""Large enough for the service to commit 10,000 rows a second, small enough to pass proxies that allow 1 MiB."""

R = TypeVar("R", NodeRecord, NamespaceRecord, WorkloadRecord, PodRecord)


def inventory_batch(cut: Cut, cluster: ClusterRecord, batch_id: str) -> InventoryBatch:
    """The message that carries `cut`."""
    return InventoryBatch(
        batch_id=batch_id,
        cluster=cluster,
        nodes=_only(NodeRecord, cut.records),
        namespaces=_only(NamespaceRecord, cut.records),
        workloads=_only(WorkloadRecord, cut.records),
        pods=_only(PodRecord, cut.records),
        removed=cut.removed,
        sync_id=cut.sync_id,
        sync_complete=cut.sync_complete,
        digests=cut.digest,
    )


def _only(kind: type[R], records: tuple[Record, ...]) -> tuple[R, ...]:
    return tuple(record for record in records if isinstance(record, kind))
