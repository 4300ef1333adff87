"""Scans follow from what happened, and run again by themselves once they can."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.server.scans.conftest import Scans
from tests.support.fleet import Fleet
from tests.support.images import debian, image, text_image
from tests.support.inventory import STARTED, batch, container, node, pod, workload
from tests.support.registries import ServedRegistry, answering, serve_registry
from tests.support.service import RunningService, eventually

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.scans.handlers import scan_new_image, scan_registry

WEB = image(debian({"bash": "5.2-1"}))


def event(kind: EventType, **data: object) -> Event:
    return Event(1, uuid4(), kind, "", data, STARTED)


async def statuses(fleet: Fleet) -> dict[str, str]:
    """The scans by repository."""
    query = "SELECT repository, status FROM scan JOIN image_tag ON image_tag.id = image_tag_id"
    return {row.repository: row.status for row in await fleet.rows(query)}


async def queued(fleet: Fleet) -> int:
    return len(await fleet.rows("SELECT FROM pgqueuer WHERE entrypoint = 'scan_image'"))


async def test_an_observed_image_is_scanned_unless_it_has_been_removed(fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag()
    async with fleet.engine.begin() as connection:
        await scan_new_image(connection, event(EventType.IMAGE_OBSERVED, image_tag_id=image_tag_id))
        await scan_new_image(connection, event(EventType.IMAGE_OBSERVED, image_tag_id=image_tag_id + 1))
    assert await statuses(fleet) == {"shop/web": "queued"}
    assert await queued(fleet) == 1


async def test_a_changed_registry_is_a_reason_to_try_again_what_was_not_done_and_only_that(
    scans: Scans, fleet: Fleet
) -> None:
    done = await scans.observe(text_image("done"), "shop/done")
    await scans.run(done)
    failed = await scans.observe(text_image("failed"), "shop/failed")
    await scans.registry.delete("1.0.0", "shop/failed")
    await scans.registry.delete(text_image("failed").manifest.digest, "shop/failed")
    await scans.run(failed)
    elsewhere = await fleet.add_image_tag(repository="shop/elsewhere")
    await scans.observe_digest(text_image("x").manifest.digest, "shop/new")
    async with fleet.engine.begin() as connection:
        await scan_new_image(connection, event(EventType.IMAGE_OBSERVED, image_tag_id=elsewhere))
    before = await queued(fleet)
    async with fleet.engine.begin() as connection:
        await scan_registry(connection, event(EventType.REGISTRY_CHANGED, host=scans.registry.host))
    assert await queued(fleet) == before + 1
    assert await statuses(fleet) == {
        "shop/done": "done",
        "shop/failed": "queued",
        "shop/elsewhere": "queued",
        "shop/new": "queued",
    }


@pytest.mark.req("R3", "R9")
async def test_a_scan_that_had_to_wait_runs_again_by_itself_and_others_need_not_wait(
    whole_service: RunningService, registry: ServedRegistry
) -> None:
    async with serve_registry() as fine:
        for served in (registry, fine):
            await whole_service.post("/api/v1/registries", {"host": served.host, "url": served.url})
        await whole_service.settle()
        await registry.push(WEB)
        await fine.push(text_image("fine"), repository="shop/fine")
        registry.trouble = answering(429, Retry_After="120")
        controller = await whole_service.enrol()
        names = {
            f"{registry.host}/shop/web:1.0.0": WEB.manifest.digest,
            f"{fine.host}/shop/fine:1.0.0": text_image("fine").manifest.digest,
        }
        running = pod(*(container(name, digest, name=digest[7:20]) for name, digest in names.items()))
        await controller.post("/agent/v1/inventory", batch(node(), workload(), running))
        fleet = Fleet(whole_service.services.engine)

        async def waiting() -> bool:
            return await statuses(fleet) == {"shop/web": "waiting", "shop/fine": "done"}

        await eventually(waiting)
        await whole_service.settle()
        (job,) = await fleet.rows("SELECT execute_after - now() AS pause FROM pgqueuer WHERE entrypoint = 'scan_image'")
        assert timedelta(seconds=90) < job.pause <= timedelta(seconds=120)
        registry.trouble = None
        whole_service.services.registries.clear()  # as if the two minutes had passed
        await fleet.rows("UPDATE pgqueuer SET execute_after = now() WHERE entrypoint = 'scan_image'")

        async def done() -> bool:
            return await statuses(fleet) == {"shop/web": "done", "shop/fine": "done"}

        await eventually(done)
