"""What sensors send over HTTP: taken after commit, or refused with a word on what is wrong."""

import gzip
import json
from typing import Any

import pytest
from tests.server.runtime.conftest import batch_of, seen
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import batch, container, node, pod, workload
from tests.support.osv import import_records, osv
from tests.support.service import Agent, RunningService, eventually

from deadlight.model import wire
from deadlight.model.observation import Grade

OBSERVATIONS = "/agent/v1/observations"


@pytest.fixture
async def sensor(service: RunningService) -> Agent:
    return await service.enrol("sensor", node="node-1")


def changed(**fields: Any) -> bytes:
    """A good batch in which an observation has other fields."""
    message = json.loads(wire.encode(batch_of(seen("c", "/usr/bin/bash"), seen("c", "/usr/bin/sed"))))
    message["observations"][1] |= fields
    return json.dumps(message).encode()


@pytest.mark.req("R31")
@pytest.mark.parametrize("packed", [False, True])
async def test_a_batch_is_acknowledged_once_it_is_stored(service: RunningService, sensor: Agent, packed: bool) -> None:
    message = batch_of(seen("c", "/usr/bin/bash"))
    body = wire.encode(message)
    headers = {"content-encoding": "gzip"} if packed else {}
    answer = await sensor.post(OBSERVATIONS, gzip.compress(body) if packed else body, **headers)
    assert answer == (200, {"batch_id": message.batch_id})
    (row,) = await service.rows("SELECT path, node_name FROM observation")
    assert (row.path, row.node_name) == ("/usr/bin/bash", "node-1")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "not a valid ObservationBatch: JSON is malformed"),
        (b"{}", "missing required field `batch_id`"),
        (changed(grade="guessed"), "Invalid enum value 'guessed' - at `$.observations[1].grade`"),
        (changed(path=7), "Expected `str`, got `int` - at `$.observations[1].path`"),
        (changed(path="x" * 5000), "Expected `str` of length <= 4096 - at `$.observations[1].path`"),
        (changed(first_at="yesterday"), "Invalid RFC3339 encoded datetime - at `$.observations[1].first_at`"),
        (changed(pid=2**40), "observations[1].pid"),
        (changed(first_at="2026-11-01T12:00:00"), "observations[1].first_at"),
        (b"[" * 100_000, "not a valid ObservationBatch"),
        (b'{"schema": 99, "batch_id": "b", "node": "n"}', "upgrade the service"),
    ],
)
async def test_a_malformed_batch_is_refused_with_the_field_and_nothing_else_is_lost(
    service: RunningService, sensor: Agent, body: bytes, reason: str
) -> None:
    await sensor.post(OBSERVATIONS, batch_of(seen("c", "/usr/bin/dash")))
    status, answer = await sensor.post(OBSERVATIONS, body)
    assert (status, answer["code"]) == (400, "bad_request")
    assert reason in answer["message"]
    assert [row.path for row in await service.rows("SELECT path FROM observation")] == ["/usr/bin/dash"]
    status, _ = await sensor.post(OBSERVATIONS, batch_of(seen("c", "/usr/bin/bash")))
    assert status == 200
    assert len(await service.rows("SELECT FROM observation")) == 2


async def test_only_sensors_say_what_was_seen(service: RunningService) -> None:
    controller = await service.enrol()
    status, answer = await controller.post(OBSERVATIONS, batch_of(seen("c", "/usr/bin/bash")))
    assert (status, answer["message"]) == (403, "only a sensor may say this; this is a controller")
    controller.token = ""
    assert (await controller.post(OBSERVATIONS, batch_of()))[0] == 401


@pytest.mark.req("R17", "R18", "R20", "R31", "D21")
async def test_a_file_seen_before_anything_else_validates_its_package_in_the_end(whole_service: RunningService) -> None:
    fleet = Fleet(whole_service.services.engine)
    stored = await fleet.add_image(
        installed(package("bash"), "/usr/bin/bash"), installed(package("sed"), "/usr/bin/sed")
    )
    # After the image, which is there without the event that has a real one matched.
    await import_records(whole_service.services.engine, osv("CVE-2026-1001", "bash"))
    (row,) = await fleet.rows("SELECT digest FROM image_tag")
    sensor = await whole_service.enrol("sensor", node="node-1")
    running = container("registry.example/shop/web:1.0.0", row.digest)
    observed = seen(running.container_id, "/usr/bin/bash", Grade.EXECUTED, process="bash", arguments=("bash", "-l"))
    assert (await sensor.post(OBSERVATIONS, batch_of(observed)))[0] == 200
    await whole_service.settle()
    assert not await whole_service.rows("SELECT FROM package_use")

    controller = await whole_service.enrol()
    await controller.post("/agent/v1/inventory", batch(node(), workload(), pod(running)))
    page = f"/api/v1/image-tags/{stored.image_tag_id}"

    async def validated() -> bool:
        return bool((await whole_service.get(page))["validated_vulnerabilities"] == 1)

    await eventually(validated)
    packages = {item["name"]: item for item in (await whole_service.get(f"{page}/packages"))["packages"]}
    assert (packages["bash"]["grade"], packages["bash"]["evidence_path"], packages["bash"]["evidence_process"]) == (
        "executed",
        "/usr/bin/bash",
        "bash",
    )
    assert packages["sed"]["grade"] is None
    (found,) = (await whole_service.get(f"{page}/vulnerabilities"))["vulnerabilities"]
    assert (found["vulnerability"], found["grade"], found["evidence_path"]) == (
        "CVE-2026-1001",
        "executed",
        "/usr/bin/bash",
    )
    (listed,) = (await whole_service.post("/runtime/api/v1/workloads", {}))["workloads"]
    (process,) = listed["processes"]
    assert process["path"] == "/usr/bin/bash"
