"""Signatures and provenance of images, and whose signatures count (owner: `attestations`)."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

trusted_signer = Table(
    "trusted_signer",
    metadata,
    identity(),
    Column("name", Text, nullable=False),
    Column("repositories", ARRAY(Text), nullable=False, comment="patterns of registry/repository: * and ?"),
    Column("key_pem", Text, nullable=False, server_default="", comment="a public key, or else an identity"),
    Column("identity", Text, nullable=False, server_default="", comment="a pattern: * and ?"),
    Column("issuer", Text, nullable=False, server_default=""),
    recorded("created_at"),
    UniqueConstraint("name"),
)

attestation = Table(
    "attestation",
    metadata,
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, nullable=True, comment="verified, untrusted, invalid or unsigned; null until known"),
    document("evidence", "{}"),
    moment("checked_at"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("problem", Text, nullable=False, server_default="", comment="why it could not be looked for since"),
    recorded("next_check_at"),
    Index("ix_attestation_next_check_at", "next_check_at"),
)
