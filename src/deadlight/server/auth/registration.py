"""Registration tokens: what a cluster's agents enrol with, and for which cluster each is good.

A token made for a cluster is good for the cluster of that name, and from its first use on for that one cluster only.
A cluster that was ever enrolled with a token of its own takes no other: who holds a token for one cluster, or for any,
cannot enrol an agent under the identifier of another that is protected so (docs/adr/0021-registration-tokens.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.errors import NotFoundError, UnauthorizedError
from deadlight.server.secrets import new_token, token_hash
from deadlight.server.tables.auth import registration_token

REGISTRATION_LIFETIME = timedelta(days=730)
WARNING_BEFORE_EXPIRY = timedelta(days=90)
REGISTRATION_PREFIX = "dlr"
MAX_LISTED = 1000


class TokenState(StrEnum):
    """Whether agents can still enrol with a token."""

    VALID = "valid"
    EXPIRING = "expiring"
    """It ends within three months."""
    EXPIRED = "expired"
    REVOKED = "revoked"


def rate_token(expires_at: datetime, revoked_at: datetime | None, now: datetime) -> TokenState:
    """The state of a token. Pure."""
    if revoked_at is not None:
        return TokenState.REVOKED
    if expires_at <= now:
        return TokenState.EXPIRED
    return TokenState.EXPIRING if expires_at - now <= WARNING_BEFORE_EXPIRY else TokenState.VALID


@dataclass(frozen=True, slots=True)
class Binding:
    """For which cluster a token is good: any while both are empty."""

    cluster_name: str = ""
    cluster_id: UUID | None = None
    """The one cluster, once it has been used or where it was made for a cluster that is known."""


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token that is valid and was used just now."""

    id: int
    created_at: datetime
    binding: Binding


@dataclass(frozen=True, slots=True)
class KnownCluster:
    """A cluster that has been here before."""

    id: UUID
    name: str
    removed_at: datetime | None
    has_own_token: bool
    """A token has been bound to it."""


def find_refusal(token: UsedToken, cluster: KnownCluster | None, cluster_name: str) -> str:
    """Why a token is not good for an agent that says it is of this cluster; empty where it is. Pure.

    `cluster` is None for a cluster that is new here, and `cluster_name` what the agent calls it.
    """
    binding = token.binding
    if cluster is not None and cluster.removed_at is not None and token.created_at <= cluster.removed_at:
        return "this cluster has been removed: install it again with a new registration token"
    if binding.cluster_id is not None:
        is_its_own = cluster is not None and cluster.id == binding.cluster_id
        return "" if is_its_own else f"this registration token is only good for the cluster {binding.cluster_name}"
    if binding.cluster_name and binding.cluster_name != cluster_name:
        return f"this registration token is only good for a cluster that is called {binding.cluster_name}"
    if cluster is not None and cluster.has_own_token and cluster.name != binding.cluster_name:
        return f"the cluster {cluster.name} only takes registration tokens made for it"
    return ""


async def create_registration_token(
    connection: AsyncConnection,
    name: str,
    lifetime: timedelta = REGISTRATION_LIFETIME,
    *,
    binding: Binding | None = None,
    created_by: str = "",
) -> str:
    """A token with which agents enrol, shown once."""
    token, _ = await create_token(connection, name, lifetime, binding=binding or Binding(), created_by=created_by)
    return token


async def create_token(
    connection: AsyncConnection,
    name: str,
    lifetime: timedelta = REGISTRATION_LIFETIME,
    *,
    binding: Binding,
    created_by: str,
) -> tuple[str, int]:
    """A token and the id of its row."""
    token = new_token(REGISTRATION_PREFIX)
    statement = insert(registration_token).values(
        token_hash=token_hash(token),
        name=name,
        cluster_name=binding.cluster_name,
        cluster_id=binding.cluster_id,
        created_by=created_by,
        expires_at=datetime.now(UTC) + lifetime,
    )
    identifier: int = (await connection.execute(statement.returning(registration_token.c.id))).scalar_one()
    return token, identifier


async def create_local_registration_token(connection: AsyncConnection, name: str) -> str:
    """A registration token in place of the ones made before under this name."""
    before = (registration_token.c.name == name) & registration_token.c.revoked_at.is_(None)
    await connection.execute(update(registration_token).where(before).values(revoked_at=func.now()))
    return await create_registration_token(connection, name)


async def revoke_registration_token(connection: AsyncConnection, token_id: int) -> None:
    """Nobody enrols with it any more; who has goes on. Raises NotFoundError where it is unknown or revoked."""
    await _revoke(connection, registration_token.c.id == token_id)


async def replace_registration_token(connection: AsyncConnection, token: str | int, *, created_by: str = "") -> str:
    """Revoke a token, given itself or by its id, and return its successor, good for the same cluster.

    Raises:
        NotFoundError: it is unknown or revoked.
    """
    is_it = registration_token.c.id == token
    if isinstance(token, str):
        is_it = registration_token.c.token_hash == token_hash(token)
    row = await _revoke(connection, is_it)
    binding = Binding(row.cluster_name, row.cluster_id)
    return await create_registration_token(connection, row.name, binding=binding, created_by=created_by)


async def _revoke(connection: AsyncConnection, is_it: ColumnElement[bool]) -> Row[Any]:
    statement = (
        update(registration_token)
        .where(is_it, registration_token.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(registration_token)
    )
    row: Row[Any] | None = (await connection.execute(statement)).first()
    if row is None:
        raise NotFoundError("registration token not found")
    return row


async def use_registration_token(connection: AsyncConnection, token: str) -> UsedToken:
    """Note that a token is used, and hold it until the transaction ends.

    Raises:
        UnauthorizedError: it is unknown, expired or revoked.
    """
    statement = (
        update(registration_token)
        .where(
            registration_token.c.token_hash == token_hash(token),
            registration_token.c.revoked_at.is_(None),
            registration_token.c.expires_at > func.now(),
        )
        .values(last_used_at=func.now())
        .returning(registration_token)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise UnauthorizedError("the registration token is unknown, expired or revoked: create a new one")
    return UsedToken(row.id, row.created_at, Binding(row.cluster_name, row.cluster_id))


async def bind_to_cluster(connection: AsyncConnection, token: UsedToken, cluster_id: UUID) -> None:
    """From its first use on, a token made for a cluster is good for that one only."""
    if token.binding.cluster_name and token.binding.cluster_id is None:
        is_it = registration_token.c.id == token.id
        await connection.execute(update(registration_token).where(is_it).values(cluster_id=cluster_id))


async def has_own_token(connection: AsyncConnection, cluster_id: UUID) -> bool:
    """Whether a token has ever been bound to a cluster, whatever became of it."""
    query = select(registration_token.c.id).where(registration_token.c.cluster_id == cluster_id).limit(1)
    return (await connection.execute(query)).first() is not None


_LIST = text(
    """
    SELECT token.id, token.name, token.cluster_name, token.created_by, token.created_at, token.expires_at,
           token.revoked_at, token.last_used_at, now() AS now,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('id', used.id, 'name', used.name) ORDER BY used.name), '[]')
            FROM (SELECT DISTINCT cluster.id, cluster.name FROM agent JOIN cluster ON cluster.id = agent.cluster_id
                  WHERE agent.registration_token_id = token.id AND cluster.removed_at IS NULL) AS used) AS clusters
    FROM registration_token AS token
    WHERE CAST(:token_id AS bigint) IS NULL OR token.id = :token_id
    ORDER BY token.id DESC LIMIT :limit
    """
)


async def list_registration_tokens(connection: AsyncConnection, token_id: int | None = None) -> Sequence[Row[Any]]:
    """Tokens, newest first, with the clusters whose agents enrolled with them last; or the one with this id."""
    return (await connection.execute(_LIST, {"token_id": token_id, "limit": MAX_LISTED})).all()
