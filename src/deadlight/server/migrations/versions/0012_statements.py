"""What a scanner beside a registry says of images, and which images and packages have their findings from one.

Law: the previous release still runs while this one is applied. It knows no such scanner, and its packages are those
whose findings come from matching: the defaults.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SOURCE = "who states its findings; empty: nobody, matched"


def upgrade() -> None:
    op.add_column(
        "registry",
        sa.Column("scan_with", sa.Text(), server_default="deadlight", nullable=False, comment="deadlight or xray"),
    )
    for table in ("image", "package"):
        op.add_column(
            table, sa.Column("findings_source", sa.Text(), server_default="", nullable=False, comment=_SOURCE)
        )
    op.drop_constraint("uq_package_purl_ecosystem_source_name_source_version", "package", type_="unique")
    op.create_unique_constraint(
        op.f("uq_package_purl_ecosystem_source_name_source_version_findings_source"),
        "package",
        ["purl", "ecosystem", "source_name", "source_version", "findings_source"],
    )
    op.alter_column(
        "vulnerability_match",
        "matched_by",
        existing_type=sa.Text(),
        existing_nullable=False,
        existing_comment="range or version",
        comment="range, version or stated",
    )
    op.create_table(
        "image_statement",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="of advisories: xray:<host>"),
        sa.Column(
            "statement",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the scanner said last (registry.statements.Statement)",
        ),
        sa.Column("decision", sa.Text(), server_default="", nullable=False, comment="why it was asked as it was"),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_statement_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_image_statement")),
        comment="what a scanner beside a registry says of an image",
    )
    op.create_index("ix_image_statement_source", "image_statement", ["source"], unique=False)
    op.create_table(
        "stated_applicability",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("package_id", sa.BigInteger(), nullable=False),
        sa.Column("advisory_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["advisory_id"],
            ["advisory.id"],
            name=op.f("fk_stated_applicability_advisory_id_advisory"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_stated_applicability_image_id_image"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["package_id"], ["package.id"], name=op.f("fk_stated_applicability_package_id_package")
        ),
        sa.PrimaryKeyConstraint("image_id", "package_id", "advisory_id", name=op.f("pk_stated_applicability")),
        comment="what the source of an image's findings says is applicable; it counts where no rule of ours does",
    )


def downgrade() -> None:
    op.drop_table("stated_applicability")
    op.drop_index("ix_image_statement_source", table_name="image_statement")
    op.drop_table("image_statement")
    op.alter_column(
        "vulnerability_match",
        "matched_by",
        existing_type=sa.Text(),
        existing_nullable=False,
        existing_comment="range, version or stated",
        comment="range or version",
    )
    # Images whose findings were stated are scanned anew, which finds the packages that are matched.
    op.execute(
        "DELETE FROM image WHERE id IN (SELECT image_id FROM image_package JOIN package ON package.id = package_id"
        " WHERE package.findings_source <> '')"
    )
    op.execute("DELETE FROM package WHERE findings_source <> ''")
    op.drop_constraint(
        op.f("uq_package_purl_ecosystem_source_name_source_version_findings_source"), "package", type_="unique"
    )
    op.create_unique_constraint(
        "uq_package_purl_ecosystem_source_name_source_version",
        "package",
        ["purl", "ecosystem", "source_name", "source_version"],
    )
    for table in ("package", "image"):
        op.drop_column(table, "findings_source")
    op.drop_column("registry", "scan_with")
