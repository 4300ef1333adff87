"""Who has the policy: sensors say what they have in force, and people are told which do not have the last change."""

from typing import Any

import pytest
from tests.server.detections.test_rules import BUILT_IN, RULES
from tests.support.inventory import STARTED
from tests.support.service import Agent, RunningService

from deadlight.model import wire


async def beat(sensor: Agent, policy: str = "") -> str:
    """The version that the answer names."""
    message = wire.Heartbeat(version="1", node="any", started_at=STARTED, policy=policy)
    _, ack = await sensor.post("/agent/v1/heartbeat", message)
    return str(ack["policy"])


async def standing(service: RunningService) -> Any:
    (found,) = await service.get("/api/v1/sensor-policies")
    return found


async def decide(service: RunningService, *, enabled: bool) -> None:
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}/decision", {"enabled": enabled})


@pytest.mark.req("R20")
async def test_people_are_told_which_sensors_lack_the_last_change_and_since_when(service: RunningService) -> None:
    assert await service.get("/api/v1/sensor-policies") == []
    one, two = [await service.enrol("sensor", node=name) for name in ("node-1", "node-2")]
    first = await standing(service)
    assert (first["policy"], first["sensors"], first["current"]) == (0, 2, 0)
    assert [(item["node"], item["policy"], item["since"]) for item in first["behind"]] == [
        ("node-1", None, None),
        ("node-2", None, None),
    ]
    for sensor in (one, two):
        await beat(sensor, await beat(sensor))
    assert (await standing(service))["current"] == 2

    await decide(service, enabled=False)
    await beat(one, await beat(one))
    await decide(service, enabled=True)  # as it was at first, which node-2 still has
    changed = await standing(service)
    (last, before) = await service.get("/api/v1/threat-changes")
    assert (changed["current"], [item["node"] for item in changed["behind"]]) == (0, ["node-1", "node-2"])
    assert [item["since"] for item in changed["behind"]] == [last["at"], before["at"]]
    version = await beat(two)
    assert (await standing(service))["current"] == 0  # it has not said what it has in force
    await beat(two, version)
    assert [item["node"] for item in (await standing(service))["behind"]] == ["node-1"]


async def test_blocking_concerns_the_sensors_of_its_cluster_and_exceptions_none(service: RunningService) -> None:
    sensor = await service.enrol("sensor", node="node-1")
    await beat(sensor, await beat(sensor))
    until = "2026-12-24T00:00:00Z"
    await service.request("POST", "/api/v1/detection-exceptions", {"rule": "x", "reason": "ours", "until": until})
    found = await standing(service)
    assert (found["current"], found["policy"]) == (1, 0)
    await service.request("PUT", f"/api/v1/blocking/{found['cluster_id']}", {"mode": "audit", "drift": True})
    found = await standing(service)
    assert (found["current"], found["policy"] > 0) == (0, True)
    await beat(sensor, await beat(sensor))
    assert (await standing(service))["current"] == 1
