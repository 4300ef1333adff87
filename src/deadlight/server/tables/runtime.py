"""What sensors saw (owner: `runtime`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import identity, metadata, moment

observation = Table(
    "observation",
    metadata,
    identity(),
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), nullable=False),
    Column("container_id", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("node_name", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process", Text, nullable=False),
    Column("arguments", ARRAY(Text), nullable=False),
    Column("changed", Boolean, nullable=False),
    Column("image_id", BigInteger, nullable=True, comment="once it has been looked up in that image's files"),
    UniqueConstraint("cluster_id", "container_id", "grade", "path"),
    Index("ix_observation_pending", "container_id", postgresql_where=text("image_id IS NULL")),
    Index("ix_observation_last_at", "last_at"),
    Index(
        "ix_observation_process", "process", "container_id", "cluster_id", postgresql_where=text("grade = 'executed'")
    ),
    Index("ix_observation_path", "path", "container_id", "cluster_id", postgresql_where=text("grade = 'executed'")),
)

package_use = Table(
    "package_use",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("grade", Text, nullable=False),
    Column("grade_rank", SmallInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("container_id", Text, nullable=False),
    Column("cluster_id", Uuid, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
)
