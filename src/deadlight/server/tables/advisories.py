"""Advisories and the vulnerabilities they describe (owner: `advisories`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

vulnerability = Table(
    "vulnerability",
    metadata,
    identity(),
    Column("name", Text, nullable=False, unique=True, comment="the CVE where there is one"),
    Column("aliases", ARRAY(Text), nullable=False, server_default="{}"),
    Column("severity", Text, nullable=False),
    Column("severity_rank", SmallInteger, nullable=False),
    Column("severity_source", Text, nullable=False, server_default="", comment="the record the severity comes from"),
    Column("cvss_score", Float, nullable=True),
    Column("cvss_vector", Text, nullable=False, server_default=""),
    Column("summary", Text, nullable=False, server_default=""),
    Column("malicious", Boolean, nullable=False, server_default=text("false")),
    moment("published_at"),
    recorded("updated_at"),
)

advisory = Table(
    "advisory",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    document("document", "{}"),
    moment("modified_at"),
    moment("withdrawn_at"),
    recorded("imported_at"),
)

advisory_vulnerability = Table(
    "advisory_vulnerability",
    metadata,
    Column("advisory_id", Text, ForeignKey("advisory.id", ondelete="CASCADE"), primary_key=True),
    Column("vulnerability_id", BigInteger, ForeignKey("vulnerability.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_advisory_vulnerability_vulnerability_id", "vulnerability_id"),
)

vulnerability_alias = Table(
    "vulnerability_alias",
    metadata,
    Column("name", Text, primary_key=True, comment="the vulnerability's own name too"),
    Column("vulnerability_id", BigInteger, ForeignKey("vulnerability.id", ondelete="CASCADE"), nullable=False),
    Index("ix_vulnerability_alias_vulnerability_id", "vulnerability_id"),
)

affected = Table(
    "affected",
    metadata,
    identity(),
    Column("advisory_id", Text, ForeignKey("advisory.id", ondelete="CASCADE"), nullable=False),
    Column("ecosystem", Text, nullable=False),
    Column("name", Text, nullable=False),
    document("document", "{}"),
    Column("order_state", Integer, nullable=False, server_default="0", comment="of the version orders of the reach"),
    Column("lowest", LargeBinary, nullable=True, comment="position below which nothing is affected"),
    Column("highest", LargeBinary, nullable=True, comment="position above which nothing is affected"),
    Index("ix_affected_ecosystem_name", "ecosystem", "name"),
    Index("ix_affected_advisory_id", "advisory_id"),
)

advisory_import = Table(
    "advisory_import",
    metadata,
    identity(),
    Column("source", Text, nullable=False),
    recorded("imported_at"),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    Column("not_security", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    document("rejections", "[]"),
)

feed = Table(
    "feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("part", Text, primary_key=True, comment="an ecosystem; empty where a source has no parts"),
    document("checkpoint", "{}"),
    document("result", "{}"),
    Column("records", Integer, nullable=False, server_default="0", comment="held of it now"),
    Column("bytes_received", BigInteger, nullable=False, server_default="0", comment="so far"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("problem", Text, nullable=False, server_default="", comment="of the last attempt"),
    moment("started_at"),
    moment("succeeded_at"),
    recorded("next_attempt_at"),
    Column("refreshing", Boolean, nullable=False, server_default=text("false")),
)

known_exploited = Table(
    "known_exploited",
    metadata,
    Column("cve", Text, primary_key=True),
    Column("added_on", Date, nullable=False),
    Column("due_on", Date, nullable=True),
    Column("ransomware", Boolean, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
)

exploit_prediction = Table(
    "exploit_prediction",
    metadata,
    Column("cve", Text, primary_key=True),
    Column("probability", Float, nullable=False),
    Column("percentile", Float, nullable=False),
    Column("scored_on", Date, nullable=False),
)

cve_rating = Table(
    "cve_rating",
    metadata,
    Column("cve", Text, primary_key=True),
    Column("severity", Text, nullable=False),
    Column("cvss_score", Float, nullable=True),
    Column("cvss_vector", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default="", comment="who rated it in the CVE's record"),
    moment("updated_at"),
    recorded("asked_at"),
)
