"""Threat rules: those that come with Deadlight, those people write, and how sensors get them."""

from typing import Any

import msgspec
import pytest
from tests.support.inventory import STARTED
from tests.support.service import Agent, RunningService

from deadlight import __version__
from deadlight.model import wire
from deadlight.model.vulnerability import Severity
from deadlight.server.detections.rule_book import MAX_CUSTOM_CHARACTERS, MAX_CUSTOM_RULES
from deadlight.threats.engine import load_builtin

RULES = "/api/v1/threat-rules"
BUILT_IN = next(rule for rule in load_builtin() if rule.id == "drift-execution")

SOURCE = """
id = "our-miner"
title = "A miner of ours"
description = "It costs money."
severity = "High"
techniques = ["T1496"]
kinds = ["executed"]
recommendation = "Call the people of the data centre."

[condition]
field = "process.programs"
is = "xmrig"

[[sample]]
says = "the miner"
matches = true
kind = "executed"
process = { name = "xmrig", path = "/tmp/xmrig", arguments = ["xmrig"] }
"""


@pytest.fixture
async def sensor(service: RunningService) -> Agent:
    return await service.enrol("sensor", node="node-1")


async def policy(service: RunningService, sensor: Agent) -> wire.SensorPolicy:
    """What the sensor gets, which is what its heartbeat said it should have."""
    found = await service.request("GET", "/agent/v1/policy", token=sensor.token)
    beat = wire.Heartbeat(version=__version__, node="node-1", started_at=STARTED)
    _, ack = await sensor.post("/agent/v1/heartbeat", beat)
    assert ack["policy"] == found["version"]
    return msgspec.convert(found, wire.SensorPolicy)


def content(policy: wire.SensorPolicy) -> wire.SensorPolicy:
    """All of it but how it is named."""
    return msgspec.structs.replace(policy, version="")


async def by_id(service: RunningService, rule_id: str) -> Any:
    return next(rule for rule in await service.get(RULES) if rule["id"] == rule_id)


async def test_the_rules_that_come_with_deadlight_are_listed(service: RunningService) -> None:
    assert {rule["id"] for rule in await service.get(RULES)} == {rule.id for rule in load_builtin()}
    shown = await by_id(service, BUILT_IN.id)
    assert (shown["origin"], shown["enabled"], shown["severity"]) == ("built-in", True, BUILT_IN.severity)
    assert all(item["link"].startswith("https://attack.mitre.org/") for item in shown["techniques"])
    detail = await service.get(f"{RULES}/{BUILT_IN.id}")
    assert detail["samples"]
    assert all(item["expected"] == item["matched"] for item in detail["samples"])
    await service.request("GET", f"{RULES}/nobodys", expect=404)


@pytest.mark.req("R20")
async def test_sensors_hear_of_what_people_decide_about_rules(service: RunningService, sensor: Agent) -> None:
    before = await policy(service, sensor)
    assert (before.rules, before.disabled_rules, before.severities) == ((), (), {})
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}/decision", {"enabled": False, "severity": "Low"})
    after = await policy(service, sensor)
    assert after.version != before.version
    assert (after.disabled_rules, after.severities) == ((BUILT_IN.id,), {BUILT_IN.id: Severity.LOW})
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}/decision", {})
    assert content(await policy(service, sensor)) == content(before)
    trail = await service.get("/api/v1/threat-changes")
    assert [(item["actor"], item["name"], item["details"]["enabled"]) for item in trail] == [
        ("admin", BUILT_IN.id, True),
        ("admin", BUILT_IN.id, False),
    ]


@pytest.mark.req("R20")
async def test_a_custom_rule_goes_to_sensors_until_it_is_removed(service: RunningService, sensor: Agent) -> None:
    before = await policy(service, sensor)
    added = await service.post(RULES, {"source": SOURCE})
    assert (added["origin"], added["severity"], added["replaces"]) == ("custom", "High", False)
    assert (await policy(service, sensor)).rules == (wire.CustomRule(id="our-miner", source=SOURCE),)
    await service.post(RULES, {"source": SOURCE}, expect=409)
    again = SOURCE.replace("High", "Critical")
    await service.request("PUT", f"{RULES}/our-miner", {"source": again})
    assert (await by_id(service, "our-miner"))["severity"] == "Critical"
    await service.request("PUT", f"{RULES}/our-miner", {"source": SOURCE.replace("our-", "other-")}, expect=409)
    await service.request("PUT", f"{RULES}/our-miner/decision", {"enabled": False})
    assert (await policy(service, sensor)).rules == ()
    await service.request("DELETE", f"{RULES}/our-miner", expect=204)
    assert content(await policy(service, sensor)) == content(before)
    await service.request("DELETE", f"{RULES}/{BUILT_IN.id}", expect=404)
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}", {"source": SOURCE}, expect=404)


async def test_a_custom_rule_may_hold_instead_of_a_built_in_one(service: RunningService, sensor: Agent) -> None:
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}/decision", {"enabled": False, "severity": "Low"})
    theirs = SOURCE.replace("our-miner", BUILT_IN.id)
    checked = await service.post(f"{RULES}/check", {"source": theirs})
    assert (checked["usable"], checked["replaces"]) == (True, True)
    added = await service.post(RULES, {"source": theirs})
    assert (added["replaces"], added["enabled"], added["severity"]) == (True, True, "High")
    assert [rule.id for rule in (await policy(service, sensor)).rules] == [BUILT_IN.id]
    await service.request("PUT", f"{RULES}/{BUILT_IN.id}/decision", {"enabled": False})
    now = await policy(service, sensor)
    assert (now.rules, now.disabled_rules) == ((), (BUILT_IN.id,))


UNUSABLE = [
    ("id = ", "not TOML"),
    (SOURCE.replace("process.programs", "process.colour"), "no field is called 'process.colour'"),
    (SOURCE.replace('"High"', '"Awful"'), "severity"),
    (SOURCE.replace('is = "xmrig"', 'is = "other"'), "what its samples expect: the miner"),
]


async def test_a_rule_that_cannot_be_used_is_refused_with_the_place(service: RunningService) -> None:
    for source, problem in UNUSABLE:
        checked = await service.post(f"{RULES}/check", {"source": source})
        assert checked["usable"] is False
        assert problem in checked["problem"]
        refused = await service.post(RULES, {"source": source}, expect=400)
        assert problem in refused["message"]
    assert await service.rows("SELECT FROM threat_rule") == []


async def test_there_is_an_end_to_custom_rules(service: RunningService) -> None:
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO threat_rule (id, source, changed_by) "
            f"SELECT 'rule-' || n, '', 'ada' FROM generate_series(1, {MAX_CUSTOM_RULES}) AS n"
        )
    refused = await service.post(RULES, {"source": SOURCE}, expect=409)
    assert str(MAX_CUSTOM_RULES) in refused["message"]
    long = MAX_CUSTOM_CHARACTERS - len(SOURCE)
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM threat_rule WHERE id <> 'rule-1'")
        await connection.exec_driver_sql(f"UPDATE threat_rule SET source = repeat('#', {long})")
    await service.post(RULES, {"source": SOURCE})
    refused = await service.request("PUT", f"{RULES}/our-miner", {"source": f"{SOURCE}#"}, expect=409)
    assert str(MAX_CUSTOM_CHARACTERS) in refused["message"]


async def test_a_stored_rule_that_this_version_cannot_use_says_so_and_stays_here(
    service: RunningService, sensor: Agent
) -> None:
    async with service.services.engine.begin() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO threat_rule (id, source, changed_by) VALUES ('old', 'nonsense', 'ada'), ('gone', NULL, 'ada')"
        )
    assert (await by_id(service, "old"))["problem"].startswith("not TOML")
    assert "does not bring" in (await by_id(service, "gone"))["problem"]
    assert (await policy(service, sensor)).rules == ()
