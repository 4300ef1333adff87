"""Blocking policies: what sensors stop in which namespaces, opted into cluster by cluster, and audited first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY, BlockingMode
from deadlight.server.detections.changes import Change, Subject, record_change
from deadlight.server.detections.limits import REPORTS_KEPT
from deadlight.server.errors import ConflictError, NotFoundError
from deadlight.server.tables.detections import blocking_policy

AUDIT_AT_LEAST = timedelta(hours=24)
"""How long the same policy has to have been in audit before it is enforced without a word."""

SYSTEM_NAMESPACES = (
    "kube-*",
    "deadlight",
    "calico-*",
    "cilium*",
    "tigera-operator",
    "gke-managed-*",
    "gmp-*",
    "amazon-*",
    "openshift",
    "openshift-*",
    "istio-system",
    "linkerd*",
)
"""Where a program that is stopped stops the cluster: never blocked unless named, letter by letter."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """A cluster's policy, without who made it."""

    mode: BlockingMode = BlockingMode.OFF
    drift: bool = False
    mismatch: bool = False
    included: tuple[str, ...] = ()
    """Patterns of namespaces; empty: all that are not the system's."""
    excluded: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[bool, bool, frozenset[str], frozenset[str]]:
        """What is audited or enforced."""
        return self.drift, self.mismatch, frozenset(self.included), frozenset(self.excluded)


def applies_to(policy: Blocking, namespace: str) -> bool:
    """Whether containers of a namespace are blocked. What is excluded is never; what is named always is, else."""
    if any(fnmatchcase(namespace, pattern) for pattern in policy.excluded):
        return False
    if namespace in policy.included:
        return True
    if any(fnmatchcase(namespace, pattern) for pattern in SYSTEM_NAMESPACES):
        return False
    return not policy.included or any(fnmatchcase(namespace, pattern) for pattern in policy.included)


def find_objection(before: Blocking, audited_since: datetime | None, after: Blocking, now: datetime) -> str:
    """Why a policy should not be enforced yet, for people; empty where nothing speaks against it."""
    if after.mode is not BlockingMode.ENFORCE:
        return ""
    if before.mode is BlockingMode.ENFORCE and before.content == after.content:
        return ""
    if before.mode is not BlockingMode.AUDIT or before.content != after.content or audited_since is None:
        return "this policy has not been in audit: nobody knows what it would have stopped"
    if now - audited_since < AUDIT_AT_LEAST:
        hours = (now - audited_since).total_seconds() / 3600
        return f"this policy has been in audit for {hours:.1f} hours only, of {AUDIT_AT_LEAST.total_seconds() / 3600:g}"
    return ""


def audit_start(before: Blocking, audited_since: datetime | None, after: Blocking, now: datetime) -> datetime | None:
    """Since when this policy has been watched or enforced; anew where it is another one."""
    if after.mode is BlockingMode.OFF:
        return None
    same = before.content == after.content and before.mode is not BlockingMode.OFF
    return audited_since if same and audited_since else now


_ROWS = text(
    """
    SELECT cluster.id AS cluster_id, cluster.name AS cluster, blocking_policy.mode, blocking_policy.drift,
           blocking_policy.mismatch, blocking_policy.included, blocking_policy.excluded,
           blocking_policy.audited_since, blocking_policy.changed_by, blocking_policy.changed_at,
           (SELECT count(*) FROM agent WHERE agent.cluster_id = cluster.id AND agent.kind = 'sensor'
                                         AND agent.revoked_at IS NULL) AS sensors
    FROM cluster LEFT JOIN blocking_policy ON blocking_policy.cluster_id = cluster.id
    WHERE cluster.removed_at IS NULL AND (CAST(:cluster_id AS uuid) IS NULL OR cluster.id = :cluster_id)
    ORDER BY cluster.name
    """
)

# What was detected only since then has happened since then; of what was detected before single reports tell, those
# that are kept.
_STOPPED = text(
    """
    WITH stopped AS (
        SELECT id, would_block, killed, denied, first_at >= :since AS is_new FROM detection
        WHERE cluster_id = :cluster_id AND (would_block > 0 OR killed > 0 OR denied > 0) AND last_at >= :since
    ), counted AS (
        SELECT would_block, killed, denied FROM stopped WHERE is_new
        UNION ALL
        SELECT coalesce(sum(report.count) FILTER (WHERE report.response = 'would_block'), 0),
               coalesce(sum(report.count) FILTER (WHERE report.response = 'killed'), 0),
               coalesce(sum(report.count) FILTER (WHERE report.response = 'denied'), 0)
        FROM stopped JOIN detection_report AS report ON report.detection_id = stopped.id AND report.at >= :since
        WHERE NOT is_new GROUP BY stopped.id
    )
    SELECT count(*) FILTER (WHERE would_block > 0) AS would_block_programs,
           coalesce(sum(would_block), 0) AS would_block_times,
           coalesce(sum(killed), 0) AS killed, coalesce(sum(denied), 0) AS denied,
           :since >= now() - CAST(:reports_kept AS interval)
           OR NOT EXISTS (SELECT FROM stopped WHERE NOT is_new) AS is_counted_whole
    FROM counted
    """
)

# Never our own: a sensor that stops itself sees nothing any more.
_CONTAINERS = text(
    """
    SELECT pod.namespace, container.container_id
    FROM container JOIN pod ON pod.id = container.pod_id JOIN workload ON workload.id = pod.workload_id
    WHERE container.cluster_id = :cluster_id AND container.removed_at IS NULL AND container.container_id <> ''
      AND coalesce(workload.labels ->> 'app.kubernetes.io/name', '') <> 'deadlight-agent'
      AND (CAST(:node_name AS text) IS NULL OR pod.node_name = :node_name)
    ORDER BY container.container_id
    """
)


_DENIED = text(
    """
    SELECT DISTINCT report.container_id, report.evidence -> 'facts' ->> 'file.path' AS path,
           report.evidence -> 'facts' ->> 'file.sha256' AS sha256
    FROM detection_report AS report JOIN detection ON detection.id = report.detection_id
    WHERE detection.cluster_id = :cluster_id AND detection.rule = :rule AND report.container_id = ANY(:container_ids)
      AND detection.status <> 'resolved'
    ORDER BY 1, 2, 3 LIMIT :most
    """
)


def read_blocking(row: Row[Any]) -> Blocking:
    """The policy in a row; off where there is none."""
    if row.mode is None:
        return Blocking()
    return Blocking(BlockingMode(row.mode), row.drift, row.mismatch, tuple(row.included), tuple(row.excluded))


async def list_blocking(connection: AsyncConnection, cluster_id: UUID | None = None) -> Sequence[Row[Any]]:
    """Clusters with their policies, or the one."""
    return (await connection.execute(_ROWS, {"cluster_id": cluster_id})).all()


async def get_blocking(connection: AsyncConnection, cluster_id: UUID) -> Row[Any]:
    """A cluster with its policy; raises NotFoundError."""
    rows = await list_blocking(connection, cluster_id)
    if not rows:
        raise NotFoundError("no such cluster")
    return rows[0]


async def count_stopped(connection: AsyncConnection, row: Row[Any]) -> Row[Any]:
    """What a cluster's policy stopped, or would have, since it is as it is; nothing where it is off."""
    since = {"cluster_id": row.cluster_id, "since": row.audited_since, "reports_kept": REPORTS_KEPT}
    return (await connection.execute(_STOPPED, since)).one()


async def list_containers(
    connection: AsyncConnection, cluster_id: UUID, policy: Blocking, node_name: str | None = None
) -> list[str]:
    """Ids of the containers that a policy is about, of a node or of the whole cluster, in order."""
    if policy.mode is BlockingMode.OFF or not (policy.drift or policy.mismatch):
        return []
    rows = await connection.execute(_CONTAINERS, {"cluster_id": cluster_id, "node_name": node_name})
    return [row.container_id for row in rows if applies_to(policy, row.namespace)]


async def node_policy(
    connection: AsyncConnection, cluster_id: UUID, node_name: str, policy: Blocking
) -> wire.BlockingPolicy:
    """What the sensor of a node stops under its cluster's policy."""
    if policy.mode is BlockingMode.OFF:
        return wire.BlockingPolicy()
    containers = await list_containers(connection, cluster_id, policy, node_name)
    return wire.BlockingPolicy(
        mode=policy.mode,
        drift=policy.drift,
        mismatch=policy.mismatch,
        container_ids=tuple(containers[: wire.MAX_OBJECTS]),
        denied=await list_denied(connection, cluster_id, containers) if policy.mismatch else (),
    )


async def list_denied(
    connection: AsyncConnection, cluster_id: UUID, container_ids: Sequence[str]
) -> tuple[wire.DeniedProgram, ...]:
    """The programs of some containers that were found to differ from those of their images, until that is resolved."""
    found = await connection.execute(
        _DENIED,
        {
            "cluster_id": cluster_id,
            "rule": BINARY_INTEGRITY,
            "container_ids": list(container_ids),
            "most": wire.MAX_DENIED,
        },
    )
    return tuple(wire.DeniedProgram(container_id=row.container_id, path=row.path, sha256=row.sha256) for row in found)


async def change_blocking(
    connection: AsyncConnection, cluster_id: UUID, policy: Blocking, actor: str, *, unproven: bool
) -> None:
    """Give a cluster another policy. `unproven` enforces one that has not been audited for long enough.

    Raises:
        NotFoundError: there is no such cluster.
        ConflictError: it is to be enforced and has not been audited for long enough; says what audit found.
    """
    row = await get_blocking(connection, cluster_id)
    before, now = read_blocking(row), datetime.now(UTC)
    objection = find_objection(before, row.audited_since, policy, now)
    if objection and not unproven:
        found = await count_stopped(connection, row)
        least = "" if found.is_counted_whole else "at least "
        raise ConflictError(
            f"{objection}; so far audit would have stopped {least}{found.would_block_programs} programs, "
            f"{found.would_block_times} times. Leave it in audit, or say that you know (unproven)"
        )
    values = {
        "mode": policy.mode.value,
        "drift": policy.drift,
        "mismatch": policy.mismatch,
        "included": list(policy.included),
        "excluded": list(policy.excluded),
        "audited_since": audit_start(before, row.audited_since, policy, now),
        "changed_by": actor,
        "changed_at": func.now(),
    }
    statement = insert(blocking_policy).values(cluster_id=cluster_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["cluster_id"], set_=values))
    details = {name: values[name] for name in ("mode", "drift", "mismatch", "included", "excluded")}
    details |= {"mode_before": before.mode.value, "unproven": bool(objection)}
    await record_change(connection, Change(Subject.BLOCKING, row.cluster, policy.mode.value, details), actor)
