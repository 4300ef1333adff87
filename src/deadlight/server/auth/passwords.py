"""Passwords: Argon2id, hashed off the event loop because it takes a tenth of a second on purpose."""

import asyncio
from functools import cache

from pwdlib import PasswordHash

from deadlight.server.errors import BadRequestError

MIN_LENGTH = 12
MAX_LENGTH = 256

hasher = PasswordHash.recommended()
"""A stored hash names its own parameters, so that others can follow."""


async def hash_password(password: str) -> str:
    """The Argon2id hash with its parameters; raises BadRequestError for a password nobody should choose."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadRequestError(f"a password has between {MIN_LENGTH} and {MAX_LENGTH} characters")
    return await asyncio.to_thread(hasher.hash, password)


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether it is the password. Takes as long for an unknown account (`stored` is None) as for a known one."""
    if len(password) > MAX_LENGTH:
        return False
    matches = await asyncio.to_thread(hasher.verify, password, stored or _some_hash())
    return matches and stored is not None


@cache
def _some_hash() -> str:
    return hasher.hash("an account that does not exist")
