"""Who is responsible for what (owner: `owners`)."""

from sqlalchemy import Boolean, Column, Integer, Table, Text, UniqueConstraint, text

from deadlight.server.tables.metadata import identity, metadata, recorded

owner_rule = Table(
    "owner_rule",
    metadata,
    identity(),
    Column("position", Integer, nullable=False, comment="the first that matches counts"),
    Column("cluster", Text, nullable=False, server_default="", comment="patterns: * and ?; empty matches all"),
    Column("namespace", Text, nullable=False, server_default=""),
    Column("repository", Text, nullable=False, server_default=""),
    Column("label", Text, nullable=False, server_default="", comment="key=value, several with commas"),
    Column("team", Text, nullable=False, server_default=""),
    Column("person", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("slack", Text, nullable=False, server_default=""),
    Column("on_call", Text, nullable=False, server_default="", comment="where to find who is on call"),
    Column("demonstration", Boolean, nullable=False, server_default=text("false")),
    recorded("created_at"),
    recorded("updated_at"),
    UniqueConstraint("position", deferrable=True, initially="DEFERRED"),
)
