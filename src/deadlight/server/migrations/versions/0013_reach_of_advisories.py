"""Between which versions an advisory can affect a package, so that a database can leave the others out.

Law: the previous release still runs while this one is applied. What it stores, and what is stored already, has the state
0, which is not believed: all of a package's advisories are read for it, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "affected",
        sa.Column(
            "order_state",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="of the version orders of the reach",
        ),
    )
    op.add_column(
        "affected",
        sa.Column("lowest", sa.LargeBinary(), nullable=True, comment="position below which nothing is affected"),
    )
    op.add_column(
        "affected",
        sa.Column("highest", sa.LargeBinary(), nullable=True, comment="position above which nothing is affected"),
    )


def downgrade() -> None:
    op.drop_column("affected", "highest")
    op.drop_column("affected", "lowest")
    op.drop_column("affected", "order_state")
