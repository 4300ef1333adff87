"""Which vulnerabilities meet which packages, and how far each gets on each image (owner: `findings`)."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Table,
    Text,
    Uuid,
)

from deadlight.server.tables.metadata import changed_in, document, metadata, moment, recorded

vulnerability_match = Table(
    "vulnerability_match",
    metadata,
    Column("package_id", BigInteger, ForeignKey("package.id", ondelete="CASCADE"), primary_key=True),
    Column("advisory_id", Text, ForeignKey("advisory.id", ondelete="CASCADE"), primary_key=True),
    Column("fix_version", Text, nullable=False, server_default=""),
    Column("matched_by", Text, nullable=False, comment="range, version or stated"),
    recorded("opened_at"),
    moment("closed_at"),
    Index("ix_vulnerability_match_advisory_id", "advisory_id"),
)

package_match_state = Table(
    "package_match_state",
    metadata,
    Column("package_id", BigInteger, ForeignKey("package.id", ondelete="CASCADE"), primary_key=True),
    Column("matcher_state", Text, nullable=False),
    recorded("matched_at"),
)

applicability = Table(
    "applicability",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("vulnerability_id", BigInteger, ForeignKey("vulnerability.id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    document("evidence", "[]"),
    recorded("judged_at"),
    Index("ix_applicability_image_id_status", "image_id", "status"),
)

stated_applicability = Table(
    "stated_applicability",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("package_id", BigInteger, ForeignKey("package.id"), primary_key=True),
    Column("advisory_id", Text, ForeignKey("advisory.id", ondelete="CASCADE"), primary_key=True),
    Column("status", Text, nullable=False),
    comment="what the source of an image's findings says is applicable; it counts where no rule of ours does",
)

risk_version = Sequence("risk_version", metadata=metadata)

image_risk = Table(
    "image_risk",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("version", BigInteger, nullable=False, index=True, comment="from risk_version: replicas load what is newer"),
    Column("packed", LargeBinary, nullable=False, comment="sorted little-endian uint32: vulnerability << 3 | stage"),
    Column("marks", LargeBinary, nullable=False, server_default="", comment="beside each of them its mark, a uint16"),
    Column("critical", Integer, nullable=False),
    Column("high", Integer, nullable=False),
    Column("medium", Integer, nullable=False),
    Column("low", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("critical_applicable", Integer, nullable=False),
    Column("validated", Integer, nullable=False),
    Column("malicious", Integer, nullable=False),
    Column("applicabilities", Integer, nullable=False, server_default="0", comment="bits of findings.risk"),
    Column("state", Text, nullable=False, comment="of the matcher and rules it was computed with"),
    recorded("computed_at"),
    changed_in(),
    Index("ix_image_risk_changed_in", "changed_in"),
)

program_risk = Table(
    "program_risk",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("program_id", Uuid, ForeignKey("program.id", ondelete="CASCADE"), primary_key=True),
    Column("critical", Integer, nullable=False),
    Column("high", Integer, nullable=False),
    Column("medium", Integer, nullable=False),
    Column("low", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("critical_applicable", Integer, nullable=False),
    Column("malicious", Integer, nullable=False),
    changed_in(),
    Index("ix_program_risk_program_id", "program_id"),
    Index("ix_program_risk_changed_in", "changed_in"),
    comment="of the packages that a program of an image was seen to use",
)
