"""Feeds: how far each has come, what is exploited and how likely, severities of CVE records, where a severity is from.

Law: the previous release still runs while this one is applied. Add, fill, and drop only a release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As the service says it from now on, for what was imported until now: the advisory that rates as the vulnerability does.
FILL = """
    UPDATE vulnerability SET severity_source = found.advisory_id
    FROM (SELECT DISTINCT ON (vulnerability.id) vulnerability.id, advisory.id AS advisory_id
          FROM vulnerability
          JOIN advisory_vulnerability ON advisory_vulnerability.vulnerability_id = vulnerability.id
          JOIN advisory ON advisory.id = advisory_vulnerability.advisory_id
          WHERE advisory.withdrawn_at IS NULL AND vulnerability.severity <> 'Unknown'
            AND (CASE WHEN vulnerability.malicious THEN advisory.id LIKE 'MAL-%'
                      ELSE advisory.document ->> 'severity' = vulnerability.severity
                           AND advisory.document ->> 'cvss_vector' = vulnerability.cvss_vector END)
          ORDER BY vulnerability.id, advisory.id) AS found
    WHERE found.id = vulnerability.id
"""


def upgrade() -> None:
    op.add_column(
        "vulnerability",
        sa.Column(
            "severity_source",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="the record the severity comes from",
        ),
    )
    op.execute(FILL)
    op.create_table(
        "feed",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False, comment="an ecosystem; empty where a source has no parts"),
        sa.Column("checkpoint", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("records", sa.Integer(), server_default="0", nullable=False, comment="held of it now"),
        sa.Column("bytes_received", sa.BigInteger(), server_default="0", nullable=False, comment="so far"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False, comment="in a row"),
        sa.Column("problem", sa.Text(), server_default="", nullable=False, comment="of the last attempt"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("refreshing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name", "part", name=op.f("pk_feed")),
    )
    op.create_table(
        "known_exploited",
        sa.Column("cve", sa.Text(), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("ransomware", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("cve", name=op.f("pk_known_exploited")),
    )
    op.create_table(
        "exploit_prediction",
        sa.Column("cve", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("percentile", sa.Float(), nullable=False),
        sa.Column("scored_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("cve", name=op.f("pk_exploit_prediction")),
    )
    op.create_table(
        "cve_rating",
        sa.Column("cve", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("cvss_score", sa.Float(), nullable=True),
        sa.Column("cvss_vector", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False, comment="who rated it in the CVE's record"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("cve", name=op.f("pk_cve_rating")),
    )
    # Deleting an advisory looks for all its matches, closed ones too.
    op.drop_index("ix_vulnerability_match_advisory_id", table_name="vulnerability_match")
    op.create_index("ix_vulnerability_match_advisory_id", "vulnerability_match", ["advisory_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_vulnerability_match_advisory_id", table_name="vulnerability_match")
    op.create_index(
        "ix_vulnerability_match_advisory_id",
        "vulnerability_match",
        ["advisory_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("cve_rating")
    op.drop_table("exploit_prediction")
    op.drop_table("known_exploited")
    op.drop_table("feed")
    op.drop_column("vulnerability", "severity_source")
