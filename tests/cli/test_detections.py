"""`deadlight detections`, `exceptions`, `rules` and `blocking` against a running service."""

from pathlib import Path

import pytest
from tests.cli.conftest import Deadlight, found
from tests.server.detections.test_rules import BUILT_IN, SOURCE
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet
from tests.support.service import Agent, RunningService


@pytest.fixture
async def sensor(service: RunningService) -> Agent:
    return await service.enrol("sensor", node="node-1")


async def test_detections_are_listed_shown_dealt_with_and_excepted(
    deadlight: Deadlight, sensor: Agent, fleet: Fleet
) -> None:
    assert "No detection matches" in (await deadlight("detections", "list")).stderr
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    running = await fleet.deploy(await fleet.add_image_tag())
    await sensor.post("/agent/v1/detections", batch_of(detected(running.container_ids[0])))
    (item,) = await found(deadlight, "detections", "list", "--status", "open", "--severity", "critical")
    unknown = await deadlight("detections", "list", "--status", "bogus")
    assert (unknown.exit_code, "'bogus' is not one of" in unknown.stderr) == (2, True)
    assert "No suppressed detection" in (await deadlight("detections", "list", "--suppressed")).stderr
    number = str(item["id"])
    listed = (await deadlight("detections", "list", "--cluster", "test", "--worst-first")).stdout
    shown = (await deadlight("detections", "show", number)).stdout
    for text in ("Critical", "test/shop/web", "/bin/bash"):
        assert text in listed
        assert text in shown
    for text in ("203.0.113.7:4444", "/usr/sbin/php-fpm", "attack.mitre.org", "Nothing was stopped"):
        assert text in shown
    said = await deadlight("detections", "acknowledge", number, "--note", "mine")
    assert said.stdout == f"detection {number} is acknowledged\n"
    assert "acknowledged already" in (await deadlight("detections", "acknowledge", number)).stderr
    assert "is open" in (await deadlight("detections", "reopen", number)).stdout
    (day,) = await fleet.rows("SELECT CAST(now() AS date) AS today")
    nothing = await deadlight("exceptions", "add", "--reason", "all", "--until", str(day.today))
    assert (nothing.exit_code, "an exception from everything is none" in nothing.stderr) == (1, True)
    added = await deadlight(
        "exceptions", "add", "--rule", "reverse-*", "--reason", "a drill", "--until", str(day.today)
    )
    assert "it suppresses 1 detection so far" in added.stdout
    (exception,) = await found(deadlight, "exceptions", "list")
    assert len(await found(deadlight, "detections", "list", "--suppressed")) == 1
    await deadlight("exceptions", "end", str(exception["id"]))
    assert "every detection alerts" in (await deadlight("exceptions", "list")).stderr
    assert "is resolved" in (await deadlight("detections", "resolve", number)).stdout


async def test_rules_are_checked_added_decided_and_removed(deadlight: Deadlight, tmp_path: Path) -> None:
    file = tmp_path / "our-miner.toml"
    file.write_text(SOURCE.replace("xmrig", "other", 1))
    assert (await deadlight("rules", "check", str(file))).exit_code == 1
    file.write_text(SOURCE)
    assert (await deadlight("rules", "check", str(file))).exit_code == 0
    tried = (await deadlight("rules", "try", str(file), "--days", "3")).stdout
    assert "executions: 0 match, 0 perhaps, of 0" in tried
    assert "the miner" in tried
    assert "not tried: mounted" in (await deadlight("rules", "try", "mount")).stdout
    absent = await deadlight("rules", "try", str(file.with_name("nowhere.toml")))
    assert (absent.exit_code, "No such" in absent.stderr) == (2, True)
    no_id = await deadlight("rules", "show", "a/b")
    assert (no_id.exit_code, "is no rule's ID" in no_id.stderr) == (2, True)
    assert "added rule our-miner" in (await deadlight("rules", "add", str(file))).stdout
    assert "changed rule" in (await deadlight("rules", "change", "our-miner", str(file))).stdout
    assert "disabled, High" in (await deadlight("rules", "decide", "our-miner", "--disable")).stdout
    assert BUILT_IN.id in (await deadlight("rules", "list")).stdout
    assert BUILT_IN.title in (await deadlight("rules", "show", BUILT_IN.id)).stdout
    file.write_text((await deadlight("rules", "show", BUILT_IN.id, "--source")).stdout)
    assert (await deadlight("rules", "check", str(file))).exit_code == 0
    assert (await deadlight("rules", "show", "our-miner", "--source")).stdout == SOURCE
    assert (await deadlight("rules", "remove", "our-miner")).stdout == "removed rule our-miner\n"


@pytest.mark.usefixtures("sensor")
async def test_it_is_told_which_sensors_have_the_policy(deadlight: Deadlight) -> None:
    told = (await deadlight("rules", "sensors")).stdout
    assert "0 of 1" in told
    assert "node-1: has not said" in told


async def test_blocking_is_set_by_the_name_of_a_cluster(deadlight: Deadlight, sensor: Agent) -> None:
    assert sensor.cluster_id
    said = await deadlight("blocking", "set", "test", "audit", "--drift", "--exclude", "bank")
    assert said.stdout == "blocking is audit on test, about 0 containers now\n"
    refused = await deadlight("blocking", "set", "test", "enforce", "--drift", "--exclude", "bank")
    assert (refused.exit_code, "in audit for 0.0 hours only" in refused.stderr) == (1, True)
    await deadlight("blocking", "set", "test", "enforce", "--drift", "--exclude", "bank", "--i-know")
    assert "enforce" in (await deadlight("blocking", "list")).stdout
    assert "no clusters are called" in (await deadlight("blocking", "set", "nowhere", "off")).stderr
