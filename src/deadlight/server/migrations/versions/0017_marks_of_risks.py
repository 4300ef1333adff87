"""What each vulnerability adds to an image's counts, so that a change computes nothing but what it concerns.

Law: the previous release still runs while this one is applied. What it stores, and what is stored already, has another
state, and is computed anew as a whole before anything is added to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "image_risk",
        sa.Column(
            "marks",
            sa.LargeBinary(),
            server_default="",
            nullable=False,
            comment="beside each of them its mark, a uint16",
        ),
    )


def downgrade() -> None:
    op.drop_column("image_risk", "marks")
