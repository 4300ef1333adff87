"""The table that the tests' handler writes to."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture(autouse=True)
async def effect_table(engine: AsyncEngine) -> None:
    """`number` counts in the order of effects."""
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE effect (number bigserial PRIMARY KEY, event_id bigint NOT NULL, key text NOT NULL)")
        )
