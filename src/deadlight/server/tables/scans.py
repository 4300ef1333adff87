"""What is in the images (owner: `scans`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from deadlight.server.tables.metadata import changed_in, document, identity, metadata, moment, recorded

image = Table(
    "image",
    metadata,
    identity(),
    Column("digest", Text, nullable=False, unique=True, comment="of the platform's manifest"),
    Column("config_digest", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("layer_digests", ARRAY(Text), nullable=False),
    document("config", "{}"),
    document("annotations", "{}"),
    Column("distribution", Text, nullable=False, server_default=""),
    Column("scanner_state", Text, nullable=False, server_default="", comment="empty until scanned"),
    Column("file_index", LargeBinary, nullable=True, comment="which package owns which path"),
    Column("executable_index", LargeBinary, nullable=True, comment="what the digest of which executable is"),
    document("problems", "[]"),
    recorded("created_at"),
    moment("scanned_at"),
    Column(
        "findings_source",
        Text,
        nullable=False,
        server_default="",
        comment="who states its findings; empty: nobody, matched",
    ),
)

image_statement = Table(
    "image_statement",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("source", Text, nullable=False, comment="of advisories: xray:<host>"),
    Column("statement", JSONB, nullable=True, comment="what the scanner said last (registry.statements.Statement)"),
    Column("decision", Text, nullable=False, server_default="", comment="why it was asked as it was"),
    recorded("asked_at"),
    moment("requested_at"),
    moment("stated_at"),
    Index("ix_image_statement_source", "source"),
    comment="what a scanner beside a registry says of an image",
)

image_tag_image = Table(
    "image_tag_image",
    metadata,
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), nullable=False),
    recorded("resolved_at"),
    changed_in(),
    Index("ix_image_tag_image_image_id", "image_id"),
    Index("ix_image_tag_image_changed_in", "changed_in"),
)

scan = Table(
    "scan",
    metadata,
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "status",
        Text,
        nullable=False,
        server_default="queued",
        comment="queued, running, done, waiting, failed, skipped, switched_off or expired",
    ),
    Column("error", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("layers_scanned", Integer, nullable=False, server_default="0", comment="the rest came from the cache"),
    recorded("queued_at"),
    moment("started_at"),
    moment("finished_at"),
    Index("ix_scan_unfinished", "status", postgresql_where=text("status <> 'done'")),
)

layer = Table(
    "layer",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("scanner_state", Text, primary_key=True),
    Column("facts", LargeBinary, nullable=False),
    recorded("scanned_at"),
    # Drop it IF EXISTS: a database that met 0011 before it kept the table does not have it.
    comment="unused since migration 0011, for releases before it; to be dropped by the release after",
)

analyzed_layer = Table(
    "analyzed_layer",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("analyzers", JSONB, nullable=False, comment="by name, the version of each analyzer that has read it"),
    recorded("analyzed_at"),
)

layer_part = Table(
    "layer_part",
    metadata,
    Column("digest", Text, ForeignKey("analyzed_layer.digest", ondelete="CASCADE"), primary_key=True),
    Column("analyzer", Text, primary_key=True),
    Column("facts", LargeBinary, nullable=False, comment="what it kept; no row where it kept nothing"),
)

exposure_scan = Table(
    "exposure_scan",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("status", Text, nullable=False, comment="done, failed or not_supported"),
    Column("reason", Text, nullable=False, server_default="", comment="why it is not done"),
    Column("scanner_state", Text, nullable=False, comment="of the scanners of this category"),
    document("problems", "[]"),
    recorded("scanned_at"),
)

exposure = Table(
    "exposure",
    metadata,
    identity(),
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), nullable=False),
    Column("category", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("severity_rank", SmallInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("recommendation", Text, nullable=False),
    Column("path", Text, nullable=False, comment="empty for what is in the image's configuration"),
    Column("location", Text, nullable=False),
    Column("evidence", Text, nullable=False, comment="with every secret masked"),
    Column("cwe", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("layer_digest", Text, nullable=False),
    Column("is_deleted", Boolean, nullable=False, comment="a later layer removed or replaced the file"),
    recorded("first_found_at"),
    moment("closed_at"),
    Index("ix_exposure_image_id", "image_id"),
)

package = Table(
    "package",
    metadata,
    identity(),
    Column("ecosystem", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("purl", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("source_version", Text, nullable=False),
    Column("architecture", Text, nullable=False),
    Column(
        "findings_source",
        Text,
        nullable=False,
        server_default="",
        comment="who states its findings; empty: nobody, matched",
    ),
    UniqueConstraint("purl", "ecosystem", "source_name", "source_version", "findings_source"),
    Index("ix_package_ecosystem_source_name", "ecosystem", "source_name"),
    Index("ix_package_name_version", "name", "version"),
)

image_package = Table(
    "image_package",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("location", Text, primary_key=True),
    Column("layer_digest", Text, nullable=False),
    Column("owner_package_id", BigInteger, ForeignKey("package.id"), nullable=True),
    Index("ix_image_package_package_id", "package_id", "image_id", postgresql_include=["owner_package_id"]),
)

call_evidence = Table(
    "call_evidence",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("facts", LargeBinary, nullable=False, comment="what first-party code calls, for contextual analysis"),
)
