"""The bulk SQL of ingestion: one parameter of JSON per statement, one statement per kind of row.

One JSON parameter joined to the target is three times as fast as executing a row at a time and does not grow the
statement with the batch (docs/adr/0005-bulk-writes.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import TextClause, text

NODE_COLUMNS = {
    "uid": "text",
    "name": "text",
    "os": "text",
    "architecture": "text",
    "kernel": "text",
    "region": "text",
    "hostname": "text",
    "internal_dns": "text",
    "internal_ip": "text",
    "sensor_disabled": "boolean",
    "ready": "boolean",
    "created_at": "timestamptz",
    "content_hash": "bigint",
}
NAMESPACE_COLUMNS = {
    "uid": "text",
    "name": "text",
    "labels": "jsonb",
    "annotations": "jsonb",
    "content_hash": "bigint",
}
WORKLOAD_COLUMNS = {
    "uid": "text",
    "namespace": "text",
    "kind": "text",
    "kind_name": "text",
    "name": "text",
    "desired": "integer",
    "ready": "integer",
    "labels": "jsonb",
    "annotations": "jsonb",
    "created_at": "timestamptz",
    "template": "text",
    "deployer": "jsonb",
    "content_hash": "bigint",
}
POD_COLUMNS = {
    "uid": "text",
    "workload_uid": "text",
    "namespace": "text",
    "name": "text",
    "node_name": "text",
    "phase": "text",
    "created_at": "timestamptz",
    "content_hash": "bigint",
}


def json_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as the one parameter of a bulk statement."""
    return msgspec.json.encode(rows).decode()


# A controller that has started anew has heard of nobody: whoever is known stays. An audit event does not tell whether
# it changed the template, so the first who is known to have asked for one is who deployed it.
_KEPT_DEPLOYER = """
    CASE WHEN coalesce(EXCLUDED.deployer, 'null') = 'null' THEN workload.deployer
         WHEN EXCLUDED.deployer ->> 'via' = 'audit'
              AND workload.deployer -> 'template' = EXCLUDED.deployer -> 'template' THEN workload.deployer
         ELSE EXCLUDED.deployer END
"""


def upsert(table: str, columns: Mapping[str, str], **merged: str) -> TextClause:
    """Insert or update the objects of one kind; parameters `rows`, `cluster_id`, `sync_id`; returns id and uid.

    An object that comes back after it was removed is itself again. `merged` are columns that do not simply become what
    is told, with what they become.
    """
    names = ", ".join(columns)
    recordset = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    becomes = {name: f"EXCLUDED.{name}" for name in columns if name != "uid"} | merged
    assignments = ", ".join(f"{name} = {value}" for name, value in becomes.items())
    return text(
        f"""
        INSERT INTO {table} (cluster_id, sync_id, {names})
        SELECT :cluster_id, :sync_id, {names} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row({recordset})
        ON CONFLICT (cluster_id, uid) DO UPDATE SET {assignments}, sync_id = EXCLUDED.sync_id, removed_at = NULL
        RETURNING id, uid
        """  # noqa: S608 - names from the constants above
    )


UPSERT = {
    "node": upsert("node", NODE_COLUMNS),
    "namespace": upsert("namespace", NAMESPACE_COLUMNS),
    "workload": upsert("workload", WORKLOAD_COLUMNS, deployer=_KEPT_DEPLOYER),
    "pod": upsert("pod", POD_COLUMNS),
}

REMOVE = {
    kind: text(
        f"""
        UPDATE {kind} SET removed_at = now()
        WHERE cluster_id = :cluster_id AND uid = ANY(:uids) AND removed_at IS NULL RETURNING id
        """  # noqa: S608 - kind from the literal tuple below
    )
    for kind in ("node", "namespace", "workload", "pod")
}

REMOVE_UNANNOUNCED = {
    kind: text(
        f"""
        UPDATE {kind} SET removed_at = now()
        WHERE cluster_id = :cluster_id AND sync_id <> :sync_id AND removed_at IS NULL RETURNING id
        """  # noqa: S608 - kind from the literal tuple below
    )
    for kind in ("node", "namespace", "workload", "pod")
}

CHECKSUM = {
    kind: text(
        f"""
        SELECT count(*) AS count,
               mod(mod(coalesce(sum(content_hash), 0), 18446744073709551616) + 18446744073709551616,
                   18446744073709551616) AS checksum
        FROM {kind} WHERE cluster_id = :cluster_id AND removed_at IS NULL
        """  # noqa: S608 - kind from the literal tuple below
    )
    for kind in ("node", "namespace", "workload", "pod")
}

# Every transaction that locks several workloads takes them by id, so that none waits for another in a circle.
LOCK_WORKLOADS = text(
    """
    SELECT id FROM workload WHERE cluster_id = :cluster_id AND (uid = ANY(:uids) OR id IN (
        SELECT workload_id FROM pod WHERE cluster_id = :cluster_id AND uid = ANY(:pod_uids)))
    ORDER BY id FOR NO KEY UPDATE
    """
)

LINK_PODS = text(
    """
    WITH linked AS (
        UPDATE pod SET workload_id = workload.id FROM workload
        WHERE pod.cluster_id = :cluster_id AND workload.cluster_id = :cluster_id
          AND workload.uid = pod.workload_uid AND pod.workload_id IS DISTINCT FROM workload.id
          AND (pod.id = ANY(:pod_ids) OR (pod.workload_id IS NULL AND workload.id = ANY(:workload_ids)))
        RETURNING pod.workload_id
    )
    SELECT workload_id FROM linked
    UNION
    SELECT workload_id FROM pod WHERE id = ANY(:pod_ids) AND workload_id IS NOT NULL
    """
)
"""The second part sees the rows as they were: a pod that moved to another owner touches both."""

# Of these pods exactly these containers: others are gone.
REPLACE_CONTAINERS = text(
    """
    WITH told AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(
            pod_id bigint, role text, name text, image text, image_id text, image_tag_id bigint, container_id text,
            state text, problem text, started_at timestamptz)
    ), gone AS (
        UPDATE container SET removed_at = now()
        WHERE pod_id = ANY(:pod_ids) AND removed_at IS NULL
          AND NOT EXISTS (SELECT FROM told WHERE told.pod_id = container.pod_id AND told.role = container.role
                                             AND told.name = container.name)
    )
    INSERT INTO container (cluster_id, pod_id, role, name, image, image_id, image_tag_id, container_id, state,
                           problem, started_at)
    SELECT :cluster_id, pod_id, role, name, image, image_id, image_tag_id, container_id, state, problem, started_at
    FROM told
    ON CONFLICT (pod_id, role, name) DO UPDATE SET
        image = EXCLUDED.image, image_id = EXCLUDED.image_id, image_tag_id = EXCLUDED.image_tag_id,
        container_id = EXCLUDED.container_id, state = EXCLUDED.state, problem = EXCLUDED.problem,
        started_at = EXCLUDED.started_at, removed_at = NULL
    """
)

REMOVE_CONTAINERS_OF_PODS = text(
    "UPDATE container SET removed_at = now() WHERE pod_id = ANY(:pod_ids) AND removed_at IS NULL"
)

_KEY_RECORDSET = "row(registry text, repository text, tag text, digest text, platform text, pinned_digest text)"

INSERT_IMAGE_TAGS = text(
    f"""
    INSERT INTO image_tag (registry, repository, tag, digest, platform, pinned_digest)
    SELECT registry, repository, tag, digest, platform, pinned_digest
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS {_KEY_RECORDSET}
    ORDER BY registry, repository, tag, digest, platform, pinned_digest
    ON CONFLICT DO NOTHING
    RETURNING id
    """  # noqa: S608 - constant
)

FIND_IMAGE_TAGS = text(
    f"""
    SELECT image_tag.id, registry, repository, tag, digest, platform, pinned_digest
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS {_KEY_RECORDSET}
    JOIN image_tag USING (registry, repository, tag, digest, platform, pinned_digest)
    """  # noqa: S608 - constant
)

# What a workload runs now, against what was last told of it. A container counts as long as its pod exists and its
# image is on the node, whether it runs or has ended: a job that ran for a tenth of a second has run.
UPDATE_WORKLOADS = text(
    """
    WITH present AS (
        SELECT workload.id,
               coalesce(array_agg(DISTINCT container.image_tag_id ORDER BY container.image_tag_id)
                        FILTER (WHERE container.image_tag_id IS NOT NULL), '{}') AS image_tag_ids,
               CASE WHEN bool_or(container.state = 'running') THEN 'running' ELSE 'stopped' END AS status
        FROM workload
        LEFT JOIN pod ON pod.workload_id = workload.id AND pod.removed_at IS NULL AND workload.removed_at IS NULL
        LEFT JOIN container ON container.pod_id = pod.id AND container.removed_at IS NULL
                           AND container.state IN ('running', 'terminated')
        WHERE workload.id = ANY(:workload_ids)
        GROUP BY workload.id
    )
    UPDATE workload SET image_tag_ids = present.image_tag_ids, status = present.status, changed_at = now()
    FROM present JOIN workload AS before ON before.id = present.id
    WHERE workload.id = present.id
      AND (before.image_tag_ids, before.status) IS DISTINCT FROM (present.image_tag_ids, present.status)
    RETURNING workload.id, workload.status, workload.image_tag_ids,
              before.status AS status_before, before.image_tag_ids AS image_tag_ids_before,
              workload.removed_at IS NOT NULL AS removed
    """
)

# The same by image tag, kept for a while after it is gone: what Live Assessment looks at, now and back in time. Rows
# that stay as they are are left out, for ON CONFLICT would lock every one of them.
FOLLOW_PLACEMENTS = text(
    """
    WITH present AS (
        SELECT pod.workload_id, container.image_tag_id, bool_or(container.state = 'running') AS running
        FROM workload
        JOIN pod ON pod.workload_id = workload.id AND pod.removed_at IS NULL
        JOIN container ON container.pod_id = pod.id AND container.removed_at IS NULL
                      AND container.state IN ('running', 'terminated') AND container.image_tag_id IS NOT NULL
        WHERE workload.id = ANY(:workload_ids) AND workload.removed_at IS NULL
        GROUP BY pod.workload_id, container.image_tag_id
    ), gone AS (
        UPDATE placement SET running = false, gone_at = now()
        WHERE workload_id = ANY(:workload_ids) AND gone_at IS NULL
          AND NOT EXISTS (SELECT FROM present WHERE present.workload_id = placement.workload_id
                                                AND present.image_tag_id = placement.image_tag_id)
    )
    INSERT INTO placement (workload_id, image_tag_id, running)
    SELECT workload_id, image_tag_id, running FROM present
    WHERE NOT EXISTS (SELECT FROM placement WHERE placement.workload_id = present.workload_id
                        AND placement.image_tag_id = present.image_tag_id
                        AND placement.running = present.running AND placement.gone_at IS NULL)
    ORDER BY workload_id, image_tag_id
    ON CONFLICT (workload_id, image_tag_id) DO UPDATE SET running = EXCLUDED.running, gone_at = NULL
    """
)

WORKLOADS_OF_PODS = text("SELECT DISTINCT workload_id FROM pod WHERE id = ANY(:pod_ids) AND workload_id IS NOT NULL")

PLATFORMS = text("SELECT name, os, architecture FROM node WHERE cluster_id = :cluster_id AND name = ANY(:names)")

WAITING_FOR_NODE = text(
    """
    SELECT container.id, container.image, container.image_id, pod.id AS pod_id, pod.node_name
    FROM container JOIN pod ON pod.id = container.pod_id
    WHERE pod.cluster_id = :cluster_id AND pod.node_name = ANY(:names) AND container.removed_at IS NULL
      AND container.image_tag_id IS NULL AND container.problem = :problem
    """
)

SET_IMAGE_TAG = text("UPDATE container SET image_tag_id = :image_tag_id, problem = :problem WHERE id = :id")
