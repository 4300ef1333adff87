"""How far each feed has come: whose turn it is, and how its last visit went."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.feeds.feed import Checkpoint, FeedName
from deadlight.advisories.vulnerability import CVE_RECORD
from deadlight.ecosystems import find_ecosystem
from deadlight.model.vulnerability import Severity
from deadlight.server.advisories.service import ImportResult
from deadlight.server.settings import Settings

LEASE = timedelta(hours=3)
"""How long a visit may take before it is believed to be lost; longer than any download may."""

FIRST_PAUSE = timedelta(minutes=1)
"""After a first failure; doubles up to the interval."""

SOON = timedelta(minutes=1)
"""When a source is asked again that was not asked everything, or may know of what has come since."""

RATED_AGAIN_AFTER = timedelta(days=7)
UNRATED_AGAIN_AFTER = timedelta(days=1)
"""When a CVE's record is asked for again: many are published first and rated some days later."""


class Part(NamedTuple):
    """A feed, or an ecosystem of it."""

    name: FeedName
    part: str = ""


# A step to the next ecosystem for each there is, whatever the number of packages. Those of images that are forgotten
# stay, with what was found in them.
_INSTALLED = text(
    """
    WITH RECURSIVE step AS (
        (SELECT ecosystem FROM package WHERE EXISTS (SELECT FROM image_package WHERE package_id = package.id)
         ORDER BY ecosystem LIMIT 1)
        UNION ALL
        SELECT (SELECT package.ecosystem FROM package
                WHERE package.ecosystem > step.ecosystem
                  AND EXISTS (SELECT FROM image_package WHERE package_id = package.id)
                ORDER BY package.ecosystem LIMIT 1)
        FROM step WHERE step.ecosystem IS NOT NULL)
    SELECT DISTINCT split_part(ecosystem, ':', 1) FROM step WHERE ecosystem IS NOT NULL
    """
)
_ENSURE = text(
    """
    INSERT INTO feed (name, part) SELECT * FROM unnest(CAST(:names AS text[]), CAST(:parts AS text[]))
    ON CONFLICT DO NOTHING
    """
)
_CLAIM = text(
    """
    UPDATE feed SET next_attempt_at = now() + CAST(:lease AS interval)
    WHERE next_attempt_at <= now()
      AND (name, part) IN (SELECT * FROM unnest(CAST(:names AS text[]), CAST(:parts AS text[])))
    RETURNING name, part
    """
)
_HURRY = text(
    """
    UPDATE feed SET next_attempt_at = now()
    WHERE (name, part) IN (SELECT * FROM unnest(CAST(:names AS text[]), CAST(:parts AS text[]))) AND NOT refreshing
    """
)
_BRING_FORWARD = text(
    """
    UPDATE feed SET next_attempt_at = least(next_attempt_at, now() + CAST(:pause AS interval))
    WHERE name = ANY(:names) AND failures = 0 AND NOT refreshing
    """
)
_BEGIN = text(
    """
    UPDATE feed SET started_at = now(), refreshing = true, next_attempt_at = now() + CAST(:lease AS interval)
    WHERE name = :name AND part = :part RETURNING *
    """
)
_SUCCEED = text(
    """
    UPDATE feed SET
        checkpoint = CAST(:checkpoint AS jsonb), bytes_received = bytes_received + :bytes, failures = 0,
        problem = '', succeeded_at = now(), refreshing = false, next_attempt_at = now() + CAST(:pause AS interval),
        result = coalesce(CAST(:result AS jsonb), result), records = coalesce(:records, records)
    WHERE name = :name AND part = :part
    """
)
_FAIL = text(
    """
    UPDATE feed SET failures = failures + 1, problem = :problem, refreshing = false,
        next_attempt_at = now() + greatest(CAST(:asked AS interval),
            least(CAST(:interval AS interval), CAST(:first AS interval) * power(2, least(failures, 20))))
    WHERE name = :name AND part = :part RETURNING failures
    """
)


async def wanted_parts(connection: AsyncConnection, settings: Settings) -> list[Part]:
    """What is to be kept up to date: of OSV the ecosystems of known images and those the settings name."""
    parts = [Part(name) for name in settings.feeds if name is not FeedName.OSV]
    if FeedName.OSV in settings.feeds:
        installed = set((await connection.execute(_INSTALLED)).scalars())
        known = {name for name in installed if find_ecosystem(name)}
        parts += [Part(FeedName.OSV, name) for name in sorted(known | set(settings.feed_ecosystems))]
    return parts


async def claim_due(connection: AsyncConnection, wanted: Sequence[Part]) -> list[Part]:
    """Those whose time has come, what is wanted for the first time included; nobody else gets them meanwhile."""
    names = {"names": [part.name.value for part in wanted], "parts": [part.part for part in wanted]}
    await connection.execute(_ENSURE, names)
    rows = await connection.execute(_CLAIM, {**names, "lease": LEASE})
    return [Part(FeedName(row.name), row.part) for row in rows]


async def hurry(connection: AsyncConnection, parts: Sequence[Part]) -> None:
    """Have these be due now, but for those that are being refreshed."""
    names = {"names": [part.name.value for part in parts], "parts": [part.part for part in parts]}
    await connection.execute(_ENSURE, names)
    await connection.execute(_HURRY, names)


async def ask_about_new_names(connection: AsyncConnection) -> None:
    """There are new advisories: what is known of their CVEs is asked for soon, not only when its time comes."""
    names = [FeedName.CVE.value, FeedName.EPSS.value]
    await connection.execute(_BRING_FORWARD, {"names": names, "pause": SOON})


async def begin(connection: AsyncConnection, part: Part) -> Row[Any] | None:
    """Note that a visit begins; the feed's row, None where it is no longer kept."""
    values = {"name": part.name.value, "part": part.part, "lease": LEASE}
    return (await connection.execute(_BEGIN, values)).one_or_none()


async def begin_by_hand(connection: AsyncConnection, part: Part) -> None:
    """Have a row for what a person brings, whether the feed is on or not."""
    await connection.execute(_ENSURE, {"names": [part.name.value], "parts": [part.part]})


async def succeed(
    connection: AsyncConnection,
    part: Part,
    checkpoint: Checkpoint,
    pause: timedelta,
    *,
    bytes_received: int = 0,
    result: ImportResult | None = None,
    records: int | None = None,
) -> None:
    """Note what a visit brought; `result` and `records` stay as they were where it brought nothing new."""
    values = {
        "name": part.name.value,
        "part": part.part,
        "checkpoint": msgspec.json.encode(dict(checkpoint)).decode(),
        "bytes": bytes_received,
        "pause": pause,
        "result": result and msgspec.json.encode(asdict(result)).decode(),
        "records": records,
    }
    await connection.execute(_SUCCEED, values)


async def fail(
    connection: AsyncConnection, part: Part, problem: str, interval: timedelta, retry_after: float | None
) -> int:
    """Note why a visit brought nothing; the next one waits twice as long as the last, or as the source asked.

    Returns how many in a row have brought nothing by now, 0 for a feed that is no longer kept.
    """
    values = {
        "name": part.name.value,
        "part": part.part,
        "problem": problem[:2_000],
        "interval": interval,
        "first": FIRST_PAUSE,
        "asked": timedelta(seconds=retry_after or 0),
    }
    return (await connection.execute(_FAIL, values)).scalar() or 0


_UNRATED = text(
    """
    SELECT wanted.cve FROM (
        SELECT DISTINCT alias.name AS cve
        FROM vulnerability_match AS match
        JOIN advisory_vulnerability USING (advisory_id)
        JOIN vulnerability ON vulnerability.id = advisory_vulnerability.vulnerability_id
        JOIN vulnerability_alias AS alias ON alias.vulnerability_id = vulnerability.id
        WHERE match.closed_at IS NULL AND alias.name ~ '^CVE-[0-9]{4}-[0-9]{4,19}$'
          AND (vulnerability.severity = :unknown OR starts_with(vulnerability.severity_source, :cve_record))) AS wanted
    LEFT JOIN cve_rating USING (cve)
    WHERE cve_rating.asked_at IS NULL OR cve_rating.asked_at < now() - CAST(
        CASE WHEN cve_rating.severity = :unknown THEN :unrated ELSE :rated END AS interval)
    ORDER BY cve_rating.asked_at NULLS FIRST, wanted.cve LIMIT :limit
    """
)


async def list_unrated_cves(connection: AsyncConnection, limit: int) -> list[str]:
    """CVEs of matched packages that no advisory rates and whose records are to be asked for, unknown ones first."""
    values = {
        "unknown": Severity.UNKNOWN.value,
        "cve_record": CVE_RECORD,
        "rated": RATED_AGAIN_AFTER,
        "unrated": UNRATED_AGAIN_AFTER,
        "limit": limit,
    }
    return list((await connection.execute(_UNRATED, values)).scalars())


_NEW_NAMES = text("SELECT EXISTS (SELECT FROM vulnerability WHERE updated_at > :since)")


async def has_new_vulnerabilities(connection: AsyncConnection, row: Row[Any]) -> bool:
    """Whether there may be vulnerabilities now that a feed's last visit could not know of.

    They bear the time at which their transaction began, which a first copy may have done long before it was seen.
    """
    if row.succeeded_at is None:
        return True
    return bool((await connection.execute(_NEW_NAMES, {"since": row.succeeded_at - LEASE})).scalar_one())
