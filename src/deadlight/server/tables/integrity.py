"""What registries say, what was concluded and what is wrong (owner: `integrity`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from deadlight.server.tables.metadata import changed_in, document, identity, metadata, moment, recorded

source_record = Table(
    "source_record",
    metadata,
    identity(),
    Column("registry", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("reference", Text, nullable=False, comment="a tag, or a digest for a reference pinned by it"),
    Column("state", Text, nullable=False, server_default="unknown", comment="unknown, present or missing"),
    Column("record", JSONB, nullable=True, comment="the last answer that said present"),
    recorded("created_at"),
    moment("answered_at"),
    moment("changed_at"),
    moment("next_check_at"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("problem", Text, nullable=False, server_default="", comment="why it could not be asked since"),
    moment("problem_since"),
    Column("facts", JSONB, nullable=True, comment="what the registry's own API says of the digest in the record"),
    moment("facts_at"),
    Column("deleted_by", Text, nullable=False, server_default="", comment="as a webhook of the registry said"),
    moment("deleted_at"),
    UniqueConstraint("registry", "repository", "reference"),
    Index("ix_source_record_registry_next_check_at", "registry", "next_check_at"),
)

tag_history = Table(
    "tag_history",
    metadata,
    identity(),
    Column("source_record_id", BigInteger, ForeignKey("source_record.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Text, nullable=False),
    recorded("first_seen_at"),
    recorded("last_seen_at"),
    Column("pushed_by", Text, nullable=False, server_default="", comment="as the registry says"),
    moment("pushed_at"),
    UniqueConstraint("source_record_id", "digest"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("violation_type", Text, nullable=True),
    Column("reason", Text, nullable=False, server_default=""),
    Column("expected_digest", Text, nullable=False, server_default=""),
    Column("mutable", Boolean, nullable=True),
    Column("mutability_source", Text, nullable=True),
    Column("mutability_detail", Text, nullable=False, server_default=""),
    recorded("judged_at"),
    Column("stale_reason", Text, nullable=False, server_default=""),
    moment("stale_since"),
    changed_in(),
    Index("ix_verdict_changed_in", "changed_in"),
)

violation = Table(
    "violation",
    metadata,
    identity(),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    document("evidence", "{}"),
    recorded("first_detected_at"),
    recorded("last_confirmed_at"),
    moment("closed_at"),
    Column("close_reason", Text, nullable=False, server_default=""),
    Column("occurrence", Integer, nullable=False, server_default="1", comment="of this type on this image tag"),
    Column("reopened_from", BigInteger, ForeignKey("violation.id", ondelete="SET NULL"), nullable=True),
    recorded("first_ever_detected_at"),
    Index("uq_violation_open", "image_tag_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("ix_violation_image_tag_id", "image_tag_id"),
)

violation_location = Table(
    "violation_location",
    metadata,
    identity(),
    Column("violation_id", BigInteger, ForeignKey("violation.id", ondelete="CASCADE"), nullable=False),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=False),
    Column("nodes", ARRAY(Text), nullable=False, server_default="{}"),
    recorded("detected_at"),
    moment("gone_at"),
    Index(
        "uq_violation_location_open",
        "violation_id",
        "workload_id",
        unique=True,
        postgresql_where=text("gone_at IS NULL"),
    ),
    Index("ix_violation_location_workload_id", "workload_id"),
)

untrusted_location = Table(
    "untrusted_location",
    metadata,
    identity(),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), nullable=False),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=False),
    recorded("detected_at"),
    moment("gone_at"),
    Index(
        "uq_untrusted_location_open",
        "image_tag_id",
        "workload_id",
        unique=True,
        postgresql_where=text("gone_at IS NULL"),
    ),
    Index("ix_untrusted_location_workload_id", "workload_id"),
)
