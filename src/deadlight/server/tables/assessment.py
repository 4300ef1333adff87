"""What people keep of the lists they look at (owner: `assessment`)."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text

from deadlight.server.tables.metadata import identity, metadata, recorded

saved_view = Table(
    "saved_view",
    metadata,
    identity(),
    Column("user_id", BigInteger, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("page", Text, nullable=False, comment="which list it is a view of"),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False, comment="as in the page's address"),
    Column("shared", Boolean, nullable=False, server_default=text("false"), comment="with everyone"),
    recorded("created_at"),
    recorded("updated_at"),
    UniqueConstraint("user_id", "page", "name"),
    Index("ix_saved_view_shared", "page", postgresql_where=text("shared")),
)
