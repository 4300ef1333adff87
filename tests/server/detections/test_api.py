"""Detections over HTTP: what sensors send, what people read, and what they do about it."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet, Running
from tests.support.service import Agent, RunningService

from deadlight.model import wire
from deadlight.model.detection import Response
from deadlight.model.vulnerability import Severity

SENT_TO = "/agent/v1/detections"
LIST = "/api/v1/detections"
EXCEPTIONS = "/api/v1/detection-exceptions"
SOON = (datetime.now(UTC) + timedelta(days=7)).isoformat()


@pytest.fixture
async def sensor(service: RunningService) -> Agent:
    return await service.enrol("sensor", node="node-1")


@pytest.fixture
async def running(service: RunningService, sensor: Agent) -> Running:
    """A workload of the sensor's cluster that says who owns it."""
    fleet = Fleet(service.services.engine)
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    owned = {"deadlight.io/owner": "grace@example.com", "deadlight.io/team": "Checkout"}
    return await fleet.deploy(await fleet.add_image_tag(), annotations=owned)


def changed(**fields: Any) -> bytes:
    """A good batch in which a detection has other fields."""
    message = json.loads(wire.encode(batch_of(detected("c"), detected("c"))))
    message["detections"][1] |= fields
    return json.dumps(message).encode()


@pytest.mark.req("R20", "R31")
async def test_a_batch_is_acknowledged_once_it_is_stored(service: RunningService, sensor: Agent) -> None:
    message = batch_of(detected("c"))
    packed = await sensor.post(SENT_TO, gzip.compress(wire.encode(message)), **{"content-encoding": "gzip"})
    assert packed == (200, {"batch_id": message.batch_id})
    (row,) = await service.rows("SELECT rule, node_name FROM detection_report")
    assert (row.rule, row.node_name) == ("reverse-shell", "node-1")


MALFORMED = [
    (b"<html>", "not a valid DetectionBatch: JSON is malformed"),
    (b"{}", "missing required field `batch_id`"),
    (changed(severity="Awful"), "Invalid enum value 'Awful' - at `$.detections[1].severity`"),
    (changed(mitre=["T"] * 17), "Expected `array` of length <= 16 - at `$.detections[1].mitre`"),
    (changed(facts={str(n): "" for n in range(33)}), "of length <= 32 - at `$.detections[1].facts`"),
    (changed(ancestors=[{}] * 9), "Expected `array` of length <= 8 - at `$.detections[1].ancestors`"),
    (changed(count=2**40), "detections[1].count"),
    (changed(at="2026-11-01T12:00:00"), "detections[1].at has no time zone"),
    (b"[" * 100_000, "not a valid DetectionBatch"),
    (b'{"schema": 99, "batch_id": "b", "node": "n"}', "upgrade the service"),
]


async def test_a_malformed_batch_is_refused_with_the_field(service: RunningService, sensor: Agent) -> None:
    for body, reason in MALFORMED:
        status, answer = await sensor.post(SENT_TO, body)
        assert (status, answer["code"]) == (400, "bad_request")
        assert reason in answer["message"]
    assert not await service.rows("SELECT FROM detection_report")


async def test_zero_bytes_that_a_process_chose_do_not_keep_a_threat_out(service: RunningService, sensor: Agent) -> None:
    status, _ = await sensor.post(SENT_TO, changed(title="a\0b", facts={"file.path": "/tmp/\0x"}))
    assert status == 200


@pytest.mark.req("R20", "R33")
async def test_people_see_what_happened_whose_it_is_and_what_to_do(
    service: RunningService, sensor: Agent, running: Running
) -> None:
    await sensor.post(SENT_TO, batch_of(detected(running.container_ids[0], response=Response.KILLED)))
    page = await service.get(LIST)
    (row,) = page["detections"]
    assert (page["total"], page["suppressed"], page["next_key"]) == (1, 0, "")
    assert (row["workload"], row["image"], row["owner"]["team"]) == (
        "web",
        "registry.example/shop/web:1.0.0",
        "Checkout",
    )
    detail = await service.get(f"{LIST}/{row['id']}")
    assert [item["path"] for item in (detail["process"], *detail["ancestors"])] == ["/bin/bash", "/usr/sbin/php-fpm"]
    assert detail["techniques"] == [{"id": "T1059.004", "link": "https://attack.mitre.org/techniques/T1059/004/"}]
    assert detail["facts"] == {"network.address": "203.0.113.7:4444"}
    assert detail["fact_labels"] == {"network.address": "Network address"}
    assert detail["done"].startswith("The process was killed")
    assert len(detail["occurrences"]) == 1
    await service.request("GET", f"{LIST}/{row['id'] + 1}", expect=404)


NARROWED = [
    ("", ["drift", "miner", "shell"]),
    ("severity=Critical&severity=Low", ["shell"]),
    ("rule=miner&rule=drift", ["drift", "miner"]),
    ("cluster=test&namespace=shop&workload=WE", ["drift", "miner", "shell"]),
    ("cluster=elsewhere", []),
    ("response=would_block", ["drift"]),
    ("status=resolved", []),
    ("since=2026-11-01T12:10:00Z", ["miner"]),
    ("until=2026-11-01T12:01:00Z", ["shell"]),
    ("shown=suppressed", ["quiet"]),
    ("shown=all", ["drift", "miner", "quiet", "shell"]),
]


async def test_a_list_is_narrowed(service: RunningService, sensor: Agent, running: Running) -> None:
    (container,) = running.container_ids
    quiet = {"rule": "quiet", "reason": "ours", "until": SOON}
    await service.post(EXCEPTIONS, quiet)
    await sensor.post(
        SENT_TO,
        batch_of(
            detected(container, "shell"),
            detected(container, "drift", after=5, response=Response.WOULD_BLOCK, severity=Severity.HIGH),
            detected(container, "miner", after=20, severity=Severity.MEDIUM),
            detected(container, "quiet", after=5, severity=Severity.HIGH),
        ),
    )
    for query, rules in NARROWED:
        page = await service.get(f"{LIST}?{query}")
        assert (query, sorted(row["rule"] for row in page["detections"])) == (query, rules)
        assert page["total"] == len(rules)


async def test_a_list_goes_on_after_its_last_row_in_either_order(
    service: RunningService, sensor: Agent, running: Running
) -> None:
    (container,) = running.container_ids
    severities = (Severity.LOW, Severity.CRITICAL, Severity.HIGH)
    made = [detected(container, f"rule-{n}", after=n, severity=item) for n, item in enumerate(severities)]
    await sensor.post(SENT_TO, batch_of(*made))
    for order, expected in (("newest", "210"), ("severity", "120")):
        found, key = "", ""
        while not found or key:
            page = await service.get(f"{LIST}?order={order}&limit=1&next_key={key}")
            found += page["detections"][0]["rule"][-1]
            key = page["next_key"]
        assert found == expected
    await service.request("GET", f"{LIST}?next_key=mine", expect=400)


@pytest.mark.req("R20")
async def test_what_people_do_about_a_detection_stays_on_record(
    service: RunningService, sensor: Agent, running: Running
) -> None:
    (container,) = running.container_ids
    await sensor.post(SENT_TO, batch_of(detected(container)))
    (row,) = (await service.get(LIST))["detections"]
    at = f"{LIST}/{row['id']}"
    assert (await service.post(f"{at}/acknowledge", {"note": "looking"}))["status"] == "acknowledged"
    again = await service.post(f"{at}/acknowledge", {}, expect=409)
    assert again["message"] == "the detection is acknowledged already by admin"
    await service.post(f"{at}/resolve", {"note": "a drill"})
    detail = await service.post(f"{at}/reopen", {})
    assert [(item["actor"], item["action"], item["note"]) for item in detail["history"]] == [
        ("admin", "acknowledged", "looking"),
        ("admin", "resolved", "a drill"),
        ("admin", "open", ""),
    ]
    await service.post(f"{at}/resolve", {})
    await sensor.post(SENT_TO, batch_of(detected(container)))
    refused = await service.post(f"{at}/reopen", {}, expect=409)
    assert "it happened again since" in refused["message"]
    await service.post(f"{LIST}/999/resolve", {}, expect=404)


async def test_an_exception_is_made_shown_and_ended(service: RunningService, sensor: Agent, running: Running) -> None:
    await sensor.post(SENT_TO, batch_of(detected(running.container_ids[0])))
    body = {"rule": "reverse-shell", "namespace": "shop", "reason": "a drill", "until": SOON}
    added = await service.post(EXCEPTIONS, body)
    assert (added["detections"], added["active"], added["created_by"]) == (1, True, "admin")
    page = await service.get(LIST)
    assert (page["total"], page["suppressed"]) == (0, 1)
    (row,) = (await service.get(f"{LIST}?shown=suppressed"))["detections"]
    assert row["suppressed_by"]["reason"] == "a drill"
    await service.request("DELETE", f"{EXCEPTIONS}/{added['id']}", expect=204)
    assert (await service.get(EXCEPTIONS), len(await service.get(f"{EXCEPTIONS}?ended=true"))) == ([], 1)
    assert (await service.get(LIST))["total"] == 1
    trail = [(item["actor"], item["subject"], item["action"]) for item in await service.get("/api/v1/threat-changes")]
    assert trail == [("admin", "exception", "ended"), ("admin", "exception", "added")]
