"""Signing in and out, API tokens, and finding out who a request comes from."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.server.auth.passwords import hash_password, verify_password
from deadlight.server.auth.principals import Principal, Role
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import (
    ForbiddenError,
    NotFoundError,
    PasswordChangeRequiredError,
    TooManyRequestsError,
    UnauthorizedError,
)
from deadlight.server.secrets import new_token, same, token_hash
from deadlight.server.tables.auth import api_token, session, sign_in_failure, user

FAILURES_ALLOWED = 10
FAILURES_WINDOW = timedelta(minutes=15)
"""More failures than allowed within the window close the door for that name until the window has passed."""

API_TOKEN_PREFIX = "dlt"  # noqa: S105 - the prefix of tokens, not one
SESSION_PREFIX = "dls"


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. `token` goes into the cookie, `csrf_token` into a header of every change."""

    token: str
    csrf_token: str
    principal: Principal
    must_change_password: bool
    expires_at: datetime


async def sign_in(engine: AsyncEngine, name: str, password: str, lifetime: timedelta) -> Session | None:
    """A new session, or None where name and password do not belong together (the failure is recorded).

    No connection is held while the password is hashed: that is slow on purpose, and anybody may ask for it.

    Raises:
        TooManyRequestsError: too many failures for that name lately.
    """
    async with autocommit(engine) as connection:
        await _refuse_after_failures(connection, name)
        row = (await connection.execute(select(user).where(user.c.name == name, user.c.disabled_at.is_(None)))).first()
    matches = await verify_password(password, row.password_hash if row else None)
    async with engine.begin() as connection:
        if row is None or not matches:
            await connection.execute(insert(sign_in_failure).values(name=name))
            return None
        await connection.execute(delete(sign_in_failure).where(sign_in_failure.c.name == name))
        principal = Principal(row.id, row.name, Role(row.role))
        return await _open_session(connection, principal, lifetime, must_change_password=row.must_change_password)


async def _refuse_after_failures(connection: AsyncConnection, name: str) -> None:
    since = datetime.now(UTC) - FAILURES_WINDOW
    query = select(func.count()).where(sign_in_failure.c.name == name, sign_in_failure.c.failed_at > since)
    if (await connection.execute(query)).scalar_one() >= FAILURES_ALLOWED:
        minutes = int(FAILURES_WINDOW.total_seconds() // 60)
        raise TooManyRequestsError(f"too many failed sign-ins for this name: wait {minutes} minutes")


async def _open_session(
    connection: AsyncConnection, principal: Principal, lifetime: timedelta, *, must_change_password: bool
) -> Session:
    token, csrf_token = new_token(SESSION_PREFIX), new_token("csrf")
    expires_at = datetime.now(UTC) + lifetime
    await connection.execute(
        insert(session).values(
            token_hash=token_hash(token), user_id=principal.user_id, csrf_token=csrf_token, expires_at=expires_at
        )
    )
    return Session(token, csrf_token, principal, must_change_password, expires_at)


async def find_session(connection: AsyncConnection, token: str) -> Session | None:
    """The session of a cookie, unless it has ended."""
    query = (
        select(session.c.csrf_token, session.c.expires_at, user)
        .join(user, user.c.id == session.c.user_id)
        .where(
            session.c.token_hash == token_hash(token), session.c.expires_at > func.now(), user.c.disabled_at.is_(None)
        )
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    principal = Principal(row.id, row.name, Role(row.role))
    return Session(token, row.csrf_token, principal, row.must_change_password, row.expires_at)


async def sign_out(connection: AsyncConnection, token: str) -> None:
    """End a session."""
    await connection.execute(delete(session).where(session.c.token_hash == token_hash(token)))


async def change_password(connection: AsyncConnection, current: Session, old: str, new: str) -> None:
    """Replace a password and end the user's other sessions.

    Raises:
        ForbiddenError: the old password is not the user's.
        BadRequestError: the new one is too short or too long.
    """
    stored = (
        await connection.execute(select(user.c.password_hash).where(user.c.id == current.principal.user_id))
    ).scalar_one()
    if not await verify_password(old, stored):
        raise ForbiddenError("the current password is wrong")
    if same(old, new):
        raise ForbiddenError("the new password is the old one: choose another")
    await connection.execute(
        update(user)
        .where(user.c.id == current.principal.user_id)
        .values(password_hash=await hash_password(new), must_change_password=False)
    )
    await connection.execute(
        delete(session).where(
            session.c.user_id == current.principal.user_id, session.c.token_hash != token_hash(current.token)
        )
    )


async def create_api_token(
    connection: AsyncConnection, principal: Principal, name: str, role: Role, lifetime: timedelta | None
) -> str:
    """A token for programs, shown once. Raises ForbiddenError for a role above the creator's."""
    if not principal.role.includes(role):
        raise ForbiddenError(f"a {principal.role.value} cannot make a token with the role {role.value}")
    token = new_token(API_TOKEN_PREFIX)
    expires_at = datetime.now(UTC) + lifetime if lifetime else None
    await connection.execute(
        insert(api_token).values(
            token_hash=token_hash(token),
            name=name,
            user_id=principal.user_id,
            role=role.value,
            expires_at=expires_at,
        )
    )
    return token


async def create_local_token(connection: AsyncConnection, name: str, role: Role) -> str:
    """A token for the commands of the machine the service runs on, in place of the one made before under this name.

    It belongs to the first account, and works also while that account's one-time password has not been replaced.
    """
    first = (await connection.execute(select(user).order_by(user.c.id).limit(1))).one()
    await connection.execute(
        update(api_token)
        .where(api_token.c.name == name, api_token.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    principal = Principal(first.id, first.name, Role(first.role))
    return await create_api_token(connection, principal, name, role, None)


async def revoke_api_token(connection: AsyncConnection, token_id: int) -> None:
    """End a token; raises NotFoundError where there is none."""
    statement = update(api_token).where(api_token.c.id == token_id).values(revoked_at=func.now())
    if not (await connection.execute(statement)).rowcount:
        raise NotFoundError("no such API token")


async def get_token_principal(connection: AsyncConnection, token: str) -> Principal:
    """Who an API token speaks for; raises UnauthorizedError when it is unknown, expired or revoked."""
    query = (
        select(user.c.id, user.c.name, user.c.must_change_password, api_token.c.role)
        .join(user, user.c.id == api_token.c.user_id)
        .where(
            api_token.c.token_hash == token_hash(token),
            api_token.c.revoked_at.is_(None),
            user.c.disabled_at.is_(None),
            (api_token.c.expires_at.is_(None)) | (api_token.c.expires_at > func.now()),
        )
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise UnauthorizedError("the API token is unknown, expired or revoked")
    return Principal(row.id, row.name, Role(row.role))


def require_settled_password(current: Session) -> None:
    """Raises PasswordChangeRequiredError while a one-time password has not been replaced."""
    if current.must_change_password:
        raise PasswordChangeRequiredError("this password is for one sign-in: choose your own first")
