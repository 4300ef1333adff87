"""Threats that sensors detected, what people do about them, and what sensors look for.

Law: the previous release still runs while this one is applied. It knows none of these tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "detection_exception",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "rule",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="id of a threat rule; in this and the others * and ? are patterns, and empty matches all",
        ),
        sa.Column("cluster", sa.Text(), server_default="", nullable=False),
        sa.Column("namespace", sa.Text(), server_default="", nullable=False),
        sa.Column("workload", sa.Text(), server_default="", nullable=False),
        sa.Column("repository", sa.Text(), server_default="", nullable=False, comment="with its registry"),
        sa.Column("program", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by", sa.Text(), server_default="", nullable=False, comment="empty where it came to its end by itself"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection_exception")),
    )
    op.create_index(
        "ix_detection_exception_until",
        "detection_exception",
        ["until"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "threat_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="rule, exception or blocking"),
        sa.Column("name", sa.Text(), nullable=False, comment="the rule's id, the exception's or the cluster's name"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threat_change")),
        comment="what people changed about rules, exceptions and blocking; nothing changes it any more",
    )
    op.create_index("ix_threat_change_at", "threat_change", ["at", "id"], unique=False)
    op.create_table(
        "threat_rule",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True, comment="of a custom rule; null: a built-in one, changed"),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True, comment="null: the rule's own"),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threat_rule")),
        comment="what people changed about threat rules",
    )
    op.create_table(
        "blocking_policy",
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False, comment="off, audit or enforce"),
        sa.Column("drift", sa.Boolean(), nullable=False),
        sa.Column("mismatch", sa.Boolean(), nullable=False),
        sa.Column(
            "included",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="patterns of namespaces; empty: all but system namespaces",
        ),
        sa.Column("excluded", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("audited_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_blocking_policy_cluster_id_cluster"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", name=op.f("pk_blocking_policy")),
    )
    op.create_table(
        "detection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False, comment="follows from rule, subject and program"),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="the workload and its image, or a container nobody knows"
        ),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column(
            "program", sa.Text(), nullable=False, comment="empty: further ones, beyond as many as are kept apart"
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.SmallInteger(), nullable=False),
        sa.Column("mitre", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("workload_id", sa.BigInteger(), nullable=True),
        sa.Column("image_tag_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "namespace",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="this and what follows as it was when last seen",
        ),
        sa.Column("workload", sa.Text(), server_default="", nullable=False),
        sa.Column("workload_kind", sa.Text(), server_default="", nullable=False),
        sa.Column("image", sa.Text(), server_default="", nullable=False),
        sa.Column("repository", sa.Text(), server_default="", nullable=False),
        sa.Column("pod", sa.Text(), server_default="", nullable=False),
        sa.Column("container", sa.Text(), server_default="", nullable=False),
        sa.Column("container_id", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), server_default="", nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("would_block", sa.BigInteger(), nullable=False),
        sa.Column("killed", sa.BigInteger(), nullable=False),
        sa.Column("denied", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("response", sa.Text(), nullable=False, comment="of deadlight.model.detection, the last one"),
        sa.Column("status", sa.Text(), server_default="open", nullable=False, comment="open, acknowledged or resolved"),
        sa.Column("status_by", sa.Text(), server_default="", nullable=False),
        sa.Column("status_note", sa.Text(), server_default="", nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exception_id", sa.BigInteger(), nullable=True, comment="why it is suppressed"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_detection_cluster_id_cluster"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["exception_id"],
            ["detection_exception.id"],
            name=op.f("fk_detection_exception_id_detection_exception"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["image_tag_id"], ["image_tag.id"], name=op.f("fk_detection_image_tag_id_image_tag"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workload_id"], ["workload.id"], name=op.f("fk_detection_workload_id_workload"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection")),
    )
    op.create_index("ix_detection_exception_id", "detection", ["exception_id"], unique=False)
    op.create_index("ix_detection_image_tag_id", "detection", ["image_tag_id"], unique=False)
    op.create_index("ix_detection_last_at", "detection", ["last_at", "id"], unique=False)
    op.create_index("ix_detection_severity_rank", "detection", ["severity_rank", "last_at", "id"], unique=False)
    op.create_index(
        "ix_detection_subject",
        "detection",
        ["subject", "rule"],
        unique=False,
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_index("ix_detection_workload_id", "detection", ["workload_id"], unique=False)
    op.create_index(
        "uq_detection_key",
        "detection",
        ["cluster_id", "key"],
        unique=True,
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_table(
        "detection_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("detection_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="the status it was given"),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["detection_id"],
            ["detection.id"],
            name=op.f("fk_detection_action_detection_id_detection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection_action")),
    )
    op.create_index("ix_detection_action_detection_id", "detection_action", ["detection_id"], unique=False)
    op.create_table(
        "detection_report",
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="chosen by the sensor: what comes twice is known by it"),
        sa.Column("detection_id", sa.BigInteger(), nullable=True),
        sa.Column("container_id", sa.Text(), nullable=False),
        sa.Column("node_name", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("mitre", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_detection_report_cluster_id_cluster"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["detection_id"],
            ["detection.id"],
            name=op.f("fk_detection_report_detection_id_detection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cluster_id", "id", name=op.f("pk_detection_report")),
    )
    op.create_index(
        "ix_detection_report_container_id",
        "detection_report",
        ["container_id"],
        unique=False,
        postgresql_where=sa.text("detection_id IS NULL"),
    )
    op.create_index("ix_detection_report_detection_id", "detection_report", ["detection_id", "at"], unique=False)
    op.create_index("ix_detection_report_received_at", "detection_report", ["received_at"], unique=False)
    op.create_index(
        "ix_detection_report_waiting",
        "detection_report",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("detection_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_detection_report_waiting", table_name="detection_report", postgresql_where=sa.text("detection_id IS NULL")
    )
    op.drop_index("ix_detection_report_received_at", table_name="detection_report")
    op.drop_index("ix_detection_report_detection_id", table_name="detection_report")
    op.drop_index(
        "ix_detection_report_container_id",
        table_name="detection_report",
        postgresql_where=sa.text("detection_id IS NULL"),
    )
    op.drop_table("detection_report")
    op.drop_index("ix_detection_action_detection_id", table_name="detection_action")
    op.drop_table("detection_action")
    op.drop_index("uq_detection_key", table_name="detection", postgresql_where=sa.text("status <> 'resolved'"))
    op.drop_index("ix_detection_workload_id", table_name="detection")
    op.drop_index("ix_detection_subject", table_name="detection", postgresql_where=sa.text("status <> 'resolved'"))
    op.drop_index("ix_detection_severity_rank", table_name="detection")
    op.drop_index("ix_detection_last_at", table_name="detection")
    op.drop_index("ix_detection_image_tag_id", table_name="detection")
    op.drop_index("ix_detection_exception_id", table_name="detection")
    op.drop_table("detection")
    op.drop_table("blocking_policy")
    op.drop_table("threat_rule")
    op.drop_index("ix_threat_change_at", table_name="threat_change")
    op.drop_table("threat_change")
    op.drop_index(
        "ix_detection_exception_until", table_name="detection_exception", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_table("detection_exception")
