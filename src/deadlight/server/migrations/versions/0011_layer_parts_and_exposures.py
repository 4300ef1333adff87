"""What is known of layers in one part for each analyzer; exposures of images.

Law: the previous release still runs while this one is applied. It goes on keeping what it knows of layers in a table of
its own, which this one does not read: layers are a cache. Nothing uses that table any more once all replicas are of this
release; the next one drops it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UNUSED = "unused since migration 0011, for releases before it; to be dropped by the release after"


def upgrade() -> None:
    op.create_table(
        "analyzed_layer",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "analyzers",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="by name, the version of each analyzer that has read it",
        ),
        sa.Column("analyzed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_analyzed_layer")),
    )
    op.create_table(
        "exposure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="empty for what is in the image's configuration"),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="with every secret masked"),
        sa.Column("cwe", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("layer_digest", sa.Text(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False, comment="a later layer removed or replaced the file"),
        sa.Column("first_found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_exposure_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exposure")),
    )
    op.create_index("ix_exposure_image_id", "exposure", ["image_id"], unique=False)
    op.create_table(
        "exposure_scan",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="done, failed or not_supported"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="why it is not done"),
        sa.Column("scanner_state", sa.Text(), nullable=False, comment="of the scanners of this category"),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_exposure_scan_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "category", name=op.f("pk_exposure_scan")),
    )
    op.create_table(
        "layer_part",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("analyzer", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False, comment="what it kept; no row where it kept nothing"),
        sa.ForeignKeyConstraint(
            ["digest"], ["analyzed_layer.digest"], name=op.f("fk_layer_part_digest_analyzed_layer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", "analyzer", name=op.f("pk_layer_part")),
    )
    op.create_table_comment("layer", UNUSED, existing_comment=None)


def downgrade() -> None:
    op.drop_table_comment("layer", existing_comment=UNUSED)
    op.drop_table("layer_part")
    op.drop_table("exposure_scan")
    op.drop_index("ix_exposure_image_id", table_name="exposure")
    op.drop_table("exposure")
    op.drop_table("analyzed_layer")
