"""Accounts of people."""

import secrets

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.auth.passwords import hash_password
from deadlight.server.auth.principals import Principal, Role
from deadlight.server.errors import ConflictError
from deadlight.server.tables.auth import user

ADMIN_NAME = "admin"


async def create_user(
    connection: AsyncConnection, name: str, password: str, role: Role, *, must_change_password: bool
) -> Principal:
    """A new account; raises ConflictError where the name is taken."""
    if (await connection.execute(select(user.c.id).where(user.c.name == name))).first():
        raise ConflictError(f"there already is an account {name!r}")
    statement = insert(user).values(
        name=name,
        password_hash=await hash_password(password),
        role=role.value,
        must_change_password=must_change_password,
    )
    user_id = (await connection.execute(statement.returning(user.c.id))).scalar_one()
    return Principal(user_id, name, role)


async def ensure_admin(connection: AsyncConnection) -> str:
    """Make the first account where there is none; returns its one-time password, or an empty text."""
    if (await connection.execute(select(user.c.id).limit(1))).first():
        return ""
    password = secrets.token_urlsafe(18)
    await create_user(connection, ADMIN_NAME, password, Role.ADMIN, must_change_password=True)
    return password
