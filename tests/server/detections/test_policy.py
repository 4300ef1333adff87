"""Who has the policy: sensors say what they have in force, and people are told which do not have the last change."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from tests.server.detections.conftest import SensorOf
from tests.server.detections.test_rules import BUILT_IN, RULES, SOURCE
from tests.support.detections import detected
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED
from tests.support.service import Agent, RunningService

from deadlight.model import wire
from deadlight.model.detection import BlockingMode
from deadlight.server.detections.blocking import Blocking, change_blocking
from deadlight.server.detections.policy import build_policy, follow_policy, name_version
from deadlight.server.detections.rule_book import decide_rule, remove_custom_rule, save_custom_rule


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


def test_a_change_of_equal_number_in_a_restored_database_is_another_one() -> None:
    nothing = wire.BlockingPolicy()
    assert name_version(7, STARTED, nothing) == name_version(7, STARTED, nothing)
    assert name_version(7, STARTED, nothing) != name_version(7, STARTED + timedelta(seconds=1), nothing)


async def test_a_heartbeat_costs_one_query_and_reads_no_rule_until_the_sensor_fetches(
    fleet: Fleet, sensor: SensorOf
) -> None:
    async with fleet.engine.begin() as connection:
        await save_custom_rule(connection, SOURCE, "ada")
        version = (await build_policy(connection, sensor.principal)).version
        await follow_policy(connection, sensor.principal, version)
    asked: list[str] = []
    async with fleet.engine.begin() as connection:
        event.listen(connection.sync_connection, "before_cursor_execute", lambda *said: asked.append(said[2]))
        assert await follow_policy(connection, sensor.principal, version) == version
    assert (len(asked), "threat_rule" in asked[0]) == (1, False)


async def test_whatever_changes_a_policy_changes_its_version(fleet: Fleet, sensor: SensorOf) -> None:
    cluster_id = sensor.principal.cluster_id
    image = await fleet.add_image_tag()
    seen = [await follow(fleet, sensor)]

    async def differs() -> None:
        seen.append(await follow(fleet, sensor))
        assert len({*seen}) == len(seen)

    async with fleet.engine.begin() as connection:
        await save_custom_rule(connection, SOURCE, "ada")
    await differs()
    async with fleet.engine.begin() as connection:
        await save_custom_rule(connection, f"{SOURCE}#", "ada", rule_id="our-miner")
    await differs()
    async with fleet.engine.begin() as connection:
        await decide_rule(connection, BUILT_IN.id, enabled=False, severity=None, actor="ada")
    await differs()
    async with fleet.engine.begin() as connection:
        await remove_custom_rule(connection, "our-miner", "ada")
    await differs()
    async with fleet.engine.begin() as connection:
        audit = Blocking(BlockingMode.AUDIT, mismatch=True)
        await change_blocking(connection, cluster_id, audit, "ada", unproven=False)
    await differs()
    (container,) = (await fleet.deploy(image)).container_ids
    await differs()
    await sensor.send(detected(container))
    await fleet.rows("UPDATE detection SET rule = 'binary-integrity'")
    await differs()
    await fleet.rows("UPDATE cluster SET name = 'renamed'")
    assert await follow(fleet, sensor) == seen[-1]
    await fleet.rows("UPDATE cluster SET removed_at = now()")
    assert not (await follow_and_build(fleet, sensor)).blocking.container_ids


async def test_changes_are_numbered_in_the_order_of_their_commits(fleet: Fleet, sensor: SensorOf) -> None:
    async with fleet.engine.begin() as first, fleet.engine.connect() as second:
        await decide_rule(first, BUILT_IN.id, enabled=False, severity=None, actor="ada")
        await second.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            await decide_rule(second, "reverse-shell", enabled=False, severity=None, actor="bob")
    assert BUILT_IN.id in (await follow_and_build(fleet, sensor)).disabled_rules


async def follow(fleet: Fleet, sensor: SensorOf) -> str:
    """The version that a heartbeat's answer names, which is the one that the sensor gets."""
    return (await follow_and_build(fleet, sensor)).version


async def follow_and_build(fleet: Fleet, sensor: SensorOf) -> wire.SensorPolicy:
    async with fleet.engine.begin() as connection:
        policy = await build_policy(connection, sensor.principal)
        assert await follow_policy(connection, sensor.principal, "") == policy.version
        return policy
