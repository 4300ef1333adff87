"""Bringing findings in line with what changed, and telling whom it concerns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deadlight.advisories.advisory import Bucket
from deadlight.model.event import EventType
from deadlight.server.advisories.batches import slices
from deadlight.server.db.engine import autocommit
from deadlight.server.events.outbox import NewEvent, record_events
from deadlight.server.findings.context import find_misjudged, judge_images, rules
from deadlight.server.findings.matching import (
    MATCHER_STATE,
    MatchKey,
    list_packages_in_buckets,
    list_unmatched_packages,
    match_packages,
)
from deadlight.server.findings.program_risk import update_program_risks
from deadlight.server.findings.risk import RISK_STATE, RiskChange
from deadlight.server.findings.statements import apply_statement
from deadlight.server.findings.stored_risk import update_risk

_IMAGES_WITH = text("SELECT DISTINCT image_id FROM image_package WHERE package_id = ANY(:package_ids)")

IMAGES_AT_ONCE = 250
"""Whose findings are in memory together."""

PACKAGES_AT_ONCE = 1_000
"""Of which all that can affect them is in memory together."""

# Closed ones too: whoever matched the package for another advisory may have closed the match of a withdrawn one, and
# could not tell any more of which vulnerability it spoke.
_PACKAGES_OF = text(
    "SELECT DISTINCT package_id FROM vulnerability_match WHERE advisory_id = ANY(:advisory_ids) ORDER BY package_id"
)

_SPOKEN_OF = text("SELECT DISTINCT vulnerability_id FROM advisory_vulnerability WHERE advisory_id = ANY(:advisory_ids)")

_COMPUTED_OTHERWISE = text(
    """
    SELECT asked.id FROM unnest(CAST(:image_ids AS bigint[])) AS asked(id)
    LEFT JOIN image_risk ON image_risk.image_id = asked.id
    WHERE image_risk.state IS DISTINCT FROM :state
    """
)

_VULNERABILITIES_OF = text(
    """
    SELECT DISTINCT vulnerability_id FROM vulnerability_match JOIN advisory_vulnerability USING (advisory_id)
    WHERE package_id = ANY(:package_ids) AND closed_at IS NULL ORDER BY vulnerability_id
    """
)

# In the order of their ids, for all images at once, as every transaction locks that locks several workloads. Of all
# workloads only these are read: an index is asked for each image tag.
_PLACES = text(
    """
    WITH place AS MATERIALIZED (SELECT image_tag_id, image_id FROM image_tag_image WHERE image_id = ANY(:image_ids))
    SELECT workload.id AS workload_id, place.image_tag_id, place.image_id
    FROM place JOIN workload ON workload.image_tag_ids @> ARRAY[place.image_tag_id] AND workload.removed_at IS NULL
    ORDER BY workload.id FOR NO KEY UPDATE OF workload
    """
)

_LOCK_IMAGES = text("SELECT id FROM image WHERE id = ANY(:image_ids) ORDER BY id FOR NO KEY UPDATE")


def assessment_state() -> str:
    """What findings are made with; it changes with the matcher, any applicability rule and what is said of an image."""
    return f"{MATCHER_STATE}:{rules().state}:{RISK_STATE}"


async def assess_image(connection: AsyncConnection, image_id: int) -> Sequence[int]:
    """An image has been scanned: apply what is stated of it, match what nobody has matched, and compute its risk.

    Returns the other images that what is stated of its packages concerns: they are to be refreshed.
    """
    others = await apply_statement(connection, image_id)
    await match_packages(connection, await list_unmatched_packages(connection, image_id))
    await refresh_images(connection, [image_id])
    return others


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a change is about: nothing else has to be computed anew."""

    package_ids: Sequence[int]
    """Those whose findings of these vulnerabilities may be others, on every image that has them."""
    vulnerability_ids: Sequence[int] | None = None
    """None for all that an image has of whatever package."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said otherwise than before, whatever packages it meets."""

    advisory_ids: Sequence[str]
    """That speak of another vulnerability, or of one that counts otherwise."""
    vulnerability_ids: Sequence[int]
    """Of which they spoke or speak."""


async def rematch_buckets(
    connection: AsyncConnection, buckets: Sequence[Bucket], said: Said | None = None
) -> Concerned:
    """Advisories have changed: match again the packages they can concern; returns what has to be refreshed for it.

    With `said` that is what it tells, and what matching changed. Without, it is all there is of every image that has
    one of these packages, as it must be where advisories are gone, and their matches with them.
    """
    package_ids = sorted(await list_packages_in_buckets(connection, buckets))
    changed: set[MatchKey] = set()
    for some in slices(package_ids, PACKAGES_AT_ONCE):
        changed |= await match_packages(connection, some)
    if said is None:
        return Concerned(package_ids)
    matched = await _vulnerabilities_matched(connection, changed)
    told = (await connection.execute(_PACKAGES_OF, {"advisory_ids": list(said.advisory_ids)})).scalars()
    return Concerned(
        sorted({*told, *(package_id for package_id, _ in changed)}), sorted({*said.vulnerability_ids, *matched})
    )


async def refresh_concerned(engine: AsyncEngine, concerned: Concerned) -> None:
    """Refresh the images that have any of the packages, some of them in each transaction.

    The caller has committed what it concerns: an image that is put together meanwhile finds it by itself. Where this
    ends half-way, it is done again from the start: what is in line is looked at and left alone.
    """
    async with autocommit(engine) as connection:
        rows = await connection.execute(_IMAGES_WITH, {"package_ids": list(concerned.package_ids)})
        image_ids = sorted(rows.scalars())
    for some in slices(image_ids, IMAGES_AT_ONCE):
        async with engine.begin() as connection:
            await refresh_images(connection, some, concerned=concerned)


async def _vulnerabilities_matched(connection: AsyncConnection, changed: Iterable[MatchKey]) -> Sequence[int]:
    advisory_ids = sorted({advisory_id for _, advisory_id in changed})
    return (await connection.execute(_SPOKEN_OF, {"advisory_ids": advisory_ids})).scalars().all()


async def refresh_images(
    connection: AsyncConnection,
    image_ids: Iterable[int],
    *,
    used_package_ids: Sequence[int] = (),
    concerned: Concerned | None = None,
) -> None:
    """Judge what is applicable, compute the risk anew, and record what changed for the workloads that run them.

    `used_package_ids` are packages that sensors saw in use for the first time: news also where it moves no stage.
    With `concerned` only what it names of them is computed, but for images of which more than that is to be.
    """
    ordered = sorted(set(image_ids))
    if not ordered:
        return
    await connection.execute(_LOCK_IMAGES, {"image_ids": ordered})  # whoever computes one next sees what this did
    partly = concerned is not None and concerned.vulnerability_ids is not None
    wholly = await _find_outdated(connection, ordered) if partly else set(ordered)
    changes = await _refresh(connection, [id_ for id_ in ordered if id_ in wholly], None)
    changes += await _refresh(connection, [id_ for id_ in ordered if id_ not in wholly], concerned)
    validated = await _vulnerabilities_of(connection, used_package_ids)
    news = {change.image_id: change for change in changes if change.is_news}
    if validated:
        news = {image_id: RiskChange(image_id) for image_id in ordered} | news
    if news:
        await record_events(connection, await _changed_events(connection, news, validated))


async def _find_outdated(connection: AsyncConnection, image_ids: Sequence[int]) -> set[int]:
    """Images that what is stored says too little of, or something that holds no more: nothing can be added to that."""
    parameters = {"image_ids": image_ids, "state": assessment_state()}
    otherwise = (await connection.execute(_COMPUTED_OTHERWISE, parameters)).scalars()
    return {*otherwise, *await find_misjudged(connection, image_ids)}


async def _refresh(
    connection: AsyncConnection, image_ids: Sequence[int], concerned: Concerned | None
) -> list[RiskChange]:
    """All that there is of locked images, or what is concerned."""
    changes = []
    vulnerability_ids, package_ids = (concerned.vulnerability_ids, concerned.package_ids) if concerned else (None, None)
    for some in slices(image_ids, IMAGES_AT_ONCE):
        await judge_images(connection, some, vulnerability_ids)
        changes += await update_risk(connection, some, assessment_state(), vulnerability_ids)
        await update_program_risks(connection, some, package_ids)
    return changes


async def refresh_program_risks(connection: AsyncConnection, image_ids: Iterable[int]) -> None:
    """Compute the risks of images' programs anew."""
    ordered = sorted(set(image_ids))
    await connection.execute(_LOCK_IMAGES, {"image_ids": ordered})
    await update_program_risks(connection, ordered)


async def _vulnerabilities_of(connection: AsyncConnection, package_ids: Sequence[int]) -> list[int]:
    if not package_ids:
        return []
    return list((await connection.execute(_VULNERABILITIES_OF, {"package_ids": list(package_ids)})).scalars())


async def _changed_events(
    connection: AsyncConnection, news: Mapping[int, RiskChange], validated: Sequence[int]
) -> list[NewEvent]:
    places = await connection.execute(_PLACES, {"image_ids": list(news)})
    return [
        NewEvent(
            EventType.VULNERABILITIES_CHANGED,
            f"workload:{place.workload_id}",
            {
                "workload_id": place.workload_id,
                "image_tag_id": place.image_tag_id,
                "added": news[place.image_id].added,
                "removed": news[place.image_id].removed,
                "advanced": news[place.image_id].advanced,
                "validated": validated,
            },
        )
        for place in places
    ]
