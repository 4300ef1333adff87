"""Scan configurations, registration tokens bound to a cluster, removed clusters.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scan_configuration",
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column(
            "scanners", postgresql.ARRAY(sa.Text()), nullable=False, comment="a cluster without a row has them all"
        ),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_scan_configuration_cluster_id_cluster"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", name=op.f("pk_scan_configuration")),
    )
    op.add_column(
        "agent",
        sa.Column("registration_token_id", sa.BigInteger(), nullable=True, comment="what it enrolled with last"),
    )
    op.create_index("ix_agent_registration_token_id", "agent", ["registration_token_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_agent_registration_token_id_registration_token"),
        "agent",
        "registration_token",
        ["registration_token_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.add_column("cluster", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "registration_token",
        sa.Column(
            "cluster_name",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="only the cluster of this name may use it first; empty: any number of clusters",
        ),
    )
    op.add_column(
        "registration_token",
        sa.Column(
            "cluster_id", sa.Uuid(), nullable=True, comment="the one cluster it is good for, from its first use on"
        ),
    )
    op.add_column("registration_token", sa.Column("created_by", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_registration_token_cluster_id", "registration_token", ["cluster_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_registration_token_cluster_id_cluster"),
        "registration_token",
        "cluster",
        ["cluster_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.alter_column(
        "scan",
        "status",
        existing_type=sa.TEXT(),
        comment="queued, running, done, waiting, failed, skipped, switched_off or expired",
        existing_comment="queued, running, done, waiting, failed or skipped",
        existing_nullable=False,
        existing_server_default=sa.text("'queued'::text"),
    )


def downgrade() -> None:
    op.execute("UPDATE scan SET status = 'skipped' WHERE status IN ('switched_off', 'expired')")
    op.alter_column(
        "scan",
        "status",
        existing_type=sa.TEXT(),
        comment="queued, running, done, waiting, failed or skipped",
        existing_comment="queued, running, done, waiting, failed, skipped, switched_off or expired",
        existing_nullable=False,
        existing_server_default=sa.text("'queued'::text"),
    )
    op.drop_constraint(op.f("fk_registration_token_cluster_id_cluster"), "registration_token", type_="foreignkey")
    op.drop_index("ix_registration_token_cluster_id", table_name="registration_token")
    op.drop_column("registration_token", "created_by")
    op.drop_column("registration_token", "cluster_id")
    op.drop_column("registration_token", "cluster_name")
    op.drop_column("cluster", "removed_at")
    op.drop_constraint(op.f("fk_agent_registration_token_id_registration_token"), "agent", type_="foreignkey")
    op.drop_index("ix_agent_registration_token_id", table_name="agent")
    op.drop_column("agent", "registration_token_id")
    op.drop_table("scan_configuration")
