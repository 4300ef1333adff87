"""Transactions that touch so much that no order of locks suits everybody they may meet."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg.errors
import sqlalchemy.exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

ATTEMPTS = 5

R = TypeVar("R")

logger = logging.getLogger(__name__)


async def again_on_deadlock(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[R]]) -> R:
    """Do the work in a transaction, from its beginning again when PostgreSQL gave it up for another one's sake.

    Raises:
        sqlalchemy.exc.OperationalError: it was given up `ATTEMPTS` times.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            async with engine.begin() as connection:
                return await work(connection)
        except sqlalchemy.exc.OperationalError as error:
            if not left or not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise
            logger.warning("given up for another transaction, trying again")
    raise AssertionError("the last attempt returns or raises")
