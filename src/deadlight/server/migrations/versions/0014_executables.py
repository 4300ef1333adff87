"""The digests of an image's executables.

Law: the previous release still runs while this one is applied. It neither reads nor writes the column; images that it
scans have none until this release scans them again, as it does all whose result is of another scanner.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "image",
        sa.Column(
            "executable_index",
            sa.LargeBinary(),
            nullable=True,
            comment="what the digest of which executable is",
        ),
    )


def downgrade() -> None:
    op.drop_column("image", "executable_index")
