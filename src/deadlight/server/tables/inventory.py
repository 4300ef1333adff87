"""What runs where (owner: `inventory`). Rows are marked removed, not deleted: history is evidence."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from deadlight.server.tables.metadata import changed_in, document, identity, metadata, moment, recorded

cluster = Table(
    "cluster",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("uid", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("provider", Text, nullable=False, server_default="Kubernetes"),
    Column("regions", ARRAY(Text), nullable=False, server_default="{}"),
    Column("version", Text, nullable=False, server_default=""),
    Column("demonstration", Boolean, nullable=False, server_default=text("false")),
    Column("sync_id", Text, nullable=False, server_default="", comment="the full synchronisation under way"),
    recorded("created_at"),
    moment("synced_at"),
    moment("verified_at"),
    changed_in(),
    moment("removed_at"),
)


def _cluster_id() -> Column[object]:
    return Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), nullable=False)


def _followed() -> tuple[Column[object], ...]:
    """What every object that a controller follows carries."""
    return (
        Column("content_hash", BigInteger, nullable=False),
        Column("sync_id", Text, nullable=False, server_default="", comment="the last sync that announced it"),
        recorded("first_seen_at"),
        moment("removed_at"),
    )


node = Table(
    "node",
    metadata,
    identity(),
    _cluster_id(),
    Column("uid", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("architecture", Text, nullable=False),
    Column("kernel", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("hostname", Text, nullable=False),
    Column("internal_dns", Text, nullable=False),
    Column("internal_ip", Text, nullable=False),
    Column("sensor_disabled", Boolean, nullable=False),
    Column("ready", Boolean, nullable=False),
    moment("created_at"),
    *_followed(),
    UniqueConstraint("cluster_id", "uid"),
    Index("ix_node_cluster_id_name", "cluster_id", "name"),
)

namespace = Table(
    "namespace",
    metadata,
    identity(),
    _cluster_id(),
    Column("uid", Text, nullable=False),
    Column("name", Text, nullable=False),
    document("labels", "{}"),
    document("annotations", "{}"),
    *_followed(),
    UniqueConstraint("cluster_id", "uid"),
)

workload = Table(
    "workload",
    metadata,
    identity(),
    _cluster_id(),
    Column("uid", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("kind_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("desired", Integer, nullable=False),
    Column("ready", Integer, nullable=False),
    document("labels", "{}"),
    document("annotations", "{}"),
    Column("template", Text, nullable=False, server_default="", comment="hash of what its pods are made from"),
    Column("deployer", JSONB, nullable=True, comment="whom the API server authenticated for a change of it"),
    Column("status", Text, nullable=False, server_default="unknown", comment="running, stopped or unknown"),
    Column(
        "image_tag_ids",
        ARRAY(BigInteger),
        nullable=False,
        server_default="{}",
        comment="of its present containers, sorted",
    ),
    moment("created_at"),
    moment("changed_at"),
    *_followed(),
    UniqueConstraint("cluster_id", "uid"),
    Index("ix_workload_cluster_id_namespace", "cluster_id", "namespace", "name"),
    Index("ix_workload_image_tag_ids", "image_tag_ids", postgresql_using="gin"),
    Index("ix_workload_removed_at", "removed_at", postgresql_where=text("removed_at IS NOT NULL")),
)

pod = Table(
    "pod",
    metadata,
    identity(),
    _cluster_id(),
    Column("uid", Text, nullable=False),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=True),
    Column("workload_uid", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("node_name", Text, nullable=False),
    Column("phase", Text, nullable=False),
    moment("created_at"),
    *_followed(),
    UniqueConstraint("cluster_id", "uid"),
    Index("ix_pod_workload_id", "workload_id"),
    Index("ix_pod_node_name", "node_name"),
    Index("ix_pod_removed_at", "removed_at", postgresql_where=text("removed_at IS NOT NULL")),
    Index("ix_pod_cluster_id_workload_uid", "cluster_id", "workload_uid", postgresql_where=text("workload_id IS NULL")),
)

image_tag = Table(
    "image_tag",
    metadata,
    identity(),
    Column("registry", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("tag", Text, nullable=False, comment="empty when the reference was pinned by digest alone"),
    Column("digest", Text, nullable=False, comment="as the node reports it: index, manifest or config digest"),
    Column("platform", Text, nullable=False),
    Column("pinned_digest", Text, nullable=False, comment="the digest in the pod's specification, where it names one"),
    recorded("first_seen_at"),
    changed_in(),
    Index("ix_image_tag_changed_in", "changed_in"),
    UniqueConstraint("registry", "repository", "tag", "digest", "platform", "pinned_digest"),
)

container = Table(
    "container",
    metadata,
    identity(),
    _cluster_id(),
    Column("pod_id", BigInteger, ForeignKey("pod.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("image", Text, nullable=False, comment="the reference in the pod's specification"),
    Column("image_id", Text, nullable=False, comment="the kubelet's imageID"),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id"), nullable=True),
    Column("container_id", Text, nullable=False, comment="the runtime's id, what a sensor knows it by"),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False, server_default="", comment="why no image could be told from it"),
    moment("started_at"),
    recorded("first_seen_at"),
    moment("removed_at"),
    UniqueConstraint("pod_id", "role", "name"),
    Index("ix_container_container_id", "container_id"),
    Index("ix_container_removed_at", "removed_at", postgresql_where=text("removed_at IS NOT NULL")),
    Index(
        "ix_container_running",
        "image_tag_id",
        "cluster_id",
        postgresql_where=text("state = 'running' AND removed_at IS NULL"),
    ),
)

placement = Table(
    "placement",
    metadata,
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), primary_key=True),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column("running", Boolean, nullable=False, comment="in one container of the workload at least"),
    recorded("first_seen_at"),
    moment("gone_at"),
    Column(
        "detections",
        ARRAY(Integer),
        nullable=False,
        server_default="{0,0,0,0,0}",
        comment="how many are open, by severity, the worst first",
    ),
    changed_in(),
    Index("ix_placement_image_tag_id", "image_tag_id"),
    Index("ix_placement_gone_at", "gone_at", postgresql_where=text("gone_at IS NOT NULL")),
    Index("ix_placement_changed_in", "changed_in"),
    comment="an image tag in a workload, until it is gone and for a while after",
)
