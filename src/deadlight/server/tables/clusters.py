"""How clusters are configured (owner: `clusters`)."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import metadata, recorded

scan_configuration = Table(
    "scan_configuration",
    metadata,
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True),
    Column("scanners", ARRAY(Text), nullable=False, comment="a cluster without a row has them all"),
    Column("retention_days", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    recorded("changed_at"),
)
