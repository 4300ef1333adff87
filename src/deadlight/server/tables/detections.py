"""Threats that sensors detected, what people do about them, and what sensors look for (owner: `detections`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded


def _cluster_id(*, primary_key: bool = False) -> Column[object]:
    return Column(
        "cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), nullable=False, primary_key=primary_key
    )


def _text(name: str, comment: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="", comment=comment)


detection_exception = Table(
    "detection_exception",
    metadata,
    identity(),
    _text("rule", "id of a threat rule; in this and the others * and ? are patterns, and empty matches all"),
    _text("cluster"),
    _text("namespace"),
    _text("workload"),
    _text("repository", "with its registry"),
    _text("program"),
    Column("reason", Text, nullable=False),
    moment("until", nullable=False),
    Column("created_by", Text, nullable=False),
    recorded("created_at"),
    moment("ended_at"),
    _text("ended_by", "empty where it came to its end by itself"),
    Index("ix_detection_exception_until", "until", postgresql_where=text("ended_at IS NULL")),
)

detection = Table(
    "detection",
    metadata,
    identity(),
    _cluster_id(),
    Column("key", Uuid, nullable=False, comment="follows from rule, subject and program"),
    Column("subject", Text, nullable=False, comment="the workload and its image, or a container nobody knows"),
    Column("rule", Text, nullable=False),
    Column("program", Text, nullable=False, comment="empty: further ones, beyond as many as are kept apart"),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("severity_rank", SmallInteger, nullable=False),
    Column("mitre", ARRAY(Text), nullable=False),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="SET NULL"), nullable=True),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="SET NULL"), nullable=True),
    _text("namespace", "this and what follows as it was when last seen"),
    _text("workload"),
    _text("workload_kind"),
    _text("image"),
    _text("repository"),
    _text("pod"),
    _text("container"),
    Column("container_id", Text, nullable=False),
    _text("node_name"),
    Column("count", BigInteger, nullable=False),
    Column("would_block", BigInteger, nullable=False),
    Column("killed", BigInteger, nullable=False),
    Column("denied", BigInteger, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    document("evidence", "{}"),
    Column("response", Text, nullable=False, comment="of deadlight.model.detection, the last one"),
    Column("status", Text, nullable=False, server_default="open", comment="open, acknowledged or resolved"),
    _text("status_by"),
    _text("status_note"),
    moment("status_at"),
    Column(
        "exception_id",
        BigInteger,
        ForeignKey("detection_exception.id", ondelete="SET NULL"),
        nullable=True,
        comment="why it is suppressed",
    ),
    moment("told_at"),
    Index("uq_detection_key", "cluster_id", "key", unique=True, postgresql_where=text("status <> 'resolved'")),
    Index("ix_detection_subject", "subject", "rule", postgresql_where=text("status <> 'resolved'")),
    Index("ix_detection_last_at", "last_at", "id"),
    Index("ix_detection_severity_rank", "severity_rank", "last_at", "id"),
    Index("ix_detection_workload_id", "workload_id"),
    Index("ix_detection_image_tag_id", "image_tag_id"),
    Index("ix_detection_exception_id", "exception_id"),
)

detection_location = Table(
    "detection_location",
    metadata,
    identity(),
    Column("detection_id", BigInteger, ForeignKey("detection.id", ondelete="CASCADE"), nullable=False),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=False),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), nullable=False),
    Column("container_ids", ARRAY(Text), nullable=False, comment="in which it happened since then"),
    moment("first_at", nullable=False),
    recorded("detected_at"),
    moment("gone_at"),
    _text("gone_because"),
    Index("uq_detection_location_detection_id", "detection_id", unique=True, postgresql_where=text("gone_at IS NULL")),
    Index("ix_detection_location_detection_id", "detection_id"),
    Index("ix_detection_location_workload_id", "workload_id"),
    Index("ix_detection_location_image_tag_id", "image_tag_id"),
    comment="where a detection is live, a row from each first time until it is over",
)

detection_report = Table(
    "detection_report",
    metadata,
    _cluster_id(primary_key=True),
    Column("id", Text, primary_key=True, comment="chosen by the sensor: what comes twice is known by it"),
    Column("detection_id", BigInteger, ForeignKey("detection.id", ondelete="CASCADE"), nullable=True),
    Column("container_id", Text, nullable=False),
    Column("node_name", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("mitre", ARRAY(Text), nullable=False),
    moment("at", nullable=False),
    Column("count", BigInteger, nullable=False),
    document("evidence", "{}"),
    Column("response", Text, nullable=False),
    recorded("received_at"),
    Index("ix_detection_report_waiting", "received_at", postgresql_where=text("detection_id IS NULL")),
    Index("ix_detection_report_container_id", "container_id", postgresql_where=text("detection_id IS NULL")),
    Index("ix_detection_report_detection_id", "detection_id", "at"),
    Index("ix_detection_report_received_at", "received_at"),
)

detection_action = Table(
    "detection_action",
    metadata,
    identity(),
    Column("detection_id", BigInteger, ForeignKey("detection.id", ondelete="CASCADE"), nullable=False),
    recorded("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False, comment="the status it was given"),
    _text("note"),
    Index("ix_detection_action_detection_id", "detection_id"),
)

threat_rule = Table(
    "threat_rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=True, comment="of a custom rule; null: a built-in one, changed"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("severity", Text, nullable=True, comment="null: the rule's own"),
    Column("changed_by", Text, nullable=False),
    recorded("changed_at"),
    comment="what people changed about threat rules",
)

blocking_policy = Table(
    "blocking_policy",
    metadata,
    _cluster_id(primary_key=True),
    Column("mode", Text, nullable=False, comment="off, audit or enforce"),
    Column("drift", Boolean, nullable=False),
    Column("mismatch", Boolean, nullable=False),
    Column("included", ARRAY(Text), nullable=False, comment="patterns of namespaces; empty: all but system namespaces"),
    Column("excluded", ARRAY(Text), nullable=False),
    moment("audited_since"),
    Column("changed_by", Text, nullable=False),
    recorded("changed_at"),
)

threat_change = Table(
    "threat_change",
    metadata,
    identity(),
    recorded("at"),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="rule, exception or blocking"),
    Column("name", Text, nullable=False, comment="the rule's id, the exception's or the cluster's name"),
    Column("action", Text, nullable=False),
    document("details", "{}"),
    Index("ix_threat_change_at", "at", "id"),
    Index("ix_threat_change_subject", "subject", "name", "id"),
    comment="what people changed about rules, exceptions and blocking; nothing changes it any more",
)
