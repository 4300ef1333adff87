"""What sensors saw (owner: `runtime`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
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

from deadlight.server.tables.metadata import changed_in, identity, metadata, moment, recorded

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
    Column("program_id", Uuid, nullable=True, comment="what was executed; follows from name, path and arguments"),
    Column("placed", Boolean, nullable=False, server_default=text("false"), comment="executed, and told of in process"),
    UniqueConstraint("cluster_id", "container_id", "grade", "path"),
    Index("ix_observation_pending", "container_id", postgresql_where=text("image_id IS NULL")),
    Index("ix_observation_last_at", "last_at"),
    Index("ix_observation_unplaced", "container_id", postgresql_where=text("grade = 'executed' AND NOT placed")),
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

program = Table(
    "program",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("arguments", ARRAY(Text), nullable=False, comment="with the program's own name first"),
    recorded("first_seen_at"),
    Index("ix_program_name", "name"),
    Index("ix_program_path", "path"),
    comment="a program with its arguments, wherever it was executed",
)

process = Table(
    "process",
    metadata,
    Column("workload_id", BigInteger, primary_key=True),
    Column("image_tag_id", BigInteger, primary_key=True),
    Column("program_id", Uuid, ForeignKey("program.id", ondelete="CASCADE"), primary_key=True),
    Column("changed", Boolean, nullable=False, comment="the file was not the image's own"),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    changed_in(),
    ForeignKeyConstraint(
        ["workload_id", "image_tag_id"], ["placement.workload_id", "placement.image_tag_id"], ondelete="CASCADE"
    ),
    Index("ix_process_program_id", "program_id", "image_tag_id"),
    Index("ix_process_changed_in", "changed_in"),
    comment="a program that containers of a workload executed, as long as the workload's image is known",
)

program_package = Table(
    "program_package",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("program_id", Uuid, ForeignKey("program.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("grade", Text, nullable=False),
    Column("grade_rank", SmallInteger, nullable=False),
    Column("path", Text, nullable=False),
    recorded("first_at"),
    Index("ix_program_package_program_id", "program_id"),
    comment="packages that a program of an image was seen to use",
)
