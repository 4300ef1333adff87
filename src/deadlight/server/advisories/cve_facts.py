"""What is known about CVEs: how severe their records say they are, which are exploited, and how likely each is to be.

Each function works in the caller's transaction, as those of `taking` do. Only ratings can change a vulnerability.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.advisories.cve_record import CveRating
from deadlight.advisories.document import Rejected
from deadlight.advisories.feeds.cve_records import read_cve_ratings
from deadlight.advisories.feeds.epss import Prediction, read_epss
from deadlight.advisories.feeds.feed import InvalidFeedError
from deadlight.advisories.feeds.files import refuse_damaged
from deadlight.advisories.feeds.known_exploited import read_known_exploited
from deadlight.advisories.vulnerability import CVE_RECORD
from deadlight.model.vulnerability import Severity
from deadlight.server.advisories.batches import batches, in_thread
from deadlight.server.advisories.service import ImportResult, record_buckets
from deadlight.server.advisories.turns import wait_for_turn
from deadlight.server.advisories.vulnerabilities import find_changed, list_spoken_of, regroup_vulnerabilities

RECORDS_AT_ONCE = 500
ROWS_AT_ONCE = 10_000

_KNOWN = text("SELECT name FROM vulnerability_alias WHERE name = ANY(:cves)")
_RATE = text(
    """
    INSERT INTO cve_rating (cve, severity, cvss_score, cvss_vector, source, updated_at)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(cve text, severity text, cvss_score float,
                                                                  cvss_vector text, source text, updated_at timestamptz)
    ON CONFLICT (cve) DO UPDATE SET
        severity = EXCLUDED.severity, cvss_score = EXCLUDED.cvss_score, cvss_vector = EXCLUDED.cvss_vector,
        source = EXCLUDED.source, updated_at = EXCLUDED.updated_at, asked_at = now()
    """
)
_STORED_RATINGS = text("SELECT cve, severity, cvss_score, cvss_vector, source FROM cve_rating WHERE cve = ANY(:cves)")
_RATED_BY_RECORD = text(
    """
    SELECT DISTINCT vulnerability.id FROM vulnerability_alias AS alias
    JOIN vulnerability ON vulnerability.id = alias.vulnerability_id
    WHERE alias.name = ANY(:cves)
      AND (vulnerability.severity = :unknown OR starts_with(vulnerability.severity_source, :cve_record))
    """
)


async def take_cve_records(connection: AsyncConnection, path: Path, asked: Sequence[str] = ()) -> ImportResult:
    """Take the ratings of CVE records; of CVEs in `asked` without a record it is kept that there is none."""
    total = ImportResult()
    seen: set[str] = set()
    async for batch in in_thread(batches(read_cve_ratings(path), RECORDS_AT_ONCE)):
        ratings = [item for item in batch if isinstance(item, CveRating)]
        rejected = [item for item in batch if isinstance(item, Rejected)]
        refuse_damaged(rejected)
        seen.update(item.cve for item in ratings)
        total.add(await apply_cve_ratings(connection, ratings, rejected))
    total.add(await apply_cve_ratings(connection, [CveRating(cve) for cve in asked if cve not in seen]))
    return total


async def apply_cve_ratings(
    connection: AsyncConnection, ratings: Iterable[CveRating], rejected: Sequence[Rejected] = ()
) -> ImportResult:
    """Store what CVE records say about CVEs that advisories name, and rate those again that no advisory rates."""
    await wait_for_turn(connection)
    by_cve = {item.cve: item for item in ratings}
    known = set((await connection.execute(_KNOWN, {"cves": list(by_cve)})).scalars())
    rows = {cve: _rating_row(by_cve[cve]) for cve in sorted(known)}
    stored = {row.cve: row for row in await connection.execute(_STORED_RATINGS, {"cves": sorted(known)})}
    changed = [cve for cve, row in rows.items() if _says_otherwise(stored.get(cve), row)]
    await connection.execute(_RATE, {"rows": msgspec.json.encode(list(rows.values())).decode()})
    result = ImportResult(rejected=len(rejected), rejections=[item.reason for item in rejected])
    result.added = sum(cve not in stored for cve in changed)
    result.changed = len(changed) - result.added
    result.unchanged = len(known) - len(changed)
    values = {"cves": changed, "unknown": Severity.UNKNOWN.value, "cve_record": CVE_RECORD}
    concerned = set((await connection.execute(_RATED_BY_RECORD, values)).scalars()) if changed else set()
    if concerned:
        spoken_of = await list_spoken_of(connection, concerned)
        regrouped = await regroup_vulnerabilities(connection, concerned)
        now = await list_spoken_of(connection, regrouped.vulnerability_ids)
        await record_buckets(connection, regrouped.buckets, find_changed(spoken_of, now, regrouped.judged_otherwise))
    return result


def _rating_row(item: CveRating) -> dict[str, Any]:
    return {
        "cve": item.cve,
        "severity": item.rating.severity.value,
        "cvss_score": item.rating.cvss_score,
        "cvss_vector": item.rating.cvss_vector,
        "source": item.source,
        "updated_at": item.updated_at,
    }


def _says_otherwise(stored: Any, row: Mapping[str, Any]) -> bool:
    """Whether a rating is another one than the stored; that a CVE has none is no news where none is stored."""
    if stored is None:
        return bool(row["severity"] != Severity.UNKNOWN.value)
    return any(getattr(stored, name) != row[name] for name in ("severity", "cvss_score", "cvss_vector", "source"))


_UPSERT_EXPLOITED = text(
    """
    INSERT INTO known_exploited (cve, added_on, due_on, ransomware, name)
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(cve text, added_on date, due_on date,
                                                                  ransomware boolean, name text)
    ON CONFLICT (cve) DO UPDATE SET
        added_on = EXCLUDED.added_on, due_on = EXCLUDED.due_on, ransomware = EXCLUDED.ransomware, name = EXCLUDED.name
    WHERE (known_exploited.added_on, known_exploited.due_on, known_exploited.ransomware, known_exploited.name)
          IS DISTINCT FROM (EXCLUDED.added_on, EXCLUDED.due_on, EXCLUDED.ransomware, EXCLUDED.name)
    RETURNING (xmax = 0) AS is_new
    """
)
_FORGET_EXPLOITED = text("DELETE FROM known_exploited WHERE cve <> ALL(:cves)")


async def take_known_exploited(connection: AsyncConnection, path: Path) -> ImportResult:
    """Replace the catalogue; findings stay as they are, for what is exploited is looked up when they are read."""
    entries = await asyncio.to_thread(read_known_exploited, path)
    rows = msgspec.json.encode(entries).decode()
    written = (await connection.execute(_UPSERT_EXPLOITED, {"rows": rows})).all()
    forgotten = (await connection.execute(_FORGET_EXPLOITED, {"cves": [entry.cve for entry in entries]})).rowcount
    added = sum(row.is_new for row in written)
    return ImportResult(added, len(written) - added, forgotten, len(entries) - len(written))


# Only what an advisory names: there are ten times as many.
_UPSERT_PREDICTIONS = text(
    """
    INSERT INTO exploit_prediction (cve, probability, percentile, scored_on)
    SELECT row.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row(cve text, probability float, percentile float,
                                                                      scored_on date)
    JOIN vulnerability_alias ON vulnerability_alias.name = row.cve
    ON CONFLICT (cve) DO UPDATE SET
        probability = EXCLUDED.probability, percentile = EXCLUDED.percentile, scored_on = EXCLUDED.scored_on
    WHERE (exploit_prediction.probability, exploit_prediction.percentile, exploit_prediction.scored_on)
          IS DISTINCT FROM (EXCLUDED.probability, EXCLUDED.percentile, EXCLUDED.scored_on)
    RETURNING (xmax = 0) AS is_new
    """
)
_NEWEST_PREDICTION = text("SELECT max(scored_on) FROM exploit_prediction")
_FORGET_PREDICTIONS = text(
    """
    DELETE FROM exploit_prediction WHERE scored_on < :scored_on
       OR NOT EXISTS (SELECT FROM vulnerability_alias WHERE vulnerability_alias.name = exploit_prediction.cve)
    """
)


async def take_epss(connection: AsyncConnection, path: Path) -> ImportResult:
    """Replace the predictions of CVEs that advisories name; findings stay as they are, as with what is exploited."""
    total = ImportResult()
    newest = (await connection.execute(_NEWEST_PREDICTION)).scalar_one()
    scored_on = None
    async for batch in in_thread(batches(read_epss(path), ROWS_AT_ONCE)):
        scored_on = batch[0].scored_on
        if newest is not None and scored_on < newest:
            raise InvalidFeedError(f"{path.name}: scores of {scored_on}, older than those of {newest} that are here")
        distinct: dict[str, Prediction] = {item.cve: item for item in batch}
        rows = msgspec.json.encode(list(distinct.values())).decode()
        written = (await connection.execute(_UPSERT_PREDICTIONS, {"rows": rows})).all()
        added = sum(row.is_new for row in written)
        total.add(ImportResult(added, len(written) - added))
    if scored_on is None:
        raise InvalidFeedError(f"{path.name}: has no scores")
    total.withdrawn = (await connection.execute(_FORGET_PREDICTIONS, {"scored_on": scored_on})).rowcount
    return total
