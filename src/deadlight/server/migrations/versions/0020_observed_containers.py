"""How much is kept of each container, so that it can be bounded.

What replicas of the previous release store and delete while they are replaced is not counted: a bound may be missed by
as much.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

FILL = """
    INSERT INTO observed_container (cluster_id, container_id, kept)
    SELECT cluster_id, container_id, count(*) FROM observation GROUP BY cluster_id, container_id
"""


def upgrade() -> None:
    op.create_table(
        "observed_container",
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column("container_id", sa.Text(), nullable=False),
        sa.Column("kept", sa.BigInteger(), server_default="0", nullable=False, comment="its observations"),
        sa.Column(
            "refused", sa.BigInteger(), server_default="0", nullable=False, comment="observations that found no room"
        ),
        sa.Column(
            "refused_executions",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="of programs that found no room",
        ),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name=op.f("fk_observed_container_cluster_id_cluster"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", "container_id", name=op.f("pk_observed_container")),
        comment="how much is kept of a container, and how much could not be",
    )
    op.execute(FILL)
    op.create_index("ix_package_use_evidence", "package_use", ["cluster_id", "container_id"])


def downgrade() -> None:
    op.drop_index("ix_package_use_evidence", table_name="package_use")
    op.drop_table("observed_container")
