"""Agents: enrolment, and the short-lived tokens they work with.

A registration token lets a cluster's agents enrol; each then has a key of its own, signs an assertion with it and gets
a token for fifteen minutes. Revoking an agent or a registration token is one row.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model import wire
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.auth.registration import (
    KnownCluster,
    bind_to_cluster,
    find_refusal,
    has_own_token,
    use_registration_token,
)
from deadlight.server.errors import BadRequestError, ForbiddenError, UnauthorizedError
from deadlight.server.tables.auth import agent, agent_assertion
from deadlight.server.tables.inventory import cluster

AUDIENCE = "deadlight"
MAX_ASSERTION_LIFE = timedelta(seconds=120)
"""An assertion is good for 60 seconds; as much again is allowed for clocks that disagree."""


class _Issuer(msgspec.Struct):
    """The claim of an assertion that says whose key to check it with."""

    iss: UUID


class _Claims(msgspec.Struct):
    """The claims of an assertion that was checked."""

    exp: int
    jti: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}$")]


async def enrol(connection: AsyncConnection, message: wire.Enrolment) -> wire.Enrolled:
    """Give an agent its identity, and its cluster a row where it has none yet.

    Raises:
        UnauthorizedError: the registration token is unknown, expired, revoked or not good for this cluster.
        BadRequestError: the key is not an Ed25519 public key or belongs to another cluster's agent, the kind of agent
            is unknown, or the cluster has no identity.
    """
    token = await use_registration_token(connection, message.registration_token)
    key = _parse_public_key(message.public_key)
    kind = _parse_kind(message.kind)
    if not message.cluster_uid:
        raise BadRequestError("cluster_uid is empty: it is the UID of the namespace kube-system, or the cluster's ARN")
    refusal = find_refusal(token, await _find_cluster(connection, message.cluster_uid), message.cluster_name)
    if refusal:
        raise UnauthorizedError(refusal)
    cluster_id = await _save_cluster(connection, message)
    await bind_to_cluster(connection, token, cluster_id)
    again = {"version": message.version, "registration_token_id": token.id}
    values = again | {
        "cluster_id": cluster_id,
        "kind": kind.value,
        "node_name": message.node_name,
        "public_key": key,
    }
    statement = (
        upsert(agent)
        .values(**values)
        .on_conflict_do_update(index_elements=["public_key"], set_=again)
        .returning(agent.c.id, agent.c.cluster_id)
    )
    row = (await connection.execute(statement)).one()
    if row.cluster_id != cluster_id:
        raise BadRequestError("this key is enrolled for another cluster: remove the agent's state and enrol again")
    return wire.Enrolled(agent_id=str(row.id), cluster_id=str(cluster_id))


async def _find_cluster(connection: AsyncConnection, uid: str) -> KnownCluster | None:
    row = (await connection.execute(select(cluster).where(cluster.c.uid == uid).with_for_update())).first()
    if row is None:
        return None
    return KnownCluster(row.id, row.name, row.removed_at, await has_own_token(connection, row.id))


async def _save_cluster(connection: AsyncConnection, message: wire.Enrolment) -> UUID:
    """The cluster's row, made where it is new; one that was removed is back."""
    statement = (
        upsert(cluster)
        .values(uid=message.cluster_uid, name=message.cluster_name, demonstration=message.demonstration)
        .on_conflict_do_update(index_elements=["uid"], set_={"name": message.cluster_name, "removed_at": None})
        .returning(cluster.c.id)
    )
    identifier: UUID = (await connection.execute(statement)).scalar_one()
    return identifier


def _parse_public_key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        Ed25519PublicKey.from_public_bytes(key)
    except (ValueError, binascii.Error):
        raise BadRequestError("public_key is not an Ed25519 public key (32 bytes, base64url)") from None
    return key


def _parse_kind(text: str) -> AgentKind:
    try:
        return AgentKind(text)
    except ValueError:
        raise BadRequestError(f"unknown kind of agent {text!r} (controller or sensor)") from None


async def exchange_assertion(
    connection: AsyncConnection, assertion: str, key: bytes, lifetime: timedelta
) -> wire.AccessToken:
    """Check what an agent signed and give it a token for `lifetime`.

    Raises:
        UnauthorizedError: unknown or revoked agent, wrong signature, expired, or an assertion used before.
    """
    agent_id = _unverified_issuer(assertion)
    row = (await connection.execute(select(agent).where(agent.c.id == agent_id))).first()
    if row is None:
        raise UnauthorizedError("this agent is not known here: remove its state and enrol again")
    if row.revoked_at is not None:
        raise UnauthorizedError("this agent has been revoked: enrol again with a new registration token")
    claims = _verify_assertion(assertion, row.public_key)
    await _use_assertion_once(connection, claims)
    token = issue_access_token(
        AgentPrincipal(row.id, row.cluster_id, AgentKind(row.kind), row.node_name), key, lifetime
    )
    return wire.AccessToken(access_token=token, expires_in=int(lifetime.total_seconds()))


def _unverified_issuer(assertion: str) -> UUID:
    try:
        payload = assertion.split(".")[1]
        claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(claims, type=_Issuer).iss
    except (ValueError, IndexError, RecursionError):
        raise UnauthorizedError("the assertion is not a signed JWT of an agent") from None


def _verify_assertion(assertion: str, public_key: bytes) -> _Claims:
    encoded = base64.urlsafe_b64encode(public_key).rstrip(b"=").decode()
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": encoded})
    now = int(datetime.now(UTC).timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=now, leeway=30, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    try:
        decoded = jwt.decode(assertion, key, algorithms=["Ed25519"]).claims
        registry.validate(decoded)
        claims = msgspec.convert(decoded, _Claims)
    except (JoseError, ValueError) as error:
        raise UnauthorizedError(f"the assertion is refused: {error}") from None
    if claims.exp > now + MAX_ASSERTION_LIFE.total_seconds():
        raise UnauthorizedError("the assertion is refused: it is good for too long (or the agent's clock is ahead)")
    return claims


async def _use_assertion_once(connection: AsyncConnection, claims: _Claims) -> None:
    await connection.execute(delete(agent_assertion).where(agent_assertion.c.expires_at < func.now()))
    expires_at = datetime.fromtimestamp(claims.exp, UTC) + MAX_ASSERTION_LIFE
    statement = upsert(agent_assertion).values(jti=claims.jti, expires_at=expires_at).on_conflict_do_nothing()
    if (await connection.execute(statement.returning(agent_assertion.c.jti))).first() is None:
        raise UnauthorizedError("the assertion is refused: it has been used before")


def issue_access_token(principal: AgentPrincipal, key: bytes, lifetime: timedelta) -> str:
    """A bearer token (JWT, HS256 under a derived key) that names the agent and its cluster."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "sub": str(principal.agent_id),
        "cluster": str(principal.cluster_id),
        "kind": principal.kind.value,
        "node": principal.node_name,
        "aud": f"{AUDIENCE}/agent",
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
        "jti": uuid4().hex,
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def verify_access_token(token: str, key: bytes) -> AgentPrincipal:
    """Who the token was issued to; raises UnauthorizedError for a forged, foreign or expired one."""
    try:
        claims = jwt.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims
        jwt.JWTClaimsRegistry(exp={"essential": True}, aud={"essential": True, "value": f"{AUDIENCE}/agent"}).validate(
            claims
        )
        return AgentPrincipal(
            UUID(claims["sub"]), UUID(claims["cluster"]), AgentKind(claims["kind"]), str(claims["node"])
        )
    except (JoseError, ValueError, KeyError) as error:
        raise UnauthorizedError(f"the agent's token is refused: {error}") from None


async def revoke_agents(connection: AsyncConnection, cluster_id: UUID) -> int:
    """Believe no agent of a cluster any more; returns how many there were."""
    of_cluster = (agent.c.cluster_id == cluster_id) & agent.c.revoked_at.is_(None)
    return (await connection.execute(update(agent).where(of_cluster).values(revoked_at=func.now()))).rowcount


async def accept_batch(connection: AsyncConnection, principal: AgentPrincipal, batch_id: str) -> bool:
    """Note a batch as the agent's last; False where it has been taken before.

    An agent has one batch under way at a time, so only its last one can come twice.

    Raises:
        ForbiddenError: the agent has been revoked.
    """
    of_agent = agent.c.id == principal.agent_id
    take = (
        update(agent)
        .where(of_agent, agent.c.revoked_at.is_(None), agent.c.last_batch_id != batch_id)
        .values(last_batch_id=batch_id, last_seen_at=func.now())
        .returning(agent.c.id)
    )
    if (await connection.execute(take)).first() is not None:
        return True
    known = (await connection.execute(select(agent.c.revoked_at).where(of_agent))).first()
    if known is None or known.revoked_at is not None:
        raise ForbiddenError("this agent has been revoked")
    return False


async def note_seen(connection: AsyncConnection, principal: AgentPrincipal) -> None:
    """Note that an agent said something that is known by ids of its own; raises ForbiddenError once it is revoked."""
    seen = update(agent).where(agent.c.id == principal.agent_id, agent.c.revoked_at.is_(None))
    if not (await connection.execute(seen.values(last_seen_at=func.now()))).rowcount:
        raise ForbiddenError("this agent has been revoked")


async def record_heartbeat(connection: AsyncConnection, principal: AgentPrincipal, message: wire.Heartbeat) -> None:
    """Note that an agent lives, what it counted and what troubles it; raises ForbiddenError once it is revoked."""
    statement = (
        update(agent)
        .where(agent.c.id == principal.agent_id, agent.c.revoked_at.is_(None))
        .values(
            last_seen_at=func.now(),
            started_at=message.started_at,
            version=message.version,
            counters=dict(message.counters),
            problems=list(message.problems),
            kernel=message.kernel,
            tier=message.tier,
            hooks=list(message.hooks),
            **({"node_name": message.node} if message.node and principal.kind is AgentKind.CONTROLLER else {}),
        )
    )
    if not (await connection.execute(statement)).rowcount:
        raise ForbiddenError("this agent has been revoked")
