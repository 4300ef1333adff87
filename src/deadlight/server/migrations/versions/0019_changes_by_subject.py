"""What was decided about a rule, an exception or blocking is found by what it was about.

Where 0018 was applied while it was being made it has the index already.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_threat_change_subject", "threat_change", ["subject", "name", "id"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index("ix_threat_change_subject", table_name="threat_change", if_exists=True)
