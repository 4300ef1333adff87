"""Registries the user added, and what their own APIs know of images (owner: `registries`)."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from deadlight.server.tables.metadata import identity, metadata, moment, recorded

registry = Table(
    "registry",
    metadata,
    identity(),
    Column("host", Text, nullable=False, unique=True, comment="as written in image references"),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False, server_default="oci"),
    Column("url", Text, nullable=False, server_default=""),
    Column("mirrors", ARRAY(Text), nullable=False, server_default="{}"),
    Column("username", Text, nullable=False, server_default=""),
    Column("password_encrypted", LargeBinary, nullable=True),
    Column("verify_tls", Boolean, nullable=False, server_default=text("true")),
    Column("trusted", Boolean, nullable=False, server_default=text("true")),
    Column("mutable_tags", ARRAY(Text), nullable=False, server_default="{}", comment="patterns: * and ?"),
    Column("immutable_tags", ARRAY(Text), nullable=False, server_default="{}", comment="patterns: * and ?"),
    Column("demonstration", Boolean, nullable=False, server_default=text("false")),
    recorded("created_at"),
    recorded("updated_at"),
    moment("asked_at"),
    Column("problem", Text, nullable=False, server_default="", comment="why it could not be asked last time"),
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
