"""Exposure windows, their suppressions and what people did about them.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATUSES = "pending, delivered, dead or suppressed"
STATUSES_BEFORE = "pending, delivered or dead"


def upgrade() -> None:
    op.create_table(
        "exposure_suppression",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workload_id", sa.BigInteger(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suppressed_by", sa.Text(), nullable=False),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workload_id"],
            ["workload.id"],
            name=op.f("fk_exposure_suppression_workload_id_workload"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exposure_suppression")),
    )
    op.create_index(
        "ix_exposure_suppression_until",
        "exposure_suppression",
        ["until"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_exposure_suppression_open",
        "exposure_suppression",
        ["workload_id", "risk"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "exposure_window",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workload_id", sa.BigInteger(), nullable=False),
        sa.Column("image_tag_id", sa.BigInteger(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False, comment="of deadlight.model.risk"),
        sa.Column("violation_type", sa.Text(), nullable=True, comment="of an integrity violation"),
        sa.Column(
            "location_id",
            sa.BigInteger(),
            nullable=True,
            comment="of violation_location or untrusted_location, by risk",
        ),
        sa.Column("team", sa.Text(), nullable=True, comment="as it was when it opened"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_basis", sa.Text(), nullable=False, comment="what opened_at rests on"),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), server_default="", nullable=False),
        sa.Column("acknowledge_note", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("previous_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "repaired",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="opened or closed by the sweep",
        ),
        sa.CheckConstraint(
            "opened_at <= detected_at AND (closed_at IS NULL OR detected_at <= closed_at)",
            name=op.f("ck_exposure_window_order"),
        ),
        sa.ForeignKeyConstraint(
            ["image_tag_id"],
            ["image_tag.id"],
            name=op.f("fk_exposure_window_image_tag_id_image_tag"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["exposure_window.id"],
            name=op.f("fk_exposure_window_previous_id_exposure_window"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workload_id"], ["workload.id"], name=op.f("fk_exposure_window_workload_id_workload"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exposure_window")),
    )
    op.create_index("ix_exposure_window_closed_at", "exposure_window", ["closed_at"], unique=False)
    op.create_index("ix_exposure_window_detected_at", "exposure_window", ["detected_at"], unique=False)
    op.create_index("ix_exposure_window_image_tag_id", "exposure_window", ["image_tag_id"], unique=False)
    op.create_index("ix_exposure_window_opened_at", "exposure_window", ["opened_at", "id"], unique=False)
    op.create_index("ix_exposure_window_previous_id", "exposure_window", ["previous_id"], unique=False)
    op.create_index(
        "ix_exposure_window_workload_id", "exposure_window", ["workload_id", "image_tag_id", "risk"], unique=False
    )
    op.create_index("uq_exposure_window_location_id", "exposure_window", ["location_id", "risk"], unique=True)
    op.create_index(
        "uq_exposure_window_open",
        "exposure_window",
        ["workload_id", "image_tag_id", "risk"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "exposure_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("window_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="empty: the service itself"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["window_id"],
            ["exposure_window.id"],
            name=op.f("fk_exposure_action_window_id_exposure_window"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exposure_action")),
    )
    op.create_index("ix_exposure_action_window_id", "exposure_action", ["window_id"], unique=False)
    op.alter_column("alert", "status", comment=STATUSES)


def downgrade() -> None:
    op.alter_column("alert", "status", comment=STATUSES_BEFORE)
    op.drop_index("ix_exposure_action_window_id", table_name="exposure_action")
    op.drop_table("exposure_action")
    op.drop_index(
        "uq_exposure_window_open", table_name="exposure_window", postgresql_where=sa.text("closed_at IS NULL")
    )
    op.drop_index("uq_exposure_window_location_id", table_name="exposure_window")
    op.drop_index("ix_exposure_window_workload_id", table_name="exposure_window")
    op.drop_index("ix_exposure_window_previous_id", table_name="exposure_window")
    op.drop_index("ix_exposure_window_opened_at", table_name="exposure_window")
    op.drop_index("ix_exposure_window_image_tag_id", table_name="exposure_window")
    op.drop_index("ix_exposure_window_detected_at", table_name="exposure_window")
    op.drop_index("ix_exposure_window_closed_at", table_name="exposure_window")
    op.drop_table("exposure_window")
    op.drop_index(
        "uq_exposure_suppression_open", table_name="exposure_suppression", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index(
        "ix_exposure_suppression_until", table_name="exposure_suppression", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_table("exposure_suppression")
