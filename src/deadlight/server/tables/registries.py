"""Registries the user added, and what their own APIs know of images (owner: `registries`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

registry = Table(
    "registry",
    metadata,
    identity(),
    Column("host", Text, nullable=False, unique=True, comment="as written in image references"),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False, server_default="oci"),
    Column("url", Text, nullable=False, server_default=""),
    Column("scan_with", Text, nullable=False, server_default="deadlight", comment="deadlight or xray"),
    Column("mirrors", ARRAY(Text), nullable=False, server_default="{}"),
    Column("username", Text, nullable=False, server_default=""),
    Column("password_encrypted", LargeBinary, nullable=True),
    Column("options_encrypted", LargeBinary, nullable=True, comment="the settings of its type, as JSON"),
    Column("verify_tls", Boolean, nullable=False, server_default=text("true")),
    Column("trusted", Boolean, nullable=False, server_default=text("true")),
    Column("trusted_repositories", ARRAY(Text), nullable=False, server_default="{}", comment="patterns; none: all"),
    Column("untrusted_repositories", ARRAY(Text), nullable=False, server_default="{}", comment="patterns"),
    document("origins", "[]"),
    Column("mutable_tags", ARRAY(Text), nullable=False, server_default="{}", comment="patterns: * and ?"),
    Column("immutable_tags", ARRAY(Text), nullable=False, server_default="{}", comment="patterns: * and ?"),
    Column("demonstration", Boolean, nullable=False, server_default=text("false")),
    recorded("created_at"),
    recorded("updated_at"),
    moment("asked_at"),
    Column("problem", Text, nullable=False, server_default="", comment="why it could not be asked last time"),
    Column("checks_per_second", Double, nullable=False, server_default="20", comment="scheduled ones, of all replicas"),
    moment("checks_claimed_until"),
    Column("requests", BigInteger, nullable=False, server_default="0", comment="sent by checks so far"),
    Column("bytes_received", BigInteger, nullable=False, server_default="0", comment="by checks so far"),
    Column("webhook_secret_encrypted", LargeBinary, nullable=True),
    moment("webhook_created_at"),
    Column("webhooks_accepted", BigInteger, nullable=False, server_default="0"),
    moment("webhook_accepted_at"),
    Column("webhooks_refused", BigInteger, nullable=False, server_default="0"),
    moment("webhook_refused_at"),
    Column("webhook_problem", Text, nullable=False, server_default="", comment="why the last one was refused"),
)

artifact_facts = Table(
    "artifact_facts",
    metadata,
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column("facts", JSONB, nullable=True, comment="the registry's last answer (registry.types.ArtifactFacts)"),
    moment("fetched_at"),
    recorded("next_fetch_at"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("problem", Text, nullable=False, server_default="", comment="why it could not be asked since"),
    Index("ix_artifact_facts_next_fetch_at", "next_fetch_at"),
)
