"""How much advisories take, and letting go of what nobody needs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.advisories.feeds.feed import FeedName
from deadlight.server.advisories.feed_states import Part
from deadlight.server.advisories.service import remove_advisories
from deadlight.server.advisories.taking import OSV_SOURCE
from deadlight.server.advisories.turns import wait_for_turn
from deadlight.server.db.engine import autocommit

DELETED_AT_ONCE = 1_000

_STORED_BYTES = text(
    """
    SELECT sum(pg_total_relation_size(CAST(name AS regclass))) FROM unnest(ARRAY[
        'advisory', 'affected', 'vulnerability', 'vulnerability_alias', 'advisory_vulnerability', 'cve_rating',
        'known_exploited', 'exploit_prediction']) AS name
    """
)
_COUNTS = {
    FeedName.OSV: text(
        """
        SELECT count(DISTINCT advisory_id) FROM affected
        WHERE ecosystem = :part OR starts_with(ecosystem, :part || ':')
        """
    ),
    FeedName.CVE: text("SELECT count(*) FROM cve_rating WHERE :part = ''"),
    FeedName.KEV: text("SELECT count(*) FROM known_exploited WHERE :part = ''"),
    FeedName.EPSS: text("SELECT count(*) FROM exploit_prediction WHERE :part = ''"),
}
_OUTDATED_PARTS = text("SELECT part FROM feed WHERE name = 'osv' AND part <> ALL(:wanted) AND NOT refreshing")
# What was ever found in an image stays: findings are closed, never deleted.
_UNWANTED = text(
    """
    SELECT DISTINCT affected.advisory_id FROM affected JOIN advisory ON advisory.id = affected.advisory_id
    WHERE (affected.ecosystem = :part OR starts_with(affected.ecosystem, :part || ':')) AND advisory.source = :source
      AND NOT EXISTS (SELECT FROM affected AS other WHERE other.advisory_id = affected.advisory_id
                        AND split_part(other.ecosystem, ':', 1) = ANY(:wanted))
      AND NOT EXISTS (SELECT FROM vulnerability_match AS match WHERE match.advisory_id = affected.advisory_id)
    LIMIT :limit
    """
)
_FORGET_PART = text("DELETE FROM feed WHERE name = 'osv' AND part = :part AND NOT refreshing")
_WITHDRAWN = text(
    """
    SELECT id FROM advisory WHERE withdrawn_at < now() - CAST(:retention AS interval)
      AND imported_at < now() - CAST(:retention AS interval) AND source = :source
      AND NOT EXISTS (SELECT FROM vulnerability_match AS match WHERE match.advisory_id = advisory.id)
    LIMIT :limit
    """
)
_FORGET_RATINGS = text(
    """
    DELETE FROM cve_rating
    WHERE NOT EXISTS (SELECT FROM vulnerability_alias WHERE vulnerability_alias.name = cve_rating.cve)
    """
)


async def stored_bytes(connection: AsyncConnection) -> int:
    """What advisories and what is known about CVEs take in the database, indexes included."""
    return int((await connection.execute(_STORED_BYTES)).scalar_one())


async def count_records(connection: AsyncConnection, part: Part) -> int:
    """How many records of a feed, or of an ecosystem of it, are held; those imported by hand included."""
    return int((await connection.execute(_COUNTS[part.name], {"part": part.part})).scalar_one())


async def collect_garbage(engine: AsyncEngine, wanted: Sequence[str] | None, retention: timedelta) -> None:
    """Delete advisories of ecosystems that are not `wanted` (None: keep all), long withdrawn ones, and stray ratings.

    Only what the feed brought: what people imported is theirs.
    """
    await _delete_in_parts(engine, _WITHDRAWN, {"retention": retention})
    if wanted is not None:
        async with autocommit(engine) as connection:
            outdated = (await connection.execute(_OUTDATED_PARTS, {"wanted": list(wanted)})).scalars().all()
        for part in outdated:
            await _delete_in_parts(engine, _UNWANTED, {"part": part, "wanted": list(wanted)})
            async with engine.begin() as connection:
                await connection.execute(_FORGET_PART, {"part": part})
    async with engine.begin() as connection:
        await connection.execute(_FORGET_RATINGS)


async def _delete_in_parts(engine: AsyncEngine, query: TextClause, parameters: dict[str, object]) -> None:
    values = {**parameters, "source": OSV_SOURCE, "limit": DELETED_AT_ONCE}
    while True:
        async with engine.begin() as connection:
            await wait_for_turn(connection, None)
            ids = (await connection.execute(query, values)).scalars().all()
            if not ids:
                return
            await remove_advisories(connection, ids)
