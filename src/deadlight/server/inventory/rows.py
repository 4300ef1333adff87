"""Writing a batch's objects as rows, and telling which workloads they touch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.model.event import EventType
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.inventory import statements as sql
from deadlight.server.inventory.image_tags import NODE_UNKNOWN, ImageTagKey, Unresolved, resolve_image_tag

KINDS = ("node", "namespace", "workload", "pod")


async def write_objects(
    connection: AsyncConnection, cluster_id: UUID, batch: wire.InventoryBatch, sync_id: str
) -> set[int]:
    """Write the batch's objects; returns the ids of the workloads for which something may have changed."""
    scope = {"cluster_id": cluster_id, "sync_id": sync_id}
    await _upsert(connection, "node", [_row(record) for record in batch.nodes], scope)
    await _upsert(connection, "namespace", [_row(record) for record in batch.namespaces], scope)
    pods = await _upsert(connection, "pod", [_pod_row(record) for record in batch.pods], scope)
    await _write_containers(connection, cluster_id, batch.pods, pods)
    # Only now, for whoever follows what happened to a workload waits for the lock.
    await _lock_workloads(connection, cluster_id, batch)
    workloads = await _upsert(connection, "workload", [_row(record) for record in batch.workloads], scope)
    touched = await _resolve_waiting(connection, cluster_id, [record.name for record in batch.nodes])
    touched |= await _link_pods(connection, cluster_id, list(pods.values()), list(workloads.values()))
    touched |= set(workloads.values())
    return touched | await _remove(connection, cluster_id, batch.removed)


async def _lock_workloads(connection: AsyncConnection, cluster_id: UUID, batch: wire.InventoryBatch) -> None:
    uids = {workload.uid for workload in batch.workloads} | {pod.workload_uid for pod in batch.pods}
    uids |= {tombstone.uid for tombstone in batch.removed if tombstone.kind == "workload"}
    pod_uids = {tombstone.uid for tombstone in batch.removed if tombstone.kind == "pod"}
    parameters = {"cluster_id": cluster_id, "uids": sorted(uids), "pod_uids": sorted(pod_uids)}
    await connection.execute(sql.LOCK_WORKLOADS, parameters)


def _row(record: wire.Message) -> dict[str, Any]:
    row = msgspec.structs.asdict(record)
    row["content_hash"] = row.pop("hash")
    return row


def _pod_row(record: wire.PodRecord) -> dict[str, Any]:
    row = _row(record)
    row["node_name"] = row.pop("node")
    del row["containers"]
    return row


async def _upsert(
    connection: AsyncConnection, kind: str, rows: Sequence[dict[str, Any]], scope: Mapping[str, Any]
) -> dict[str, int]:
    if not rows:
        return {}
    unique = {row["uid"]: row for row in rows}  # the last word on an object counts
    ordered = [unique[uid] for uid in sorted(unique)]
    result = await connection.execute(sql.UPSERT[kind], {"rows": sql.json_rows(ordered), **scope})
    return {row.uid: row.id for row in result}


async def _write_containers(
    connection: AsyncConnection, cluster_id: UUID, pods: Sequence[wire.PodRecord], pod_ids: Mapping[str, int]
) -> None:
    if not pods:
        return
    latest = {pod.uid: pod for pod in pods}
    platforms = await _platforms(connection, cluster_id, {pod.node for pod in latest.values()})
    resolved = {
        (pod.uid, index): resolve_image_tag(container.image, container.image_id, platforms.get(pod.node))
        for pod in latest.values()
        for index, container in enumerate(pod.containers)
    }
    image_tags = await _image_tag_ids(connection, resolved.values())
    rows = [
        _container_row(container, pod_ids[pod.uid], resolved[pod.uid, index], image_tags)
        for pod in latest.values()
        for index, container in enumerate(pod.containers)
    ]
    unique = list({(row["pod_id"], row["role"], row["name"]): row for row in rows}.values())
    encoded = sql.json_rows(unique)
    parameters = {"cluster_id": cluster_id, "pod_ids": list(pod_ids.values()), "rows": encoded}
    await connection.execute(sql.REPLACE_CONTAINERS, parameters)


def _container_row(
    container: wire.ContainerRecord,
    pod_id: int,
    resolved: ImageTagKey | Unresolved,
    image_tags: Mapping[ImageTagKey, int],
) -> dict[str, Any]:
    return {
        "pod_id": pod_id,
        "role": container.role,
        "name": container.name,
        "image": container.image,
        "image_id": container.image_id,
        "image_tag_id": image_tags[resolved] if isinstance(resolved, ImageTagKey) else None,
        "container_id": container.container_id,
        "state": container.state,
        "problem": resolved.problem if isinstance(resolved, Unresolved) else "",
        "started_at": container.started_at,
    }


async def _platforms(connection: AsyncConnection, cluster_id: UUID, names: set[str]) -> dict[str, str]:
    parameters = {"cluster_id": cluster_id, "names": sorted(names)}
    rows = await connection.execute(sql.PLATFORMS, parameters)
    return {row.name: f"{row.os}/{row.architecture}" for row in rows if row.architecture}


async def _image_tag_ids(
    connection: AsyncConnection, resolved: Iterable[ImageTagKey | Unresolved]
) -> dict[ImageTagKey, int]:
    return await ensure_image_tags(connection, [key for key in resolved if isinstance(key, ImageTagKey)])


async def ensure_image_tags(connection: AsyncConnection, wanted: Iterable[ImageTagKey]) -> dict[ImageTagKey, int]:
    """Ids of image tags, made where they are new; a new one is an image nobody has seen before."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = {"rows": sql.json_rows([asdict(key) for key in keys])}
    found = {_key(row): row.id for row in await connection.execute(sql.FIND_IMAGE_TAGS, rows)}
    missing = [key for key in keys if key not in found]
    if missing:
        rows = {"rows": sql.json_rows([asdict(key) for key in missing])}
        created = (await connection.execute(sql.INSERT_IMAGE_TAGS, rows)).scalars().all()
        await record_events(
            connection,
            [NewEvent(EventType.IMAGE_OBSERVED, f"image_tag:{id_}", {"image_tag_id": id_}) for id_ in created],
        )
        found |= {_key(row): row.id for row in await connection.execute(sql.FIND_IMAGE_TAGS, rows)}
    return found


def _key(row: Row[Any]) -> ImageTagKey:
    return ImageTagKey(row.registry, row.repository, row.tag, row.digest, row.platform, row.pinned_digest)


async def _resolve_waiting(connection: AsyncConnection, cluster_id: UUID, names: Sequence[str]) -> set[int]:
    """Containers that were told of before their node was; returns the workloads they belong to."""
    if not names:
        return set()
    parameters = {"cluster_id": cluster_id, "names": list(names), "problem": NODE_UNKNOWN}
    waiting = (await connection.execute(sql.WAITING_FOR_NODE, parameters)).all()
    if not waiting:
        return set()
    platforms = await _platforms(connection, cluster_id, set(names))
    resolved = {row.id: resolve_image_tag(row.image, row.image_id, platforms.get(row.node_name)) for row in waiting}
    image_tags = await _image_tag_ids(connection, resolved.values())
    updates = [
        {"id": id_, "image_tag_id": image_tags[key], "problem": ""}
        for id_, key in resolved.items()
        if isinstance(key, ImageTagKey)
    ]
    if updates:
        await connection.execute(sql.SET_IMAGE_TAG, updates)
    return await _workloads_of_pods(connection, [row.pod_id for row in waiting])


async def _link_pods(
    connection: AsyncConnection, cluster_id: UUID, pod_ids: list[int], workload_ids: list[int]
) -> set[int]:
    """Tie pods to workloads, whichever came first; returns the workloads of these pods, and those that got one."""
    if not pod_ids and not workload_ids:
        return set()
    parameters = {"cluster_id": cluster_id, "pod_ids": pod_ids, "workload_ids": workload_ids}
    return set((await connection.execute(sql.LINK_PODS, parameters)).scalars())


async def _workloads_of_pods(connection: AsyncConnection, pod_ids: Sequence[int]) -> set[int]:
    return set((await connection.execute(sql.WORKLOADS_OF_PODS, {"pod_ids": list(pod_ids)})).scalars())


async def _remove(connection: AsyncConnection, cluster_id: UUID, removed: Sequence[wire.Removed]) -> set[int]:
    touched: set[int] = set()
    for kind in KINDS:
        uids = [tombstone.uid for tombstone in removed if tombstone.kind == kind]
        if uids:
            parameters = {"cluster_id": cluster_id, "uids": uids}
            ids = list((await connection.execute(sql.REMOVE[kind], parameters)).scalars())
            touched |= await _after_removal(connection, kind, ids)
    return touched


async def remove_unannounced(connection: AsyncConnection, cluster_id: UUID, sync_id: str) -> set[int]:
    """Remove what a full synchronisation did not mention: it is gone from the cluster. The workloads this touches."""
    touched: set[int] = set()
    for kind in KINDS:
        parameters = {"cluster_id": cluster_id, "sync_id": sync_id}
        ids = list((await connection.execute(sql.REMOVE_UNANNOUNCED[kind], parameters)).scalars())
        touched |= await _after_removal(connection, kind, ids)
    return touched


async def _after_removal(connection: AsyncConnection, kind: str, ids: list[int]) -> set[int]:
    if kind == "workload":
        return set(ids)
    if kind != "pod" or not ids:
        return set()
    await connection.execute(sql.REMOVE_CONTAINERS_OF_PODS, {"pod_ids": ids})
    return await _workloads_of_pods(connection, ids)
