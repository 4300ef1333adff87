"""What agents are told in answer to their heartbeats."""

from tests.support.inventory import STARTED
from tests.support.service import RunningService

from deadlight.model import wire

HEARTBEAT = "/agent/v1/heartbeat"
BEAT = wire.Heartbeat(version="1", node="node-1", started_at=STARTED)


async def test_a_controller_is_told_nothing_and_a_sensor_whether_to_hold_back(service: RunningService) -> None:
    controller, sensor = await service.enrol(), await service.enrol("sensor", node="node-1")
    assert await controller.post(HEARTBEAT, BEAT) == (204, None)
    status, answer = await sensor.post(HEARTBEAT, BEAT)
    assert (status, answer["wait_seconds"], answer["policy"] != "") == (200, 0.0, True)
    event = "INSERT INTO event (type, key, recorded_at) VALUES ('PackagesUsed', 'x', now() - interval '20 seconds')"
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(event)
    status, answer = await sensor.post(HEARTBEAT, BEAT)
    assert (status, answer["wait_seconds"] >= 20) == (200, True)
