"""What every connection of the service is like."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.server.db.engine import STATEMENT_TIMEOUT_MS, autocommit, create_engine
from deadlight.server.settings import with_driver


async def test_a_connection_speaks_utc_gives_up_in_time_and_has_a_name(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        names = ("timezone", "statement_timeout", "jit", "application_name")
        values = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
        assert values == ["UTC", f"{STATEMENT_TIMEOUT_MS // 1000}s", "off", "tests"]
        now = (await connection.execute(text("SELECT now()"))).scalar_one()
        assert now.utcoffset() == datetime.now(UTC).utcoffset()


async def test_a_pooled_connection_that_the_server_ended_is_replaced_before_it_is_used(database_url: str) -> None:
    engine = create_engine(with_driver(database_url), application="victim", pool_size=1)
    async with engine.connect() as connection:
        before = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    killer = create_engine(with_driver(database_url), application="killer")
    async with killer.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": before})
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one() != before
    await killer.dispose()
    await engine.dispose()


async def test_errors_do_not_repeat_the_parameters_which_may_be_secrets(engine: AsyncEngine) -> None:
    statement = text("INSERT INTO user_account (name, password_hash, role) VALUES ('admin', :secret, 'admin')")
    async with engine.connect() as connection:
        with pytest.raises(IntegrityError) as refused:
            await connection.execute(statement, {"secret": "argon2 of something"})
    assert "argon2 of something" not in str(refused.value)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SET statement_timeout = 20"))
        with pytest.raises(DBAPIError, match="statement timeout"):
            await connection.execute(text("SELECT pg_sleep(5)"))


async def test_what_needs_no_transaction_has_none_and_leaves_the_connection_to_those_that_do(database_url: str) -> None:
    engine = create_engine(with_driver(database_url), application="tests", pool_size=1)
    told = text("SELECT pg_current_xact_id()::text AS number")
    async with autocommit(engine) as connection:
        numbers = [(await connection.execute(told)).one().number for _ in range(2)]
        await connection.execute(text("CREATE TABLE kept (number int)"))
    assert numbers[0] != numbers[1]
    with pytest.raises(DBAPIError):
        await fail_half_way(engine)
    async with autocommit(engine) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM kept"))).scalar_one() == 0
    await engine.dispose()


async def fail_half_way(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO kept VALUES (1)"))
        await connection.execute(text("SELECT 1 / 0"))
