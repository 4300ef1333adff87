"""What agents are told in answer to their heartbeats."""

import msgspec
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED
from tests.support.service import RunningService

from deadlight.model import wire
from deadlight.model.observation import Grade

HEARTBEAT = "/agent/v1/heartbeat"
BEAT = wire.Heartbeat(version="1", node="node-1", started_at=STARTED)


async def test_a_controller_is_told_nothing_and_a_sensor_whether_to_hold_back(service: RunningService) -> None:
    controller, sensor = await service.enrol(), await service.enrol("sensor", node="node-1")
    assert await controller.post(HEARTBEAT, BEAT) == (204, None)
    status, answer = await sensor.post(HEARTBEAT, BEAT)
    assert (status, answer["wait_seconds"], answer.get("resend"), answer["policy"] != "") == (200, 0, None, True)
    event = "INSERT INTO event (type, key, recorded_at) VALUES ('PackagesUsed', 'x', now() - interval '20 seconds')"
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(event)
    status, answer = await sensor.post(HEARTBEAT, BEAT)
    assert (status, answer["wait_seconds"] >= 20) == (200, True)


async def test_a_sensor_is_asked_for_what_it_reported_and_the_service_does_not_hold(service: RunningService) -> None:
    sensor = await service.enrol("sensor", node="node-1")
    digest = wire.observation_digest([(Grade.OPENED, "/lost")])
    lost = wire.ContainerCoverage(container_id="c", since=STARTED, from_start=True, digest=digest)
    beat = msgspec.structs.replace(BEAT, coverage=(lost,))
    assert (await sensor.post(HEARTBEAT, beat))[1].get("resend") is None
    assert (await sensor.post(HEARTBEAT, beat))[1]["resend"] == ["c"]
    wrong = msgspec.structs.replace(lost, lost=-1)
    status, answer = await sensor.post(HEARTBEAT, msgspec.structs.replace(BEAT, coverage=(lost, wrong)))
    assert (status, answer["message"].split(" ")[0]) == (400, "coverage[1].lost")


async def test_a_sensor_does_not_say_how_containers_of_another_node_are_watched(service: RunningService) -> None:
    fleet = Fleet(service.services.engine)
    sensor = await service.enrol("sensor", node="node-1")
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    await fleet.add_node("node-1")
    (other,) = (await fleet.deploy(await fleet.add_image_tag(), node="node-2")).container_ids
    covered = [wire.ContainerCoverage(container_id=name, since=STARTED, from_start=True) for name in ("own", other)]
    assert (await sensor.post(HEARTBEAT, msgspec.structs.replace(BEAT, coverage=tuple(covered))))[0] == 200
    assert [row.container_id for row in await fleet.rows("SELECT container_id FROM container_coverage")] == ["own"]
