"""From what a sensor sends over HTTP to what arrives at every destination, through the whole running service."""

from collections.abc import AsyncIterator

import pytest
from tests.server.workers.conftest import Workers, webhook
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet
from tests.support.mail import MailServer, running_mail_server
from tests.support.receiver import Receiver
from tests.support.service import RunningService, service_settings

from deadlight.model.event import EventType
from deadlight.server.detections.handlers import follow_detections
from deadlight.server.settings import Settings

THREATS = (EventType.THREAT_DETECTED,)
OWNER = {"deadlight.io/owner": "grace@example.com", "deadlight.io/team": "Checkout"}


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with running_mail_server() as server:
        yield server


@pytest.fixture
def settings(database_url: str, mail_server: MailServer) -> Settings:
    return service_settings(database_url, smtp_url=mail_server.url)


@pytest.fixture
def workers(whole_service: RunningService) -> Workers:
    return Workers(whole_service)


@pytest.mark.req("R8", "R20", "F18", "F20")
async def test_a_threat_reaches_webhook_slack_and_mail_with_what_happened_and_what_to_do(
    whole_service: RunningService, workers: Workers, receiver: Receiver, mail_server: MailServer
) -> None:
    fleet = Fleet(whole_service.services.engine)
    sensor = await whole_service.enrol("sensor", node="node-1")
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    running = await fleet.deploy(await fleet.add_image_tag(), annotations=OWNER)
    slack = {"type": "slack", "config": {"url": f"{receiver.url}/slack"}}
    mail = {"type": "email", "config": {"to": ["security@example.com"]}}
    critical = 'event.data.detection.severity == "Critical" && event.data.workload.namespace == "shop"'
    await workers.add(webhook(f"{receiver.url}/hook"), slack, mail, events=THREATS, criteria=critical)
    await workers.add(
        webhook(receiver.url), events=THREATS, criteria='"T1496" in event.data.detection.mitre', name="miners"
    )
    message = batch_of(detected(running.container_ids[0]))
    assert await sensor.post("/agent/v1/detections", message) == (200, {"batch_id": message.batch_id})
    bodies = [item.body for item in await receiver.wait(2)]
    (event,) = [body for body in bodies if "specversion" in body]
    (text,) = [body for body in bodies if "blocks" in body]
    (letter,) = await mail_server.wait(1)
    plain = letter.message.get_body(("plain",))
    assert plain is not None
    detection = event["data"]["detection"]
    assert (event["type"], detection["rule"]) == ("io.deadlight.ThreatDetected", "reverse-shell")
    assert event["data"]["workload"]["name"] == "web"
    assert event["data"]["images"][0]["name"] == "registry.example/shop/web:1.0.0"
    assert event["data"]["owner"]["team"] == "Checkout"
    assert detection["process"]["path"] == "/bin/bash"
    assert detection["facts"] == {"network.address": "203.0.113.7:4444"}
    assert event["data"]["links"]["detection"].endswith(f"/runtime/detections/{detection['id']}")
    said = str(text["blocks"])
    for words in (
        "A shell talks over the network (Critical): shop/web on test",
        "T1059.004",
        "php-fpm",
        "203.0.113.7:4444",
        "Nothing was stopped",
        "What to do",
        "Checkout",
    ):
        assert words in said
        assert words in plain.get_content()
    assert len(receiver.received) == 2


@pytest.mark.req("F24")
async def test_a_threat_in_an_unknown_container_alerts_as_what_it_is(
    whole_service: RunningService, workers: Workers, receiver: Receiver
) -> None:
    sensor = await whole_service.enrol("sensor", node="node-1")
    await workers.add(webhook(f"{receiver.url}/hook"), events=THREATS)
    await sensor.post("/agent/v1/detections", batch_of(detected("5a" * 32)))
    async with whole_service.services.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE detection_report SET received_at = now() - interval '1 hour'")
    await follow_detections(whole_service.services)
    (told,) = await receiver.wait(1)
    assert told.body["data"]["workload"]["name"] == ""
    (alert,) = await workers.alerts()
    assert alert["title"] == "A shell talks over the network (Critical): container 5a5a5a5a5a5a on test"


async def test_workers_can_be_tried_with_a_threat(
    whole_service: RunningService, workers: Workers, receiver: Receiver
) -> None:
    worker_id = await workers.add(webhook(f"{receiver.url}/hook"), events=THREATS)
    await workers.test(worker_id, EventType.THREAT_DETECTED)
    (told,) = await receiver.wait(1)
    assert told.body["data"]["test"] is True
    assert told.body["data"]["detection"]["next_steps"]
