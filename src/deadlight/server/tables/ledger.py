"""Exposure windows: since when a risk is live where, and what became of it (owner: `ledger`)."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, Uuid, text

from deadlight.server.tables.metadata import identity, metadata, moment, recorded

exposure_window = Table(
    "exposure_window",
    metadata,
    identity(),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=False),
    Column("image_tag_id", BigInteger, ForeignKey("image_tag.id", ondelete="CASCADE"), nullable=False),
    Column("risk", Text, nullable=False, comment="of deadlight.model.risk"),
    Column("violation_type", Text, nullable=True, comment="of an integrity violation"),
    Column("location_id", BigInteger, nullable=True, comment="of violation_, untrusted_ or detection_location"),
    Column("detection_key", Uuid, nullable=True, comment="of a threat: what tells its detection from others"),
    Column("team", Text, nullable=True, comment="as it was when it opened"),
    moment("opened_at", nullable=False),
    Column("opened_basis", Text, nullable=False, comment="what opened_at rests on"),
    moment("detected_at", nullable=False),
    moment("notified_at"),
    moment("acknowledged_at"),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
    Column("acknowledge_note", Text, nullable=False, server_default=""),
    moment("closed_at"),
    Column("close_reason", Text, nullable=False, server_default=""),
    Column("previous_id", BigInteger, ForeignKey("exposure_window.id", ondelete="SET NULL"), nullable=True),
    Column("repaired", Boolean, nullable=False, server_default=text("false"), comment="opened or closed by the sweep"),
    CheckConstraint("opened_at <= detected_at AND (closed_at IS NULL OR detected_at <= closed_at)", name="order"),
    Index(
        "uq_exposure_window_open",
        "workload_id",
        "image_tag_id",
        "risk",
        unique=True,
        postgresql_where=text("closed_at IS NULL AND detection_key IS NULL"),
    ),
    Index("uq_exposure_window_location_id", "location_id", "risk", unique=True),
    Index("ix_exposure_window_workload_id", "workload_id", "image_tag_id", "risk"),
    Index("ix_exposure_window_image_tag_id", "image_tag_id"),
    Index("ix_exposure_window_opened_at", "opened_at", "id"),
    Index("ix_exposure_window_detected_at", "detected_at"),
    Index("ix_exposure_window_closed_at", "closed_at"),
    Index("ix_exposure_window_previous_id", "previous_id"),
)

exposure_suppression = Table(
    "exposure_suppression",
    metadata,
    identity(),
    Column("workload_id", BigInteger, ForeignKey("workload.id", ondelete="CASCADE"), nullable=False),
    Column("risk", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("suppressed_by", Text, nullable=False),
    recorded("suppressed_at"),
    moment("until", nullable=False),
    moment("ended_at"),
    Index(
        "uq_exposure_suppression_open",
        "workload_id",
        "risk",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_exposure_suppression_until", "until", postgresql_where=text("ended_at IS NULL")),
)

exposure_action = Table(
    "exposure_action",
    metadata,
    identity(),
    Column("window_id", BigInteger, ForeignKey("exposure_window.id", ondelete="CASCADE"), nullable=False),
    recorded("at"),
    Column("actor", Text, nullable=False, comment="empty: the service itself"),
    Column("action", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    moment("until"),
    Index("ix_exposure_action_window_id", "window_id"),
)
