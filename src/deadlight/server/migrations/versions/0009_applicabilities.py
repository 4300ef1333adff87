"""Filters without joins: what was found of an image's vulnerabilities in one number, and an index that says who has one.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Until the service computes the images anew, which it does since it says more of them now. Vulnerabilities that
# nobody judged, which have no row, are told only then.
FILL = """
    UPDATE image_risk SET applicabilities = found.bits
    FROM (SELECT image_id, bit_or(CASE status
                 WHEN 'applicable' THEN 1 WHEN 'not_applicable' THEN 2 WHEN 'undetermined' THEN 4
                 WHEN 'not_covered' THEN 8 WHEN 'rescan_required' THEN 16 WHEN 'upgrade_required' THEN 32
                 WHEN 'not_scanned' THEN 64 ELSE 0 END) AS bits
          FROM applicability GROUP BY image_id) AS found
    WHERE found.image_id = image_risk.image_id
"""


def upgrade() -> None:
    op.add_column(
        "image_risk",
        sa.Column("applicabilities", sa.Integer(), server_default="0", nullable=False, comment="bits of findings.risk"),
    )
    op.drop_index("ix_image_package_package_id", table_name="image_package")
    op.create_index(
        "ix_image_package_package_id",
        "image_package",
        ["package_id", "image_id"],
        unique=False,
        postgresql_include=["owner_package_id"],
    )
    op.execute(FILL)


def downgrade() -> None:
    op.drop_index("ix_image_package_package_id", table_name="image_package", postgresql_include=["owner_package_id"])
    op.create_index("ix_image_package_package_id", "image_package", ["package_id", "image_id"], unique=False)
    op.drop_column("image_risk", "applicabilities")
