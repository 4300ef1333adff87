"""The outbox (owner: `events`)."""

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid, func, text

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

event = Table(
    "event",
    metadata,
    identity(),
    Column("uuid", Uuid, nullable=False, unique=True, server_default=func.gen_random_uuid()),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False, comment="events of one key are handled in the order of their ids"),
    document("data", "{}"),
    recorded("recorded_at"),
    Column("status", Text, nullable=False, server_default="pending", comment="pending, handled or dead"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    recorded("not_before"),
    Column("error", Text, nullable=False, server_default=""),
    moment("handled_at"),
    Index("ix_event_pending_id", "id", postgresql_where=text("status = 'pending'")),
    Index("ix_event_pending_key", "key", "id", postgresql_where=text("status = 'pending'")),
    Index("ix_event_handled_at", "handled_at", postgresql_where=text("status = 'handled'")),
)
