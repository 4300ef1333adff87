"""Where detections are live, how many are open in each placement, and which policy a sensor has.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Containers that ended meanwhile are found by the first look of the new release.
_LOCATE = """
    INSERT INTO detection_location (detection_id, workload_id, image_tag_id, container_ids, first_at)
    SELECT id, workload_id, image_tag_id, ARRAY[container_id], first_at FROM detection
    WHERE status <> 'resolved' AND exception_id IS NULL AND workload_id IS NOT NULL AND image_tag_id IS NOT NULL
    ORDER BY id
"""

_COUNT = """
    UPDATE placement SET detections = counted.detections
    FROM (
        SELECT workload_id, image_tag_id, ARRAY[
                   count(*) FILTER (WHERE severity = 'Critical'), count(*) FILTER (WHERE severity = 'High'),
                   count(*) FILTER (WHERE severity = 'Medium'), count(*) FILTER (WHERE severity = 'Low'),
                   count(*) FILTER (WHERE severity = 'Unknown')]::integer[] AS detections
        FROM detection WHERE status <> 'resolved' AND exception_id IS NULL
        GROUP BY workload_id, image_tag_id
    ) AS counted
    WHERE placement.workload_id = counted.workload_id AND placement.image_tag_id = counted.image_tag_id
"""


def upgrade() -> None:
    op.create_table(
        "detection_location",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("detection_id", sa.BigInteger(), nullable=False),
        sa.Column("workload_id", sa.BigInteger(), nullable=False),
        sa.Column("image_tag_id", sa.BigInteger(), nullable=False),
        sa.Column("container_ids", sa.ARRAY(sa.Text()), nullable=False, comment="in which it happened since then"),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_because", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["detection_id"],
            ["detection.id"],
            name=op.f("fk_detection_location_detection_id_detection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workload_id"],
            ["workload.id"],
            name=op.f("fk_detection_location_workload_id_workload"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["image_tag_id"],
            ["image_tag.id"],
            name=op.f("fk_detection_location_image_tag_id_image_tag"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detection_location")),
        comment="where a detection is live, a row from each first time until it is over",
    )
    op.create_index(
        "uq_detection_location_detection_id",
        "detection_location",
        ["detection_id"],
        unique=True,
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    for column in ("detection_id", "workload_id", "image_tag_id"):
        op.create_index(f"ix_detection_location_{column}", "detection_location", [column])
    op.add_column(
        "exposure_window",
        sa.Column(
            "detection_key",
            sa.Uuid(),
            nullable=True,
            comment="of a threat: what tells its detection from others",
        ),
    )
    _comment_location("of violation_, untrusted_ or detection_location")
    _open_windows("closed_at IS NULL AND detection_key IS NULL")
    op.add_column(
        "placement",
        sa.Column(
            "detections",
            sa.ARRAY(sa.Integer()),
            server_default="{0,0,0,0,0}",
            nullable=False,
            comment="how many are open, by severity, the worst first",
        ),
    )
    op.add_column(
        "agent",
        sa.Column(
            "threat_change_id",
            sa.BigInteger(),
            nullable=True,
            comment="the last one that a sensor's policy has in force; null: it has not said so",
        ),
    )
    op.execute(_LOCATE)
    op.execute(_COUNT)


def downgrade() -> None:
    op.drop_column("agent", "threat_change_id")
    op.drop_column("placement", "detections")
    op.execute("DELETE FROM exposure_window WHERE detection_key IS NOT NULL")
    _open_windows("closed_at IS NULL")
    _comment_location("of violation_location or untrusted_location, by risk")
    op.drop_column("exposure_window", "detection_key")
    op.drop_table("detection_location")


def _comment_location(comment: str) -> None:
    op.alter_column("exposure_window", "location_id", existing_type=sa.BigInteger(), comment=comment)


def _open_windows(condition: str) -> None:
    op.drop_index("uq_exposure_window_open", table_name="exposure_window")
    op.create_index(
        "uq_exposure_window_open",
        "exposure_window",
        ["workload_id", "image_tag_id", "risk"],
        unique=True,
        postgresql_where=sa.text(condition),
    )
