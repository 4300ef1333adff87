"""Matching: it can take seconds after a large import, so it runs as jobs."""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy import text

from deadlight.server.advisories.turns import AdvisoriesBusyError
from deadlight.server.findings.service import (
    Concerned,
    Said,
    assess_image,
    assessment_state,
    refresh_concerned,
    refresh_images,
    refresh_program_risks,
    rematch_buckets,
)
from deadlight.server.jobs.queue import Job, RetryLaterError, enqueue
from deadlight.server.services import Services

BUSY_PAUSE = timedelta(seconds=10)
"""When an image is assessed again of which something is stated while a feed's advisories are being taken."""


class AssessImage(Job, frozen=True):
    """Find the vulnerabilities of an image that has been scanned."""

    name: ClassVar[str] = "assess_image"
    image_id: int


class RefreshImage(Job, frozen=True):
    """Compute an image's risk again, because its packages were seen in use."""

    name: ClassVar[str] = "refresh_image"
    image_id: int
    used_package_ids: list[int]


class RefreshPrograms(Job, frozen=True):
    """Compute the risks of an image's programs again, because it is known of more packages who uses them."""

    name: ClassVar[str] = "refresh_programs"
    image_id: int


class RematchBuckets(Job, frozen=True):
    """Match the packages that changed advisories can concern."""

    name: ClassVar[str] = "rematch_buckets"
    buckets: list[tuple[str, str]]
    advisory_ids: list[str] | None = None
    """That say something else; None where anything may be gone, or another release told."""
    vulnerability_ids: tuple[int, ...] = ()
    """Of which these spoke or speak."""


class RefreshConcerned(Job, frozen=True):
    """Compute the risks of the images anew that rematching concerned."""

    name: ClassVar[str] = "refresh_concerned"
    package_ids: list[int]
    """That the images have."""
    vulnerability_ids: list[int] | None = None
    """Of which findings may be others; None for all there are."""


async def run_assess_image(services: Services, job: AssessImage) -> None:
    """Idempotent: what is matched stays so."""
    try:
        async with services.engine.begin() as connection:
            others = await assess_image(connection, job.image_id)
            await enqueue(connection, [RefreshImage(image_id, []) for image_id in others])
    except AdvisoriesBusyError as busy:
        raise RetryLaterError(BUSY_PAUSE, str(busy)) from busy


async def run_refresh_image(services: Services, job: RefreshImage) -> None:
    """Idempotent: the same inputs give the same row."""
    async with services.engine.begin() as connection:
        await refresh_images(connection, [job.image_id], used_package_ids=job.used_package_ids)


async def run_refresh_programs(services: Services, job: RefreshPrograms) -> None:
    """Idempotent: the same inputs give the same rows."""
    async with services.engine.begin() as connection:
        await refresh_program_risks(connection, [job.image_id])


async def run_rematch_buckets(services: Services, job: RematchBuckets) -> None:
    """Idempotent: matches are brought in line with the advisories, whatever they were.

    What follows is enqueued with what was matched, because a second time nothing would tell of it.
    """
    said = None if job.advisory_ids is None else Said(job.advisory_ids, job.vulnerability_ids)
    async with services.engine.begin() as connection:
        concerned = await rematch_buckets(connection, job.buckets, said)
        if concerned.package_ids:
            vulnerability_ids = concerned.vulnerability_ids
            ids = None if vulnerability_ids is None else list(vulnerability_ids)
            await enqueue(connection, [RefreshConcerned(list(concerned.package_ids), ids)])


async def run_refresh_concerned(services: Services, job: RefreshConcerned) -> None:
    """Idempotent: the same inputs give the same rows, and what is in line is not written again."""
    await refresh_concerned(services.engine, Concerned(job.package_ids, job.vulnerability_ids))


_STALE = text(
    """
    SELECT DISTINCT risk.image_id
    FROM image_risk AS risk
    JOIN image_tag_image ON image_tag_image.image_id = risk.image_id
    JOIN container ON container.image_tag_id = image_tag_image.image_tag_id
    WHERE risk.state <> :state AND container.state = 'running' AND container.removed_at IS NULL LIMIT 200
    """
)


async def reassess_stale(services: Services) -> None:
    """After an upgrade: running images that were assessed with another matcher or other rules."""
    async with services.engine.begin() as connection:
        stale = (await connection.execute(_STALE, {"state": assessment_state()})).scalars().all()
        await enqueue(connection, [AssessImage(image_id) for image_id in stale])
