"""Scans at the same time: what they share is read once, and none keeps all others waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

from tests.server.scans.conftest import Scans
from tests.support.fleet import Fleet
from tests.support.images import debian, image, python, text_image
from tests.support.registries import serve_registry
from tests.support.service import eventually

from deadlight.server.scans.jobs import RescanImage, ScanImage, scan_image
from deadlight.server.scans.layer_process import LayerRequest
from deadlight.server.services import RENEWALS_AT_ONCE, Turns

WEB = image(debian({"bash": "5.2-1"}))


class StuckOn(Executor):
    """Processes that never come to an end with some layers."""

    def __init__(self, processes: Executor, *digests: str) -> None:
        self.stuck: list[str] = []
        self._digests = digests
        self._processes = processes

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it, unless it is about one of them."""
        if isinstance(args[0], LayerRequest) and args[0].digest in self._digests:
            self.stuck.append(args[0].digest)
            return Future()
        return self._processes.submit(fn, *args, **kwargs)


async def test_a_layer_is_read_once_for_images_that_are_scanned_at_the_same_time(scans: Scans) -> None:
    base = debian({"bash": "5.2-1"})
    images = [image(base, python(name, "1.0.0")) for name in ("flask", "django", "jinja2")]
    wanted = [await scans.observe(item, f"shop/{number}") for number, item in enumerate(images)]
    rows = await asyncio.gather(*(scans.run(image_tag_id) for image_tag_id in wanted))
    assert sum(row.layers_scanned for row in rows) == 4
    assert scans.blobs_asked().count(images[0].layers[0].digest) == 1
    for image_tag_id in wanted:
        assert len(await scans.packages(image_tag_id)) == 2


async def test_a_layer_that_was_read_is_kept_when_the_scan_ends_before_the_next(scans: Scans, fleet: Fleet) -> None:
    pushed = image(debian({"bash": "5.2-1"}), python("flask", "3.0.0"))
    first, second = (layer.digest for layer in pushed.layers)
    image_tag_id = await scans.observe(pushed)
    stuck = replace(scans.services, processes=StuckOn(scans.services.processes, second))
    scan = asyncio.create_task(scan_image(stuck, ScanImage(image_tag_id)))

    async def one_is_kept() -> bool:
        return [row.digest for row in await fleet.rows("SELECT digest FROM analyzed_layer")] == [first]

    await eventually(one_is_kept)
    scan.cancel()


async def test_a_new_image_waits_for_few_of_those_whose_result_is_renewed(scans: Scans) -> None:
    renewed = [text_image(f"renewed {number}") for number in range(6)]
    processes = StuckOn(scans.services.processes, *(item.layers[0].digest for item in renewed))
    services = replace(scans.services, processes=processes, pull_turns=Turns(4))
    old = [await scans.observe(item, f"shop/{number}") for number, item in enumerate(renewed)]
    renewals = [asyncio.create_task(scan_image(services, RescanImage(image_tag_id))) for image_tag_id in old]

    async def begun() -> bool:
        return len(processes.stuck) == RENEWALS_AT_ONCE

    await eventually(begun)
    new = await scans.observe(WEB)
    await scan_image(services, ScanImage(new))
    assert (await scans.row(new)).status == "done"
    assert len(processes.stuck) == RENEWALS_AT_ONCE
    for renewal in renewals:
        renewal.cancel()


async def test_a_slow_registry_has_no_more_layers_waiting_for_a_process_than_there_are_processes(scans: Scans) -> None:
    slow = image(debian({"bash": "5.2-1"}), python("flask", "3.0.0"))
    processes = StuckOn(scans.services.processes, *(layer.digest for layer in slow.layers))
    services = replace(scans.services, processes=processes)
    scan = asyncio.create_task(scan_image(services, ScanImage(await scans.observe(slow))))
    async with serve_registry() as other:
        await scans.trust(other)
        image_tag_id = await scans.observe(text_image("quick"), registry=other)
        await eventually(lambda: asyncio.sleep(0, bool(processes.stuck)))
        await scan_image(services, ScanImage(image_tag_id))
    assert (await scans.row(image_tag_id)).status == "done"
    assert len(processes.stuck) == 1
    scan.cancel()
