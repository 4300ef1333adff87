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
    Column("program_id", Uuid, nullable=True, comment="what was executed last; follows from what identifies it"),
    Column("placed", Boolean, nullable=False, server_default=text("false"), comment="of the release before executions"),
    Column("program", Text, nullable=False, server_default="", comment="the executable of the process"),
    Column("user_id", BigInteger, nullable=True, comment="as the host counts"),
    Column("sha256", Text, nullable=False, server_default="", comment="of an executed file"),
    Column("tool", Boolean, nullable=False, server_default=text("false"), comment="only read by what reads everything"),
    Column("digest", BigInteger, nullable=True, comment="its part of the container's observation_digest"),
    UniqueConstraint("cluster_id", "container_id", "grade", "path"),
    Index("ix_observation_pending", "container_id", postgresql_where=text("image_id IS NULL")),
    Index("ix_observation_last_at", "last_at"),
    Index("ix_observation_unplaced", "container_id", postgresql_where=text("grade = 'executed' AND NOT placed")),
)

observed_container = Table(
    "observed_container",
    metadata,
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True),
    Column("container_id", Text, primary_key=True),
    Column("kept", BigInteger, nullable=False, server_default="0", comment="its observations"),
    Column("refused", BigInteger, nullable=False, server_default="0", comment="observations that found no room"),
    Column(
        "refused_executions", BigInteger, nullable=False, server_default="0", comment="of programs that found no room"
    ),
    comment="how much is kept of a container, and how much could not be",
)

execution = Table(
    "execution",
    metadata,
    identity(),
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), nullable=False),
    Column("container_id", Text, nullable=False),
    Column("program_id", Uuid, ForeignKey("program.id", ondelete="CASCADE"), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("parent_pid", Integer, nullable=False),
    Column("user_id", BigInteger, nullable=True, comment="as the host counts"),
    Column("count", BigInteger, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    Column("changed", Boolean, nullable=False, comment="the file was not the image's own"),
    Column("running", Boolean, nullable=True, comment="null where sensors do not say"),
    Column("placed", Boolean, nullable=False, server_default=text("false"), comment="told of in process"),
    UniqueConstraint("cluster_id", "container_id", "program_id"),
    Index("ix_execution_program_id", "program_id"),
    Index("ix_execution_last_at", "last_at"),
    Index("ix_execution_unplaced", "container_id", postgresql_where=text("NOT placed")),
    comment="a program that a container executed",
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
    Index("ix_package_use_evidence", "cluster_id", "container_id"),
)

tool_read = Table(
    "tool_read",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("path", Text, nullable=False),
    Column("process", Text, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    comment="packages whose files a tool that reads everything was seen to read; that proves no use",
)

program = Table(
    "program",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("arguments", ARRAY(Text), nullable=False, comment="with the program's own name first"),
    recorded("first_seen_at"),
    Column("sha256", Text, nullable=False, server_default="", comment="of its file; empty where it is not known"),
    Column("plain_id", Uuid, nullable=True, comment="the id of the same program without its hash"),
    Index("ix_program_name", "name"),
    Index("ix_program_path", "path"),
    Index("ix_program_sha256", "sha256"),
    Index("ix_program_plain_id", "plain_id"),
    comment="a program with its arguments and hash, wherever it was executed",
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
    Column("running", Boolean, nullable=True, comment="in any container; null where sensors do not say"),
    Column("superseded", Boolean, nullable=False, server_default=text("false"), comment="told of with its hash"),
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

container_coverage = Table(
    "container_coverage",
    metadata,
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True),
    Column("container_id", Text, primary_key=True),
    moment("since", nullable=False),
    Column("from_start", Boolean, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("unseen", ARRAY(Text), nullable=False),
    Column("digest", Text, nullable=False, comment="of everything the sensor reported of it"),
    moment("seen_at", nullable=False),
    Column("verified_digest", Text, nullable=False, server_default="", comment="the last that was our own too"),
    Column("mismatches", Integer, nullable=False, server_default="0", comment="since it was our own last"),
    moment("compared_at"),
    comment="how completely a container was watched, as its sensor said last",
)
