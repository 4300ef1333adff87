"""What sensors detect: stored once, gathered, placed whichever side comes first, and told of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.server.detections.conftest import SensorOf
from tests.support.detections import detected
from tests.support.fleet import Fleet, digest
from tests.support.inventory import STARTED

from deadlight.model import wire
from deadlight.model.detection import BINARY_INTEGRITY, Response
from deadlight.model.vulnerability import Severity
from deadlight.server.detections.exceptions import add_exception
from deadlight.server.detections.handlers import follow_detections
from deadlight.server.detections.limits import MAX_ARGUMENT
from deadlight.server.detections.places import MAX_PROGRAMS
from deadlight.server.detections.schemas import ExceptionIn
from deadlight.server.errors import BadRequestError, ForbiddenError
from deadlight.server.services import Services


@pytest.mark.req("R20", "R30")
async def test_the_same_rule_on_the_same_workload_image_and_program_is_one_detection(
    fleet: Fleet, sensor: SensorOf
) -> None:
    image = await fleet.add_image_tag()
    running = await fleet.deploy(image)
    (container,) = running.container_ids
    await sensor.send(detected(container, after=2), detected(container, after=1, count=3))
    await sensor.send(detected(container, after=5, response=Response.WOULD_BLOCK, severity=Severity.HIGH))
    await sensor.send(detected(container, program="/bin/dash"), detected(container, "miner"))
    bash, dash, miner = sorted(await sensor.detections(), key=lambda row: (row.rule != "reverse-shell", row.program))
    assert (bash.workload_id, bash.image_tag_id) == (running.workload_id, image)
    assert (bash.namespace, bash.workload, bash.image) == ("shop", "web", "registry.example/shop/web:1.0.0")
    assert (bash.times, bash.would_block, bash.severity, bash.response) == (5, 1, "Critical", "would_block")
    assert (bash.first_at, bash.last_at) == (STARTED + timedelta(minutes=1), STARTED + timedelta(minutes=5))
    assert bash.evidence["process"]["arguments"] == ["bash", "-i"]
    assert (dash.program, miner.rule) == ("/bin/dash", "miner")


async def test_what_is_delivered_twice_is_counted_once(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    again = detected(container)
    await sensor.send(again, again, batch_id="b")
    await sensor.send(again, batch_id="b")
    await sensor.send(again, detected(container), batch_id="c")
    (row,) = await sensor.detections()
    assert row.times == 2


async def test_a_detection_batch_does_not_make_the_service_forget_the_last_batch_of_observations(
    fleet: Fleet, sensor: SensorOf
) -> None:
    await fleet.rows("UPDATE agent SET last_batch_id = 'observations'")
    await sensor.send(detected("c"))
    assert [row.last_batch_id for row in await fleet.rows("SELECT last_batch_id FROM agent")] == ["observations"]


@pytest.mark.req("R20")
async def test_either_side_may_come_first(fleet: Fleet, sensor: SensorOf) -> None:
    known = await fleet.deploy(await fleet.add_image_tag())
    await fleet.rows("UPDATE container SET container_id = 'not yet known'")
    await sensor.send(detected(known.container_ids[0]))
    assert (await sensor.place(), await sensor.detections()) == (0, [])
    await fleet.rows("UPDATE container SET container_id = :id", id=known.container_ids[0])
    assert await sensor.place() == 1
    assert [row.workload_id for row in await sensor.detections()] == [known.workload_id]
    assert [data["workload_id"] for data in await sensor.told()] == [known.workload_id]


async def test_a_threat_in_a_container_that_nobody_knows_is_told_of_all_the_same(
    sensor: SensorOf,
) -> None:
    await sensor.send(detected("stray"), detected(""))
    await sensor.wait_long()
    assert await sensor.place() == 2
    assert [(row.workload_id, row.container_id) for row in await sensor.detections()] == [(None, ""), (None, "stray")]
    assert [data["workload_id"] for data in await sensor.told()] == [None, None]


async def test_a_container_that_is_known_later_gives_its_names_and_what_is_excepted_by_them(
    fleet: Fleet, sensor: SensorOf, services: Services
) -> None:
    await sensor.send(detected("stray"), detected(""))
    await sensor.wait_long()
    await sensor.place()
    late = await fleet.deploy(await fleet.add_image_tag(tag="", pinned_digest=digest("pinned")))
    await fleet.rows("UPDATE container SET container_id = 'stray'")
    accepted = ExceptionIn(workload="web", reason="a drill", until=datetime.now(UTC) + timedelta(days=1))
    async with fleet.engine.begin() as connection:
        excepted = await add_exception(connection, accepted, "ada")
    await follow_detections(services)
    found = {(row.workload_id, row.workload, row.image, row.exception_id) for row in await sensor.detections()}
    image = f"registry.example/shop/web@{digest('pinned')}"
    assert found == {(late.workload_id, "web", image, excepted), (None, "", "", None)}


async def test_a_threat_that_was_told_of_before_its_workload_was_known_is_the_same_when_it_happens_again(
    fleet: Fleet, sensor: SensorOf
) -> None:
    await sensor.send(detected("early"), detected("early", "miner"), detected("earlier", "miner"))
    await sensor.wait_long()
    await sensor.place()
    assert len(await sensor.told()) == 3
    late = await fleet.deploy(await fleet.add_image_tag())  # its controller was away as long as the service
    await fleet.rows("UPDATE container SET container_id = 'early'")
    await sensor.send(detected("early"), detected("early", "miner"))
    named = {(row.rule, row.workload_id, row.times) for row in await sensor.detections()}
    assert named == {("reverse-shell", late.workload_id, 2), ("miner", late.workload_id, 2), ("miner", None, 1)}
    assert len(await sensor.told()) == 3


async def test_of_two_that_become_the_same_detection_one_does(
    fleet: Fleet, sensor: SensorOf, services: Services
) -> None:
    await sensor.send(detected("a"), detected("b"))
    await sensor.wait_long()
    await sensor.place()
    image = await fleet.add_image_tag()
    late = await fleet.deploy(image, image)
    for name, container in zip(("a", "b"), late.container_ids, strict=True):
        await fleet.rows(
            "UPDATE container SET container_id = :name WHERE container_id = :old", name=name, old=container
        )
    await follow_detections(services)
    await sensor.send(detected("a"), detected("b"))
    rows = await sensor.detections()
    assert sorted((row.workload_id, row.times) for row in rows) == [(late.workload_id, 1), (late.workload_id, 3)]
    assert len(await sensor.told()) == 2


async def test_somebody_is_told_once_until_it_is_resolved_and_happens_again(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await sensor.send(detected(container))
    await sensor.send(detected(container))
    await fleet.rows("UPDATE detection SET status = 'acknowledged'")
    await sensor.send(detected(container))
    assert len(await sensor.told()) == 1
    await fleet.rows("UPDATE detection SET status = 'resolved'")
    await sensor.send(detected(container))
    first, second = await sensor.detections()
    assert (first.status, first.times, second.status, second.times) == ("resolved", 3, "open", 1)
    assert [data["detection_id"] for data in await sensor.told()] == [first.id, second.id]


async def test_a_container_that_makes_up_programs_does_not_drown_anybody_in_alerts(
    fleet: Fleet, sensor: SensorOf
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    made_up = [detected(container, program=f"/tmp/{number:03}") for number in range(3 * MAX_PROGRAMS)]
    for some in (made_up[: MAX_PROGRAMS + 5], made_up[MAX_PROGRAMS + 5 :]):
        await sensor.send(*some)
    rows = await sensor.detections()
    assert len(rows) == len(await sensor.told()) == MAX_PROGRAMS + 1
    assert (rows[0].program, rows[0].times) == ("", 2 * MAX_PROGRAMS)


async def test_what_a_container_chose_is_cut_and_stored(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    endless = ("sh", "-c", "x" * 4_000)
    process = wire.DetectedProcess(name="sh", path="/" + "é" * 4_000, arguments=endless)
    other = msgspec.structs.replace(process, path=process.path + "é")
    await sensor.send(detected(container, process=process), detected(container, process=other))
    rows = await sensor.detections()
    assert len({row.program for row in rows}) == 2
    assert {len(row.evidence["process"]["arguments"][2]) for row in rows} == {MAX_ARGUMENT + 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"count": 0}, r"detections\[1\].count 0"),
        ({"id": ""}, r"detections\[1\].id is empty"),
        ({"rule": ""}, r"detections\[1\].rule is no rule's id"),
        ({"rule": BINARY_INTEGRITY}, r"detections\[1\].rule binary-integrity is the service's own"),
        ({"at": STARTED.replace(tzinfo=None)}, r"detections\[1\].at has no time zone"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_the_field_and_nothing_of_its_batch_is_taken(
    sensor: SensorOf, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadRequestError, match=reason):
        await sensor.send(detected("c"), detected("c", **fields))
    assert not await sensor.fleet.rows("SELECT FROM detection_report")


async def test_a_revoked_sensor_is_not_believed(fleet: Fleet, sensor: SensorOf) -> None:
    await fleet.rows("UPDATE agent SET revoked_at = now()")
    with pytest.raises(ForbiddenError, match="revoked"):
        await sensor.send(detected("c"))
