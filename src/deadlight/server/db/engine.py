"""Connections to PostgreSQL."""

import select
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

STATEMENT_TIMEOUT_MS = 30_000
"""No request of a person or agent may hold the database longer; migrations use their own connection."""


def create_engine(url: str, *, application: str, pool_size: int = 10) -> AsyncEngine:
    """An engine whose sessions use UTC, give up after `STATEMENT_TIMEOUT_MS` and notice a lost server.

    `url` is SQLAlchemy's (`postgresql+psycopg://`). `application` names the connections in pg_stat_activity.
    JIT is off: it costs more than it gives on queries of a few milliseconds. A page out of order costs little more than
    one in order, on disks of today and in memory: PostgreSQL's default supposes a turning disk. Errors do not repeat
    parameters, because errors are logged and parameters are passwords, tokens and whole inventories. What a connection
    is asked twice it prepares, and the connection that was used last is used next: few of them know most statements.
    """
    options = f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS} -c jit=off -c random_page_cost=1.1"
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={
            "application_name": application,
            "options": options,
            "connect_timeout": 10,
            "prepare_threshold": 1,
            **KEEPALIVES,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_ended)
    return engine


_autocommitting: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()


def autocommit(engine: AsyncEngine) -> AsyncConnection:
    """A connection of the pool on which every statement is a transaction of its own, to be used as a context.

    For reading, and for what is one statement. A transaction would begin and end with a round trip each; what several
    statements read in one was no more alike, for each sees what was committed when it began (READ COMMITTED); but now()
    is another for each.
    """
    if engine not in _autocommitting:
        _autocommitting[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return _autocommitting[engine].connect()


def _refuse_ended(adapted: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that its server has ended, without asking the server every time.

    Nothing is under way on an idle connection: what can be read from it is its end, or a word of farewell before.
    """
    waiting = select.poll()
    waiting.register(adapted.driver_connection.pgconn.socket, select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError


KEEPALIVES = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Notice within half a minute that the server's machine is gone."""
