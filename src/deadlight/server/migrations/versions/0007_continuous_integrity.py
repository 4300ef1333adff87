"""What continuous integrity keeps: paces, webhooks and origins of registries, who pushed, what opened again.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "registry",
        sa.Column("options_encrypted", sa.LargeBinary(), nullable=True, comment="the settings of its type, as JSON"),
    )
    op.add_column(
        "registry",
        sa.Column(
            "trusted_repositories",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="patterns; none: all",
        ),
    )
    op.add_column(
        "registry",
        sa.Column(
            "untrusted_repositories",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="patterns",
        ),
    )
    op.add_column(
        "registry", sa.Column("origins", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False)
    )
    op.add_column(
        "registry",
        sa.Column(
            "checks_per_second",
            sa.Double(),
            server_default="20",
            nullable=False,
            comment="scheduled ones, of all replicas",
        ),
    )
    op.add_column("registry", sa.Column("checks_claimed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "registry",
        sa.Column("requests", sa.BigInteger(), server_default="0", nullable=False, comment="sent by checks so far"),
    )
    op.add_column(
        "registry",
        sa.Column("bytes_received", sa.BigInteger(), server_default="0", nullable=False, comment="by checks so far"),
    )
    op.add_column("registry", sa.Column("webhook_secret_encrypted", sa.LargeBinary(), nullable=True))
    op.add_column("registry", sa.Column("webhook_created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("registry", sa.Column("webhooks_accepted", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("registry", sa.Column("webhook_accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("registry", sa.Column("webhooks_refused", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("registry", sa.Column("webhook_refused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "registry",
        sa.Column(
            "webhook_problem", sa.Text(), server_default="", nullable=False, comment="why the last one was refused"
        ),
    )
    op.add_column(
        "source_record",
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the registry's own API says of the digest in the record",
        ),
    )
    op.add_column("source_record", sa.Column("facts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "source_record",
        sa.Column(
            "deleted_by", sa.Text(), server_default="", nullable=False, comment="as a webhook of the registry said"
        ),
    )
    op.add_column("source_record", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index(op.f("ix_source_record_next_check_at"), table_name="source_record")
    op.create_index(
        "ix_source_record_registry_next_check_at", "source_record", ["registry", "next_check_at"], unique=False
    )
    op.add_column(
        "tag_history",
        sa.Column("pushed_by", sa.Text(), server_default="", nullable=False, comment="as the registry says"),
    )
    op.add_column("tag_history", sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("verdict", sa.Column("mutability_detail", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "violation",
        sa.Column(
            "occurrence", sa.Integer(), server_default="1", nullable=False, comment="of this type on this image tag"
        ),
    )
    op.add_column("violation", sa.Column("reopened_from", sa.BigInteger(), nullable=True))
    op.add_column(
        "violation",
        sa.Column(
            "first_ever_detected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
    )
    op.execute("UPDATE violation SET first_ever_detected_at = first_detected_at")
    op.create_foreign_key(
        op.f("fk_violation_reopened_from_violation"),
        "violation",
        "violation",
        ["reopened_from"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_violation_reopened_from_violation"), "violation", type_="foreignkey")
    op.drop_column("violation", "first_ever_detected_at")
    op.drop_column("violation", "reopened_from")
    op.drop_column("violation", "occurrence")
    op.drop_column("verdict", "mutability_detail")
    op.drop_column("tag_history", "pushed_at")
    op.drop_column("tag_history", "pushed_by")
    op.drop_index("ix_source_record_registry_next_check_at", table_name="source_record")
    op.create_index(op.f("ix_source_record_next_check_at"), "source_record", ["next_check_at"], unique=False)
    op.drop_column("source_record", "deleted_at")
    op.drop_column("source_record", "deleted_by")
    op.drop_column("source_record", "facts_at")
    op.drop_column("source_record", "facts")
    op.drop_column("registry", "webhook_problem")
    op.drop_column("registry", "webhook_refused_at")
    op.drop_column("registry", "webhooks_refused")
    op.drop_column("registry", "webhook_accepted_at")
    op.drop_column("registry", "webhooks_accepted")
    op.drop_column("registry", "webhook_created_at")
    op.drop_column("registry", "webhook_secret_encrypted")
    op.drop_column("registry", "bytes_received")
    op.drop_column("registry", "requests")
    op.drop_column("registry", "checks_claimed_until")
    op.drop_column("registry", "checks_per_second")
    op.drop_column("registry", "origins")
    op.drop_column("registry", "untrusted_repositories")
    op.drop_column("registry", "trusted_repositories")
    op.drop_column("registry", "options_encrypted")
