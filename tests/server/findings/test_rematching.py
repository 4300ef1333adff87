"""A change of many advisories: every image that it concerns is worked out once, and nothing of it is lost."""

import asyncio

import msgspec
import pytest
from sqlalchemy import text
from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.service import RunningService, eventually

from deadlight.server.advisories.service import BUCKETS_PER_EVENT
from deadlight.server.findings import service as findings
from deadlight.server.findings.jobs import (
    AssessImage,
    RefreshConcerned,
    RematchBuckets,
    run_assess_image,
    run_refresh_concerned,
    run_rematch_buckets,
)
from deadlight.server.jobs.queue import J
from deadlight.server.services import Services

PACKAGES = [package(f"p{number:04}") for number in range(BUCKETS_PER_EVENT + 1)]


async def refreshes(fleet: Fleet) -> int:
    """How often a risk of an image has been stored so far."""
    (row,) = await fleet.rows("SELECT last_value FROM risk_version")
    return int(row.last_value)


@pytest.mark.req("R15")
async def test_an_image_that_many_changed_advisories_concern_is_worked_out_once(whole_service: RunningService) -> None:
    fleet = Fleet(whole_service.services.engine)
    brought = {"all": PACKAGES, "some": PACKAGES[::250]}
    images = [await fleet.add_image(*map(installed, items), repository=name) for name, items in brought.items()]
    for image in images:
        await fleet.deploy(image.image_tag_id, name=f"w{image.image_id}")
        await run_assess_image(whole_service.services, AssessImage(image.image_id))
    await whole_service.settle()
    before = await refreshes(fleet)
    await import_records(fleet.engine, *(osv(f"CVE-2026-{item.name}", item.name) for item in PACKAGES))
    assert len(await fleet.events("AdvisoriesChanged")) > 1
    await whole_service.settle()
    assert await refreshes(fleet) - before == len(images)
    told = [data["added"] for _, data in await fleet.events("VulnerabilitiesChanged")]
    assert sorted(map(len, told)) == [3, len(PACKAGES)]


@pytest.fixture
async def images(fleet: Fleet, services: Services) -> list[Stored]:
    """Two that run and have a package of which a flaw has just become known, which nobody has followed."""
    stored = [await fleet.add_image(installed(PACKAGES[0]), repository=name) for name in ("one", "other")]
    for image in stored:
        await fleet.deploy(image.image_tag_id, name=f"w{image.image_id}")
        await run_assess_image(services, AssessImage(image.image_id))
    await fleet.forget_events()
    await import_records(fleet.engine, osv("CVE-2026-0001", PACKAGES[0].name, severity=CRITICAL))
    return stored


REMATCH = RematchBuckets([("Debian:12", PACKAGES[0].name)], [], ())


async def queued(fleet: Fleet, job: type[J]) -> list[J]:
    """What waits of a kind of jobs."""
    rows = await fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint = :name ORDER BY id", name=job.name)
    return [msgspec.json.decode(row.payload, type=job) for row in rows]


async def flagged(fleet: Fleet) -> list[int]:
    """The images whose risk says so, each of which was told once."""
    rows = await fleet.rows(
        """
        SELECT image_id, (SELECT count(*) FROM event JOIN image_tag_image AS place
                                 ON place.image_tag_id = CAST(data ->> 'image_tag_id' AS bigint)
                          WHERE place.image_id = image_risk.image_id AND type = 'VulnerabilitiesChanged') AS told
        FROM image_risk WHERE critical = 1 ORDER BY image_id
        """
    )
    assert [row.told for row in rows] == [1] * len(rows)
    return [row.image_id for row in rows]


@pytest.mark.usefixtures("images")
async def test_what_matching_changed_is_followed_also_where_its_job_is_begun_again(
    fleet: Fleet, services: Services
) -> None:
    await run_rematch_buckets(services, REMATCH)
    await run_rematch_buckets(services, REMATCH)  # its process ended before it could say that it was done
    assert await flagged(fleet) == []
    (job,) = await queued(fleet, RefreshConcerned)
    await run_refresh_concerned(services, job)
    assert len(await flagged(fleet)) == 2


async def test_what_ends_half_way_is_finished_and_nothing_of_it_done_twice(
    fleet: Fleet, services: Services, images: list[Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "IMAGES_AT_ONCE", 1)
    await run_rematch_buckets(services, REMATCH)
    (job,) = await queued(fleet, RefreshConcerned)
    first, second = (image.image_id for image in images)

    async def is_half_way() -> bool:
        return await flagged(fleet) == [first]

    async with fleet.engine.begin() as connection:
        await connection.execute(text("SELECT FROM image WHERE id = :id FOR UPDATE"), {"id": second})
        running = asyncio.create_task(run_refresh_concerned(services, job))
        await eventually(is_half_way)
        running.cancel()
        await asyncio.wait({running})
    before = await refreshes(fleet)
    await run_refresh_concerned(services, job)
    assert await flagged(fleet) == [first, second]
    assert await refreshes(fleet) == before + 1
