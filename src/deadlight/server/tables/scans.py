"""What is in the images (owner: `scans`)."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

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
    document("problems", "[]"),
    recorded("created_at"),
    moment("scanned_at"),
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
    UniqueConstraint("purl", "ecosystem", "source_name", "source_version"),
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
