"""What follows a change of advisories, without the relay and the queue between its steps."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from deadlight.advisories.advisory import Bucket
from deadlight.server.findings.service import Said, refresh_concerned, rematch_buckets


async def follow_advisories(engine: AsyncEngine, buckets: Sequence[Bucket], said: Said | None = None) -> None:
    """Match the packages of these buckets again, and refresh the images for which that makes a difference."""
    async with engine.begin() as connection:
        concerned = await rematch_buckets(connection, buckets, said)
    await refresh_concerned(engine, concerned)
