"""What agents are told in answer to their heartbeats."""

from uuid import uuid4

import msgspec
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED
from tests.support.service import RunningService

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.auth.principals import AgentKind, AgentPrincipal
from deadlight.server.clusters.heartbeats import compose_ack
from deadlight.server.schedule import forget_old
from deadlight.server.turnstile import Turnstile

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


async def covered(fleet: Fleet) -> set[str]:
    return {row.container_id for row in await fleet.rows("SELECT container_id FROM container_coverage")}


async def test_of_made_up_containers_only_so_many_are_kept_and_of_known_ones_all(fleet: Fleet) -> None:
    known = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    principal = AgentPrincipal(uuid4(), await fleet.add_cluster(), AgentKind.SENSOR, "node-1")
    turnstile = Turnstile(burst=3, per_second=0.001)

    async def beat(*names: str) -> None:
        told = [wire.ContainerCoverage(container_id=name, since=STARTED, from_start=True, lost=7) for name in names]
        async with fleet.engine.begin() as connection:
            message = msgspec.structs.replace(BEAT, coverage=tuple(told))
            await compose_ack(connection, principal, message, turnstile)

    await beat("made-up-1", "made-up-2", "made-up-3")
    await fleet.rows("UPDATE container_coverage SET lost = 0")
    await beat("made-up-1", *known, "made-up-4")
    assert await covered(fleet) == {"made-up-1", "made-up-2", "made-up-3", *known}
    (again,) = await fleet.rows("SELECT lost FROM container_coverage WHERE container_id = 'made-up-1'")
    assert again.lost == 7


async def test_what_was_said_of_containers_that_nobody_knows_is_kept_for_a_day(service: RunningService) -> None:
    fleet = Fleet(service.services.engine)
    sensor = await service.enrol("sensor", node="node-1")
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    (known,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids

    async def beat(*names: str) -> None:
        told = [wire.ContainerCoverage(container_id=name, since=STARTED, from_start=True) for name in names]
        await sensor.post(HEARTBEAT, msgspec.structs.replace(BEAT, coverage=tuple(told)))

    await beat("gone", known)
    await fleet.rows("UPDATE container_coverage SET seen_at = now() - interval '25 hours'")
    await beat("new")
    await forget_old(service.services)
    assert await covered(fleet) == {known, "new"}
