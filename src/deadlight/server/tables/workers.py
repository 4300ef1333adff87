"""Workers, what they sent and how it went (owner: `workers`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

worker = Table(
    "worker",
    metadata,
    identity(),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("criteria", Text, nullable=False, server_default="", comment="CEL over `event`; empty means always"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("demonstration", Boolean, nullable=False, server_default=text("false")),
    recorded("created_at"),
    recorded("updated_at"),
    Column("criteria_errors", BigInteger, nullable=False, server_default="0"),
    Column("criteria_error", Text, nullable=False, server_default="", comment="the last one"),
)

destination = Table(
    "destination",
    metadata,
    identity(),
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False, comment="webhook, slack or email"),
    Column("label", Text, nullable=False, comment="what may be shown of it"),
    Column("config_encrypted", LargeBinary, nullable=False),
    Column(
        "owner_domains",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="goes to the owner instead, where the address is in one of these domains",
    ),
    Index("ix_destination_worker_id", "worker_id"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid(), comment="the idempotency key"),
    Column("event_id", BigInteger, nullable=True, comment="null for a test"),
    Column("worker_id", BigInteger, ForeignKey("worker.id", ondelete="CASCADE"), nullable=False),
    Column("destination_id", BigInteger, ForeignKey("destination.id", ondelete="CASCADE"), nullable=False),
    Column("event_type", Text, nullable=False),
    document("body", "{}"),
    Column(
        "recipients",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="the owner, as of then; empty: whom the destination names",
    ),
    Column("status", Text, nullable=False, server_default="pending", comment="pending, delivered, dead or suppressed"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),
    recorded("created_at"),
    recorded("next_attempt_at"),
    moment("delivered_at"),
    UniqueConstraint("event_id", "destination_id"),
    Index("ix_alert_worker_id", "worker_id", "created_at"),
    Index("ix_alert_pending", "next_attempt_at", postgresql_where=text("status = 'pending'")),
)

delivery = Table(
    "delivery",
    metadata,
    identity(),
    Column("alert_id", Uuid, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    recorded("started_at"),
    moment("finished_at"),
    Column("outcome", Text, nullable=False, comment="delivered, retry or refused"),
    Column("status_code", Integer, nullable=True),
    Column("response", Text, nullable=False, server_default="", comment="its first 2,000 characters"),
    Index("ix_delivery_alert_id", "alert_id"),
)
