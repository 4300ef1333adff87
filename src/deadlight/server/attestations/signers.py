"""Whose signatures count: keys and identities that people entered, for the repositories they named."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Insert, Row, Update, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.registry.attestations.trust import (
    InvalidKeyError,
    TrustedIdentity,
    TrustedKey,
    TrustedSigners,
    load_public_key,
)
from deadlight.server.attestations.schemas import SignerIn
from deadlight.server.attestations.store import make_all_due
from deadlight.server.errors import BadRequestError, ConflictError, NotFoundError
from deadlight.server.tables.attestations import trusted_signer


async def load_trusted(connection: AsyncConnection, name: str) -> TrustedSigners:
    """Everybody whose signature counts for an image of that name (registry and repository)."""
    rows = [row for row in await list_signers(connection) if covers(row.repositories, name)]
    return TrustedSigners(
        [TrustedKey(row.name, row.key_pem) for row in rows if row.key_pem],
        [TrustedIdentity(row.identity, row.issuer) for row in rows if row.identity],
    )


def covers(patterns: Sequence[str], name: str) -> bool:
    """Whether one of the patterns (`*` and `?`) matches a name. Pure."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


async def list_signers(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """All of them by name."""
    return (await connection.execute(select(trusted_signer).order_by(trusted_signer.c.name))).all()


async def add_signer(connection: AsyncConnection, body: SignerIn) -> int:
    """Add one; raises BadRequestError for what cannot sign and ConflictError for a name that is taken."""
    statement = insert(trusted_signer).values(**_values(body)).returning(trusted_signer.c.id)
    added: int = (await _write(connection, statement, body.name))[0]
    return added


async def change_signer(connection: AsyncConnection, signer_id: int, body: SignerIn) -> None:
    """Change one; raises NotFoundError, BadRequestError and ConflictError."""
    changed = update(trusted_signer).where(trusted_signer.c.id == signer_id).values(**_values(body))
    if not await _write(connection, changed.returning(trusted_signer.c.id), body.name):
        raise NotFoundError("no such signer")


async def _write(connection: AsyncConnection, statement: Insert | Update, name: str) -> Sequence[int]:
    try:
        written = (await connection.execute(statement)).scalars().all()
    except IntegrityError:
        raise ConflictError(f"there already is a signer {name!r}: change that one") from None
    await make_all_due(connection)
    return written


async def remove_signer(connection: AsyncConnection, signer_id: int) -> None:
    """Trust one no longer; raises NotFoundError."""
    removed = await connection.execute(delete(trusted_signer).where(trusted_signer.c.id == signer_id))
    if not removed.rowcount:
        raise NotFoundError("no such signer")
    await make_all_due(connection)


_REMOVE_DEMONSTRATION = text(
    """
    DELETE FROM trusted_signer WHERE NOT EXISTS (
        SELECT FROM unnest(repositories) AS pattern
        WHERE split_part(pattern, '/', 1) NOT IN (SELECT host FROM registry WHERE demonstration))
    """
)


async def remove_demonstration_signers(connection: AsyncConnection) -> int:
    """Trust no longer who signs for the demonstration's registries only, while these are there; returns how many."""
    return (await connection.execute(_REMOVE_DEMONSTRATION)).rowcount


def _values(body: SignerIn) -> dict[str, Any]:
    if bool(body.key_pem) == bool(body.identity):
        raise BadRequestError("give either a public key or an identity")
    if bool(body.identity) != bool(body.issuer):
        raise BadRequestError("an identity needs its issuer: anybody may issue a certificate for any name")
    if body.key_pem:
        try:
            load_public_key(body.key_pem)
        except InvalidKeyError as error:
            raise BadRequestError(str(error)) from None
    return body.model_dump()
