"""Taking an inventory batch: rows, then what changed for whom, then events, all in the caller's transaction.

The cluster's row is locked first, so that batches of one cluster follow one another; clusters do not wait for each
other.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.model.event import EventType
from deadlight.server.auth.agents import accept_batch, revoke_agents
from deadlight.server.auth.principals import AgentPrincipal
from deadlight.server.errors import BadRequestError, NotFoundError
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.inventory import statements as sql
from deadlight.server.inventory.rows import KINDS, remove_unannounced, write_objects
from deadlight.server.tables.inventory import cluster, container

VERIFY_EVERY = timedelta(seconds=30)
"""How often a controller's digest is held against the rows: often enough to repair a loss soon, seldom enough to be
free; it also keeps a difference that a full synchronisation cannot mend from asking for one after another."""


async def take_inventory(
    connection: AsyncConnection, principal: AgentPrincipal, batch: wire.InventoryBatch
) -> wire.InventoryAck:
    """Store a batch of the principal's own cluster and record what follows from it.

    A batch that was taken before is acknowledged again and changes nothing.

    Raises:
        BadRequestError: the batch ends a synchronisation and does not say which: everything would count as gone.
        ForbiddenError: the agent has been revoked.
    """
    if batch.sync_complete and not batch.sync_id:
        raise BadRequestError("sync_complete needs the sync_id of the synchronisation that is complete")
    state = await _lock_cluster(connection, principal.cluster_id)
    if not await accept_batch(connection, principal, batch.batch_id):
        return wire.InventoryAck(batch_id=batch.batch_id)
    if state.synced_at is None and not batch.sync_id:
        return wire.InventoryAck(batch_id=batch.batch_id, resync=True)
    sync_id = batch.sync_id or state.sync_id
    await _describe_cluster(connection, state, batch, sync_id)
    touched = await write_objects(connection, principal.cluster_id, batch, sync_id)
    if batch.sync_complete:
        touched |= await remove_unannounced(connection, principal.cluster_id, batch.sync_id)
    await _record_changes(connection, touched, first_sync=state.synced_at is None)
    resync = await _differs(connection, principal.cluster_id, batch, state)
    return wire.InventoryAck(batch_id=batch.batch_id, resync=resync)


async def _lock_cluster(connection: AsyncConnection, cluster_id: UUID) -> Row[Any]:
    query = select(cluster).where(cluster.c.id == cluster_id).with_for_update(key_share=True)
    return (await connection.execute(query)).one()


async def _describe_cluster(
    connection: AsyncConnection, state: Row[Any], batch: wire.InventoryBatch, sync_id: str
) -> None:
    values: dict[str, Any] = {
        "name": batch.cluster.name,
        "version": batch.cluster.version,
        "provider": batch.cluster.provider,
        "regions": list(batch.cluster.regions),
        "sync_id": "" if batch.sync_complete else sync_id,
    }
    changed = {name: value for name, value in values.items() if getattr(state, name) != value}
    if batch.sync_complete:
        changed["synced_at"] = func.now()
    if changed:
        await connection.execute(update(cluster).where(cluster.c.id == state.id).values(**changed))


async def _record_changes(connection: AsyncConnection, workload_ids: set[int], *, first_sync: bool) -> None:
    if not workload_ids:
        return
    ids = {"workload_ids": sorted(workload_ids)}
    changed = (await connection.execute(sql.UPDATE_WORKLOADS, ids)).all()
    await connection.execute(sql.FOLLOW_PLACEMENTS, ids)
    await record_events(connection, [_workload_changed(row, first_sync=first_sync) for row in changed])


def _workload_changed(row: Row[Any], *, first_sync: bool) -> NewEvent:
    data = {
        "workload_id": row.id,
        "status": row.status,
        "status_before": row.status_before,
        "image_tag_ids": row.image_tag_ids,
        "image_tag_ids_before": row.image_tag_ids_before,
        "removed": row.removed,
        "first_sync": first_sync,
    }
    return NewEvent(EventType.WORKLOAD_CHANGED, f"workload:{row.id}", data)


async def _differs(connection: AsyncConnection, cluster_id: UUID, batch: wire.InventoryBatch, state: Row[Any]) -> bool:
    """Whether the controller holds something else than the rows say, checked now and then and never during a sync."""
    syncing = bool(batch.sync_id or state.sync_id)
    due = state.verified_at is None or state.verified_at < datetime.now(UTC) - VERIFY_EVERY
    if batch.digests is None or syncing or not due:
        return False
    await connection.execute(update(cluster).where(cluster.c.id == cluster_id).values(verified_at=func.now()))
    for kind in KINDS:
        row = (await connection.execute(sql.CHECKSUM[kind], {"cluster_id": cluster_id})).one()
        expected: wire.KindDigest = getattr(batch.digests, kind)
        if (int(row[0]), int(row[1])) != (expected.count, expected.checksum):
            return True
    return False


async def remove_cluster(connection: AsyncConnection, cluster_id: UUID) -> None:
    """Stop following a cluster: its agents are believed no more, and everything in it counts as gone.

    What was known of it stays as history, and is its own again if it is ever installed anew, which takes a
    registration token made after this.

    Raises:
        NotFoundError: no such cluster.
    """
    query = select(cluster).where(cluster.c.id == cluster_id, cluster.c.removed_at.is_(None)).with_for_update()
    if (await connection.execute(query)).first() is None:
        raise NotFoundError("no such cluster")
    await revoke_agents(connection, cluster_id)
    gone = {"removed_at": func.now(), "synced_at": None, "sync_id": ""}
    await connection.execute(update(cluster).where(cluster.c.id == cluster_id).values(**gone))
    touched = await remove_unannounced(connection, cluster_id, f"removed {uuid4().hex}")
    await _record_changes(connection, touched, first_sync=False)


_REMOVE_UNUSED_IMAGE_TAGS = text(
    """
    DELETE FROM image_tag WHERE id = ANY(:image_tag_ids)
      AND NOT EXISTS (SELECT FROM container WHERE container.image_tag_id = image_tag.id)
    """
)


async def remove_demonstration_clusters(connection: AsyncConnection) -> int:
    """Remove the demonstration's clusters with everything in them, and the images only they ran; returns how many."""
    demonstrations = select(cluster.c.id).where(cluster.c.demonstration)
    query = select(container.c.image_tag_id).where(container.c.cluster_id.in_(demonstrations)).distinct()
    image_tag_ids = [id_ for id_ in (await connection.execute(query)).scalars() if id_ is not None]
    removed = await connection.execute(delete(cluster).where(cluster.c.demonstration))
    await connection.execute(_REMOVE_UNUSED_IMAGE_TAGS, {"image_tag_ids": image_tag_ids})
    return removed.rowcount
