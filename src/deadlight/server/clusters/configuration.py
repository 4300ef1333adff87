"""Configuring what is scanned in clusters: all of those named, or none."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType
from deadlight.model.scan_configuration import ScanConfiguration
from deadlight.server.clusters.queries import read_configuration
from deadlight.server.errors import NotFoundError
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.tables.clusters import scan_configuration
from deadlight.server.tables.inventory import cluster


async def configure_clusters(
    connection: AsyncConnection, cluster_ids: Sequence[UUID], configuration: ScanConfiguration, changed_by: str
) -> None:
    """Give clusters a configuration, and record ClusterConfigured for those for which it is another one.

    Raises:
        NotFoundError: one of them is not there; then nothing is changed.
    """
    wanted = sorted(set(cluster_ids))
    query = (
        select(cluster.c.id, scan_configuration.c.scanners, scan_configuration.c.retention_days)
        .outerjoin(scan_configuration, scan_configuration.c.cluster_id == cluster.c.id)
        .where(cluster.c.id.in_(wanted), cluster.c.removed_at.is_(None))
        .order_by(cluster.c.id)
        .with_for_update(of=cluster)
    )
    found = await connection.execute(query)
    before = {row.id: read_configuration(row.scanners, row.retention_days) for row in found}
    missing = [str(id_) for id_ in wanted if id_ not in before]
    if missing:
        raise NotFoundError(f"no such cluster: {', '.join(missing[:5])}; nothing has been changed")
    await _store(connection, wanted, configuration, changed_by)
    changed = [id_ for id_ in wanted if before[id_] != configuration]
    await record_events(connection, [_configured(id_, before[id_], configuration) for id_ in changed])


async def _store(
    connection: AsyncConnection, cluster_ids: Sequence[UUID], configuration: ScanConfiguration, changed_by: str
) -> None:
    values = {
        "scanners": [scanner.value for scanner in configuration.scanners],
        "retention_days": configuration.retention_days,
        "changed_by": changed_by,
        "changed_at": func.now(),
    }
    statement = insert(scan_configuration).values([{"cluster_id": id_, **values} for id_ in cluster_ids])
    await connection.execute(statement.on_conflict_do_update(index_elements=["cluster_id"], set_=values))


def _configured(cluster_id: UUID, before: ScanConfiguration, after: ScanConfiguration) -> NewEvent:
    data = {
        "cluster_id": str(cluster_id),
        "scanners": list(after.scanners),
        "scanners_before": list(before.scanners),
        "retention_days": after.retention_days,
        "retention_days_before": before.retention_days,
    }
    return NewEvent(EventType.CLUSTER_CONFIGURED, f"cluster:{cluster_id}", data)
