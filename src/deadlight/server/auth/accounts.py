"""Accounts of people."""

import secrets

from sqlalchemy import insert, select, update
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
    """Make the first account where there is none.

    Returns its one-time password: a fresh one until somebody has signed in with one and chosen their own, an empty
    text from then on.
    """
    password = secrets.token_urlsafe(18)
    accounts = (await connection.execute(select(user).order_by(user.c.id).limit(2))).all()
    if not accounts:
        await create_user(connection, ADMIN_NAME, password, Role.ADMIN, must_change_password=True)
        return password
    if len(accounts) > 1 or not accounts[0].must_change_password:
        return ""
    await connection.execute(
        update(user).where(user.c.id == accounts[0].id).values(password_hash=await hash_password(password))
    )
    return password
