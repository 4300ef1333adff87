"""What a sensor in an attacker's hands can do with its own token: as little as can be, and nothing out of sight."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.detections.conftest import SensorOf
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.model import wire
from deadlight.model.detection import BLOCKED_EXECUTION, MORE_DETECTIONS
from deadlight.server.detections import places
from deadlight.server.detections.handlers import follow_detections
from deadlight.server.detections.limits import MAX_EVIDENCE, evidence_of
from deadlight.server.detections.places import MAX_FOREIGN_RULES
from deadlight.server.errors import BadRequestError
from deadlight.server.moments import AHEAD, BEHIND, plausible
from deadlight.server.services import DETECTIONS_AT_ONCE, Services

# --- whose containers ------------------------------------------------------------------------------------


async def test_it_alerts_on_no_container_of_another_node(fleet: Fleet, sensor: SensorOf) -> None:
    for name in ("node-1", "node-2"):
        await fleet.add_node(name)
    (other,) = (await fleet.deploy(await fleet.add_image_tag(), node="node-2")).container_ids
    with pytest.raises(BadRequestError, match=r"detections\[1\].container_id .* runs on another node"):
        await sensor.send(detected("own"), detected(other))
    assert not await fleet.rows("SELECT FROM detection_report")


async def test_nor_on_one_that_was_not_known_yet_when_it_spoke(
    fleet: Fleet, sensor: SensorOf, services: Services
) -> None:
    for name in ("node-1", "node-2"):
        await fleet.add_node(name)
    await sensor.send(detected("not yet known"))
    await fleet.deploy(await fleet.add_image_tag(), node="node-2")
    await fleet.rows("UPDATE container SET container_id = 'not yet known'")
    assert await sensor.place() == 0
    await sensor.wait_long()
    await follow_detections(services)
    await follow_detections(services)
    assert [(row.workload_id, row.workload) for row in await sensor.detections()] == [(None, "")]


async def test_it_alerts_on_no_container_of_another_cluster(fleet: Fleet, sensor: SensorOf, services: Services) -> None:
    image = await fleet.add_image_tag()
    (other,) = (await fleet.deploy(image, cluster="other")).container_ids
    await sensor.send(detected(other))
    await sensor.wait_long()
    await follow_detections(services)
    (row,) = await sensor.detections()
    assert (row.cluster_id, row.workload_id, row.workload) == (sensor.principal.cluster_id, None, "")
    assert [data["workload_id"] for data in await sensor.told()] == [None]


async def test_it_speaks_for_the_node_that_it_enrolled_for_whatever_it_says(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await sensor.send(detected(container), node="node-2")
    assert [row.node_name for row in await sensor.detections()] == ["node-1"]


async def test_a_sensor_whose_node_the_inventory_calls_otherwise_is_believed(fleet: Fleet, sensor: SensorOf) -> None:
    await fleet.add_node("ip-10-0-0-1.internal")
    (container,) = (await fleet.deploy(await fleet.add_image_tag(), node="ip-10-0-0-1.internal")).container_ids
    await sensor.send(detected(container))
    assert [row.workload for row in await sensor.detections()] == ["web"]


# --- how much --------------------------------------------------------------------------------------------


async def test_made_up_containers_are_brought_together(
    fleet: Fleet, sensor: SensorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places.MAX_STRANGERS == 1_000
    monkeypatch.setattr(places, "MAX_STRANGERS", 10)
    for first in (0, 5):
        await sensor.send(*(detected(f"{number:064x}") for number in range(first, first + 10)))
        await sensor.wait_long()
        await sensor.place()
    rows = await sensor.detections()
    assert len(rows) == len(await sensor.told()) == 11
    (crowd,) = [row for row in rows if row.subject == "node:node-1"]
    assert crowd.times == 5


async def test_made_up_rules_are_brought_together_and_known_ones_are_not(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    for first in (0, 10):
        await sensor.send(*(detected(container, f"made-up-{number}") for number in range(first, first + 30)))
    await sensor.send(detected(container, BLOCKED_EXECUTION), detected(container, "password-file-read"))
    rows = {row.rule: row for row in await sensor.detections()}
    assert len(rows) == len(await sensor.told()) == MAX_FOREIGN_RULES + 3
    assert (rows[MORE_DETECTIONS].times, rows["password-file-read"].times) == (30, 1)
    assert "does not know" in rows[MORE_DETECTIONS].title


@pytest.mark.parametrize("rule", ["Shell", "a b", "-", "x" * 101, "shell\n", "<b>"])
async def test_what_is_no_rule_s_id_is_refused(sensor: SensorOf, rule: str) -> None:
    with pytest.raises(BadRequestError, match=r"detections\[0\].rule is no rule's id"):
        await sensor.send(detected("c", rule))


async def test_an_attacker_s_containers_and_rules_hide_no_known_one(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    await sensor.send(*(detected(f"{number:064x}", f"made-up-{number}") for number in range(50)))
    await sensor.wait_long()
    await sensor.place()
    await sensor.send(detected(container, "password-file-read"))
    assert ("web", "password-file-read") in {(row.workload, row.rule) for row in await sensor.detections()}


async def test_a_flood_is_told_to_wait_and_no_other_sensor_is(whole_service: RunningService) -> None:
    first = await whole_service.enrol("sensor", node="node-1")
    second = await whole_service.enrol("sensor", node="node-2")
    turnstile = whole_service.services.detections
    (agent_id,) = [
        row.id
        for row in await Fleet(whole_service.services.engine).rows("SELECT id FROM agent WHERE node_name = 'node-1'")
    ]
    assert turnstile.delay(agent_id, DETECTIONS_AT_ONCE) == 0
    status, answer = await first.post("/agent/v1/detections", batch_of(*(detected("c") for _ in range(100))))
    assert (status, answer["code"]) == (429, "too_many_requests")
    assert (await second.post("/agent/v1/detections", batch_of(detected("c"))))[0] == 200


texts = st.text(max_size=4096)
processes = st.builds(
    wire.DetectedProcess,
    name=st.text(max_size=512),
    path=texts,
    arguments=st.lists(texts, max_size=64).map(tuple),
)


@given(
    processes, st.lists(processes, max_size=8).map(tuple), st.dictionaries(st.text(max_size=512), texts, max_size=32)
)
def test_evidence_is_bounded_whatever_it_is(
    process: wire.DetectedProcess, ancestors: tuple[wire.DetectedProcess, ...], facts: dict[str, str]
) -> None:
    evidence = evidence_of(detected("c", process=process, ancestors=ancestors, facts=facts))
    assert evidence["process"]["path"] == process.path
    assert sum(map(len, _texts(evidence))) <= MAX_EVIDENCE + 700  # each text that was cut ends in an ellipsis


def test_evidence_as_large_as_the_wire_allows_is_cut() -> None:
    process = wire.DetectedProcess(name="n" * 512, path="p" * 4096, arguments=("a" * 4096,) * 64)
    facts = {f"fact.{number}": "f" * 4096 for number in range(32)}
    evidence = evidence_of(detected("c", process=process, ancestors=(process,) * 8, facts=facts))
    assert len(msgspec.json.encode(evidence)) < 2 * MAX_EVIDENCE


def _texts(evidence: dict[str, Any]) -> list[str]:
    found = list(evidence["facts"].values())
    for process in (evidence["process"], *evidence["ancestors"]):
        found += [process["name"], process["path"], *process["arguments"]]
    return found


# --- when ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
async def test_a_time_that_cannot_be_right_is_that_of_its_receipt(fleet: Fleet, sensor: SensorOf, at: datetime) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    begun = datetime.now(UTC)
    await sensor.send(detected(container, at=at))
    (row,) = await sensor.detections()
    assert row.first_at == row.last_at
    assert abs(row.last_at - begun) < timedelta(minutes=1)


@given(st.datetimes(timezones=st.timezones()))
def test_a_plausible_time_stays_and_any_other_is_now(at: datetime) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert plausible(at, now) == (at if now - BEHIND <= at <= now + AHEAD else now)


# --- again -----------------------------------------------------------------------------------------------


async def test_replayed_batches_change_nothing(fleet: Fleet, sensor: SensorOf) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    replayed = [detected(container, program=f"/tmp/{number}") for number in range(5)]
    await sensor.send(*replayed, batch_id="b")
    before = await sensor.detections()
    await sensor.send(*replayed, batch_id="b")
    await sensor.send(*replayed, batch_id=uuid4().hex)
    assert await sensor.detections() == before
    assert len(await sensor.told()) == 5
