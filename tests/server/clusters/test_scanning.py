"""What is configured is what happens: scanners that are off scan nothing, and results end with their retention."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, import_records, osv

from deadlight.model.event import EventType
from deadlight.model.scan_configuration import ScanConfiguration, Scanner
from deadlight.server.clusters.configuration import configure_clusters
from deadlight.server.events.outbox import Event
from deadlight.server.findings.handlers import judge_configured_cluster, judge_moved_images
from deadlight.server.findings.service import assess_image, refresh_images
from deadlight.server.scans.configuration import expire_results
from deadlight.server.scans.handlers import scan_configured_cluster, scan_deployed_images, scan_new_image
from deadlight.server.scans.jobs import retry_scans

ALL = tuple(Scanner)
NO_SCA = tuple(scanner for scanner in Scanner if scanner is not Scanner.SCA)
NO_ANALYSIS = tuple(scanner for scanner in Scanner if scanner is not Scanner.CONTEXTUAL_ANALYSIS)


async def configure(fleet: Fleet, cluster: str, scanners: Sequence[Scanner] = ALL, days: int = 90) -> UUID:
    cluster_id = await fleet.add_cluster(cluster)
    async with fleet.engine.begin() as connection:
        await configure_clusters(connection, [cluster_id], ScanConfiguration(tuple(scanners), days), "tests")
    return cluster_id


def event(kind: EventType, **data: object) -> Event:
    return Event(1, uuid4(), kind, "", data, STARTED)


async def handle(engine: AsyncEngine, handler, **data: object) -> None:
    async with engine.begin() as connection:
        await handler(connection, event(EventType.WORKLOAD_CHANGED, **data))


async def scans(fleet: Fleet) -> dict[int, str]:
    return {row.image_tag_id: row.status for row in await fleet.rows("SELECT * FROM scan")}


async def queued(fleet: Fleet, entrypoint: str) -> int:
    return len(await fleet.rows("SELECT FROM pgqueuer WHERE entrypoint = :name", name=entrypoint))


# --- SCA -------------------------------------------------------------------------------------------------


@pytest.mark.req("A8")
async def test_an_image_that_runs_only_where_sca_is_off_is_not_scanned_by_itself(fleet: Fleet) -> None:
    off = await configure(fleet, "off", NO_SCA)
    image = await fleet.add_image_tag()
    await fleet.deploy(image, cluster="off")
    await handle(fleet.engine, scan_new_image, image_tag_id=image)
    assert (await scans(fleet), await queued(fleet, "scan_image")) == ({image: "switched_off"}, 0)
    (row,) = await fleet.rows("SELECT error FROM scan")
    assert row.error == "SCA is switched off in every cluster that runs the image"
    async with fleet.engine.begin() as connection:
        await retry_scans(connection, host="registry.example")  # a registry that changes is no reason
    assert await scans(fleet) == {image: "switched_off"}
    await handle(fleet.engine, scan_deployed_images, image_tag_ids=[image], image_tag_ids_before=[])
    assert await scans(fleet) == {image: "switched_off"}
    await configure(fleet, "off", ALL)
    await handle(fleet.engine, scan_configured_cluster, cluster_id=str(off))
    assert (await scans(fleet), await queued(fleet, "scan_image")) == ({image: "queued"}, 1)


async def test_an_image_that_also_runs_where_sca_is_on_is_scanned(fleet: Fleet) -> None:
    await configure(fleet, "off", NO_SCA)
    image, asked_for = await fleet.add_image_tag(), await fleet.add_image_tag("shop/asked")
    await fleet.deploy(image, cluster="off")
    await handle(fleet.engine, scan_new_image, image_tag_id=image)
    await fleet.deploy(image, name="again", cluster="default")
    await handle(fleet.engine, scan_deployed_images, image_tag_ids=[image], image_tag_ids_before=[])
    await handle(fleet.engine, scan_new_image, image_tag_id=asked_for)  # runs nowhere: somebody asks for it
    assert await scans(fleet) == {image: "queued", asked_for: "queued"}


async def test_somebody_who_asks_gets_a_scan_also_where_sca_is_off(fleet: Fleet) -> None:
    await configure(fleet, "off", NO_SCA)
    image = await fleet.add_image_tag()
    await fleet.deploy(image, cluster="off")
    await handle(fleet.engine, scan_new_image, image_tag_id=image)
    async with fleet.engine.begin() as connection:
        await retry_scans(connection, image_tag_id=image)
    assert await scans(fleet) == {image: "queued"}


# --- contextual analysis ---------------------------------------------------------------------------------


async def vulnerable(fleet: Fleet) -> Stored:
    """An image with a vulnerability that a rule is about and one that none is about."""
    await import_records(
        fleet.engine,
        osv("CVE-2017-18342", "pyyaml", ecosystem="PyPI", severity=CRITICAL),
        osv("CVE-2026-0001", severity=CRITICAL),
    )
    image = await fleet.add_image(installed(package("pyyaml", "5.0", "PyPI")), installed(package()))
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    return image


async def statuses(fleet: Fleet) -> set[str]:
    return {row.status for row in await fleet.rows("SELECT status FROM applicability")}


@pytest.mark.req("A9")
async def test_what_runs_only_where_contextual_analysis_is_off_is_not_judged(fleet: Fleet) -> None:
    image = await vulnerable(fleet)
    before = await statuses(fleet)
    assert "not_scanned" not in before
    await fleet.deploy(image.image_tag_id, cluster="off")
    off = await configure(fleet, "off", NO_ANALYSIS)

    async def refresh() -> None:
        async with fleet.engine.begin() as connection:
            await refresh_images(connection, [image.image_id])

    await handle(fleet.engine, judge_configured_cluster, cluster_id=str(off))
    assert await queued(fleet, "refresh_image") == 1
    await refresh()
    rows = await fleet.rows("SELECT status, reason FROM applicability")
    assert [row.status for row in rows] == ["not_scanned", "not_scanned"]
    assert "switched off in every cluster that runs the image" in rows[0].reason
    tags = {"image_tag_ids": [image.image_tag_id], "image_tag_ids_before": []}
    await handle(fleet.engine, judge_moved_images, **tags)
    assert await queued(fleet, "refresh_image") == 1  # nothing has moved
    await fleet.deploy(image.image_tag_id, name="again", cluster="default")
    await handle(fleet.engine, judge_moved_images, **tags)
    assert await queued(fleet, "refresh_image") == 2
    await refresh()
    assert await statuses(fleet) == before


# --- retention -------------------------------------------------------------------------------------------


async def scanned_days_ago(fleet: Fleet, days: int) -> None:
    await fleet.rows("UPDATE image SET scanned_at = now() - :days * interval '1 day'", days=days)


async def expire(fleet: Fleet) -> tuple[int, int]:
    """How many images are to be scanned anew, and how many are left at all."""
    async with fleet.engine.begin() as connection:
        await expire_results(connection)
    rows = await fleet.rows("SELECT scanner_state FROM image")
    return sum(row.scanner_state == "" for row in rows), len(rows)


@pytest.mark.req("A21")
async def test_a_result_older_than_the_shortest_retention_of_its_clusters_is_renewed(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(package()))
    for cluster in ("default", "short"):
        await fleet.deploy(image.image_tag_id, cluster=cluster)
    await fleet.rows("INSERT INTO analyzed_layer SELECT layer_digests[1], '{}' FROM image")
    await scanned_days_ago(fleet, 8)
    assert await expire(fleet) == (0, 1)
    await configure(fleet, "short", days=7)
    assert await expire(fleet) == (1, 1)
    assert await fleet.rows("SELECT FROM analyzed_layer") == []
    assert len(await fleet.rows("SELECT FROM image_package")) == 1  # in sight until the new result is there
    assert await scans(fleet) == {image.image_tag_id: "done"}


@pytest.mark.req("A21")
async def test_a_result_that_nobody_renews_is_forgotten_and_the_image_scanned_when_it_runs_again(fleet: Fleet) -> None:
    image = await fleet.add_image(installed(package()))
    await fleet.deploy(image.image_tag_id, cluster="off")
    await configure(fleet, "off", NO_SCA, days=7)
    await scanned_days_ago(fleet, 8)
    assert await expire(fleet) == (0, 0)
    assert await fleet.rows("SELECT FROM image_package") == []
    assert await scans(fleet) == {image.image_tag_id: "expired"}
    await fleet.deploy(image.image_tag_id, name="again", cluster="default")
    await handle(fleet.engine, scan_deployed_images, image_tag_ids=[image.image_tag_id], image_tag_ids_before=[])
    assert await scans(fleet) == {image.image_tag_id: "queued"}


async def test_a_result_of_an_image_that_runs_nowhere_is_kept_as_long_as_any_cluster_keeps_results(
    fleet: Fleet,
) -> None:
    await fleet.add_image(installed(package()))
    await configure(fleet, "short", days=7)
    await configure(fleet, "long", days=400)
    await scanned_days_ago(fleet, 399)
    assert await expire(fleet) == (0, 1)
    await scanned_days_ago(fleet, 401)
    assert await expire(fleet) == (0, 0)
