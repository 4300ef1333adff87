"""People, agents and what they sign in with (owner: `auth`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from deadlight.server.tables.metadata import document, identity, metadata, moment, recorded

user = Table(
    "user_account",
    metadata,
    identity(),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("must_change_password", Boolean, nullable=False, server_default=text("false")),
    recorded("created_at"),
    moment("disabled_at"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("csrf_token", Text, nullable=False),
    recorded("created_at"),
    moment("expires_at", nullable=False),
    Index("ix_session_expires_at", "expires_at"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    identity(),
    Column("name", Text, nullable=False),
    recorded("failed_at"),
    Index("ix_sign_in_failure_name_failed_at", "name", "failed_at"),
)

api_token = Table(
    "api_token",
    metadata,
    identity(),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("user_id", BigInteger, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    recorded("created_at"),
    moment("expires_at"),
    moment("revoked_at"),
)

registration_token = Table(
    "registration_token",
    metadata,
    identity(),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column(
        "cluster_name",
        Text,
        nullable=False,
        server_default="",
        comment="only the cluster of this name may use it first; empty: any number of clusters",
    ),
    Column(
        "cluster_id",
        Uuid,
        ForeignKey("cluster.id", ondelete="SET NULL"),
        nullable=True,
        comment="the one cluster it is good for, from its first use on",
    ),
    Column("created_by", Text, nullable=False, server_default=""),
    recorded("created_at"),
    moment("expires_at", nullable=False),
    moment("revoked_at"),
    moment("last_used_at"),
    Index("ix_registration_token_cluster_id", "cluster_id"),
)

agent = Table(
    "agent",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("cluster_id", Uuid, ForeignKey("cluster.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False, comment="controller or sensor"),
    Column("node_name", Text, nullable=False, server_default=""),
    Column("public_key", LargeBinary, nullable=False, unique=True),
    Column(
        "registration_token_id",
        BigInteger,
        ForeignKey("registration_token.id", ondelete="SET NULL"),
        nullable=True,
        comment="what it enrolled with last",
    ),
    Column("version", Text, nullable=False, server_default=""),
    recorded("enrolled_at"),
    moment("last_seen_at"),
    moment("started_at"),
    moment("revoked_at"),
    Column("last_batch_id", Text, nullable=False, server_default=""),
    document("counters", "{}"),
    document("problems", "[]"),
    Column("kernel", Text, nullable=False, server_default="", comment="release and machine, of a sensor"),
    Column("tier", Text, nullable=False, server_default="", comment="how much its kernel lets a sensor see"),
    document("hooks", "[]"),
    Column(
        "threat_change_id",
        BigInteger,
        nullable=True,
        comment="the last one that a sensor's policy has in force; null: it has not said so",
    ),
    Index("ix_agent_cluster_id", "cluster_id", "kind", "node_name"),
    Index("ix_agent_registration_token_id", "registration_token_id"),
)

agent_assertion = Table(
    "agent_assertion",
    metadata,
    Column("jti", Text, primary_key=True, comment="an assertion is good once"),
    moment("expires_at", nullable=False),
    Index("ix_agent_assertion_expires_at", "expires_at"),
)
