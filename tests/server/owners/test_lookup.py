"""Who is responsible: the map, else the workload, else its namespace, else who built the image."""

from typing import Any

import pytest
from sqlalchemy import insert
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.server.owners.lookup import NOBODY, find_image_owner, find_owner
from deadlight.server.owners.rules import Owner
from deadlight.server.tables.inventory import namespace

AUTHORS = {"org.opencontainers.image.authors": "Ada <ada@example.com>"}


async def add_namespace(fleet: Fleet, **more: Any) -> None:
    values = {"cluster_id": await fleet.add_cluster(), "uid": "ns", "name": "shop", "content_hash": 0, **more}
    async with fleet.engine.begin() as connection:
        await connection.execute(insert(namespace).values(**values))


async def owner(fleet: Fleet, workload_id: int, **more: Any) -> Owner:
    async with fleet.engine.connect() as connection:
        return await find_owner(connection, workload_id, **more)


@pytest.mark.req("F7", "F8")
async def test_each_source_answers_where_those_before_it_do_not(service: RunningService, fleet: Fleet) -> None:
    image = await fleet.add_image(labels=AUTHORS)
    running = await fleet.deploy(image.image_tag_id)
    assert await owner(fleet, running.workload_id) == Owner(
        person="Ada <ada@example.com>",
        email="ada@example.com",
        source="Build Owner: image label org.opencontainers.image.authors",
    )
    await add_namespace(fleet, annotations={"deadlight.io/team": "shop"}, labels={"tier": "1"})
    assert (await owner(fleet, running.workload_id)).source == "namespace: deadlight.io/team"
    await fleet.rows("""UPDATE workload SET annotations = '{"deadlight.io/owner": "grace"}'""")
    assert (await owner(fleet, running.workload_id)).source == "workload: deadlight.io/owner"
    await service.post("/api/v1/owners", {"label": "tier=1", "team": "payments"})
    assert await owner(fleet, running.workload_id) == Owner(team="payments", source="owners map, rule 1")


async def test_a_rule_about_a_repository_is_about_the_image_that_is_asked_about(
    service: RunningService, fleet: Fleet
) -> None:
    web, proxy = await fleet.add_image_tag(), await fleet.add_image_tag("mesh/proxy")
    running = await fleet.deploy(web, proxy)
    await service.post("/api/v1/owners", {"repository": "mesh/*", "team": "mesh"})
    await service.post("/api/v1/owners", {"namespace": "shop", "team": "shop"})
    assert (await owner(fleet, running.workload_id, image_tag_ids=[web])).team == "shop"
    assert (await owner(fleet, running.workload_id, image_tag_ids=[proxy])).team == "mesh"
    assert (await owner(fleet, running.workload_id)).team == "mesh"
    assert await owner(fleet, 999_999) == NOBODY
    async with fleet.engine.connect() as connection:
        assert (await find_image_owner(connection, proxy)).team == "mesh"
        assert await find_image_owner(connection, web) == NOBODY


async def test_a_label_of_the_workload_hides_its_namespaces(service: RunningService, fleet: Fleet) -> None:
    await add_namespace(fleet, labels={"team": "shop"})
    running = await fleet.deploy(await fleet.add_image_tag(), labels={"team": "payments"})
    await service.post("/api/v1/owners", {"label": "team=shop", "team": "wrong"})
    assert (await owner(fleet, running.workload_id)).team == "payments"
