"""Lists say how many detections are open, by the highest severity, and are narrowed by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.server.assessment.shop import shop
from tests.server.detections.conftest import SensorOf
from tests.support.detections import detected
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.model.detection import DetectionStatus
from deadlight.model.event import EventType
from deadlight.model.vulnerability import Severity
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.detections.actions import change_status
from deadlight.server.detections.exceptions import add_exception
from deadlight.server.detections.handlers import count_open
from deadlight.server.detections.schemas import ExceptionIn
from deadlight.server.events.outbox import Event


async def follow(fleet: Fleet) -> None:
    """Handle what was recorded about detections."""
    async with fleet.engine.begin() as connection:
        query = text("SELECT * FROM event WHERE type = 'DetectionChanged' ORDER BY id")
        for row in (await connection.execute(query)).all():
            event = Event(row.id, row.uuid, EventType(row.type), row.key, row.data, row.recorded_at)
            await count_open(connection, event)


async def sensor_of(fleet: Fleet, cluster: str) -> SensorOf:
    await fleet.add_agent("sensor", "node-1", cluster=cluster)
    (row,) = await fleet.rows("SELECT id, cluster_id FROM agent")
    return SensorOf(fleet, AgentPrincipal(row.id, row.cluster_id, AgentKind.SENSOR, "node-1"))


async def counted(service: RunningService, path: str, name: str, query: str = "") -> dict[str, dict[str, int]]:
    """What a list says of detections, by the names of its rows; without those that have none."""
    field = {"image-tags": "image_tags"}.get(path, path)
    rows = (await service.get(f"/api/v1/{path}?{query}"))[field]
    some = [row for row in rows if any(row["detections"].values())]
    return {row[name]: {level: count for level, count in row["detections"].items() if count} for row in some}


@pytest.mark.req("R20")
async def test_lists_count_what_is_open_and_are_narrowed_by_it(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    sensor = await sensor_of(fleet, "east")
    (web,) = await fleet.rows(
        "SELECT container_id FROM container JOIN image_tag ON image_tag.id = image_tag_id "
        "JOIN cluster ON cluster.id = cluster_id WHERE repository = 'shop/web' AND cluster.name = 'east'"
    )
    minor: dict[str, Any] = {"severity": Severity.LOW}
    await sensor.send(
        detected(web.container_id),
        detected(web.container_id, "terminal-shell", **minor),
        detected(web.container_id, "terminal-shell", program="/bin/sh", **minor),
    )
    await follow(fleet)
    assert await counted(service, "images", "repository") == {"shop/web": {"Critical": 1, "Low": 2}}
    assert await counted(service, "image-tags", "repository") == {"shop/web": {"Critical": 1, "Low": 2}}
    assert await counted(service, "workloads", "namespace") == {"shop": {"Critical": 1, "Low": 2}}

    for query, images in (
        ("detection=Critical", ["shop/web"]),
        ("detection=High", []),
        ("detection=High&detection=Low", ["shop/web"]),
    ):
        assert [row["repository"] for row in (await service.get(f"/api/v1/images?{query}"))["images"]] == images
        assert len((await service.get(f"/api/v1/workloads?{query}"))["workloads"]) == len(images)
    # in one place: what is detected in the east is not in the west, where the same image runs
    assert (await service.get("/api/v1/images?detection=Low&cluster=west"))["total"] == 0
    facet = await service.get("/api/v1/images/facets/detection?cluster=east")
    assert {item["value"]: item["count"] for item in facet["values"]} == {"Critical": 1, "Low": 1}
    found = (await service.get("/api/v1/detections?repository=registry.example/shop/web"))["total"]
    assert (found, (await service.get("/api/v1/detections?repository=shop/web"))["total"]) == (3, 0)

    (shell,) = [row for row in await sensor.detections() if row.rule == "reverse-shell"]
    async with fleet.engine.begin() as connection:
        await change_status(connection, shell.id, DetectionStatus.RESOLVED, actor="ada", note="")
        until = datetime.now(UTC) + timedelta(days=1)
        await add_exception(connection, ExceptionIn(program="/bin/sh", reason="ours", until=until), "ada")
    await follow(fleet)
    assert await counted(service, "images", "repository") == {"shop/web": {"Low": 1}}


async def test_a_rule_that_is_worth_more_by_now_is_counted_as_that(service: RunningService, fleet: Fleet) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    sensor = await sensor_of(fleet, "test")
    for severity in (Severity.LOW, Severity.HIGH):
        await sensor.send(detected(container, severity=severity))
        await follow(fleet)
        assert await counted(service, "workloads", "name") == {"web": {severity.value: 1}}
