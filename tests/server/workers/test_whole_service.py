"""From what a controller says to what arrives at every destination, through the whole running service."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.server.workers.conftest import Workers, webhook
from tests.support.images import OWNER, debian, image, text_image
from tests.support.inventory import batch, container, delta, node, pod, workload
from tests.support.mail import MailServer
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.receiver import Receiver
from tests.support.registries import ServedRegistry, serve_registry
from tests.support.service import Agent, RunningService, service_settings

from deadlight.model import wire
from deadlight.model.event import EventType
from deadlight.model.workload import WorkloadKind
from deadlight.server.settings import Settings

INVENTORY = "/agent/v1/inventory"
DEPLOYED_BY = {"deadlight.io/deployed-by": "grace@example.com"}


@pytest.fixture
async def registry() -> AsyncIterator[ServedRegistry]:
    async with serve_registry() as served:
        yield served


@pytest.fixture
def settings(database_url: str, mail_server: MailServer) -> Settings:
    """With a mail server, and comparing with registries all the time."""
    return service_settings(database_url, smtp_url=mail_server.url, integrity_interval=0.5)


@pytest.fixture
def service(whole_service: RunningService) -> RunningService:
    """With its background work, which `workers` come to as well."""
    return whole_service


@pytest.fixture
async def controller(service: RunningService) -> Agent:
    return await service.enrol(cluster="production")


async def announce(controller: Agent, *records: Any, batches: Any = delta) -> None:
    status, answer = await controller.post(INVENTORY, batches(*records, cluster="production"))
    assert (status, answer["batch_id"] != "") == (200, True), answer


def web(**more: Any) -> wire.WorkloadRecord:
    return workload(annotations=DEPLOYED_BY, **more)


async def trust(service: RunningService, registry: ServedRegistry) -> None:
    body = {"host": registry.host, "url": registry.url, "verify_tls": False}
    await service.post("/api/v1/registries", body)


@pytest.mark.req("F13", "F15", "F16", "F17", "F18", "F19", "F20", "F22", "F23", "F24", "I1", "R4", "R7", "R8", "R16")
async def test_a_violation_reaches_webhook_slack_and_mail_with_whom_to_ask(
    service: RunningService,
    workers: Workers,
    controller: Agent,
    registry: ServedRegistry,
    receiver: Receiver,
    mail_server: MailServer,
) -> None:
    await import_records(service.services.engine, osv("CVE-2026-0001", severity=CRITICAL))
    running = await registry.push(image(debian({"openssl": "3.0.1-1"})))
    await trust(service, registry)
    await workers.add(
        webhook(receiver.url),
        {"type": "slack", "config": {"url": f"{receiver.url}/slack"}},
        {"type": "email", "config": {"to": ["ada@example.com"]}},
        events=(EventType.INTEGRITY_VIOLATION_DETECTED,),
        criteria='event.data.violation.severity == "Critical"',
    )
    name = f"{registry.host}/shop/web:1.0.0"
    started = pod(container(name, running.digest), owner=web())
    await announce(controller, node(), web(), started, batches=batch)
    await service.settle()
    assert not receiver.received  # what runs is what the registry has
    pushed = await registry.push(text_image("another"))
    hooks = await receiver.wait(2)
    (mail,) = await mail_server.wait()
    plain = mail.message.get_body(("plain",))
    assert plain is not None
    by_body = {("blocks" in item.body): item.raw.decode() for item in hooks}
    texts = [by_body[False], by_body[True], plain.get_content()]
    for text in texts:
        for expected in (
            "shop",
            "production",
            "shop/web",
            "1.0.0",
            running.digest,
            pushed.digest,
            "Invalid Image Integrity",
            "Digest Mismatch",
            "integrity_violation",
            "CVE-2026-0001",
            "ada@example.com",
            "grace@example.com",
        ):
            assert expected in text
    assert OWNER in plain.get_content()


@pytest.mark.req("F11", "F14", "R5", "R7", "R8")
async def test_an_image_from_a_registry_nobody_added_alerts_and_is_no_violation(
    workers: Workers, controller: Agent, receiver: Receiver
) -> None:
    await workers.add(webhook(receiver.url), events=(EventType.UNTRUSTED_REGISTRY_DETECTED,))
    digest = "sha256:" + "a" * 64
    stranger = pod(container("registry.elsewhere/tools/miner:latest", digest), owner=web())
    await announce(controller, node(), web(), stranger, batches=batch)
    (received,) = await receiver.wait()
    (seen,) = received.body["data"]["images"]
    assert received.body["type"] == "io.deadlight.UntrustedRegistryDetected"
    assert (seen["integrity_status"], seen["violation_type"], seen["risks"]) == (
        "Untrusted Registry",
        "",
        ["untrusted_registry"],
    )
    assert (seen["name"], seen["digest"]) == ("registry.elsewhere/tools/miner:latest", digest)


@pytest.mark.req("F11", "F12", "F21")
async def test_a_deployment_that_is_scaled_to_zero_and_removed_alerts_and_one_that_stays_does_not(
    service: RunningService, workers: Workers, controller: Agent, receiver: Receiver
) -> None:
    await workers.add(webhook(receiver.url), criteria="event.data.change.status || event.data.change.removed")
    running = pod(container("registry.elsewhere/web:1", "sha256:" + "a" * 64), owner=web())
    await announce(controller, node(), web(), running, batches=batch)
    await receiver.wait(1)
    labelled = web(labels={"version": "2"}, desired=1)
    await announce(controller, labelled, running)
    await service.settle()
    assert [item.body["data"]["workload"]["status"] for item in receiver.received] == ["running"]
    await announce(controller, web(desired=0, ready=0), wire.Removed(kind="pod", uid=running.uid))
    await receiver.wait(2)
    await announce(controller, pod(container("registry.elsewhere/web:1", "sha256:" + "a" * 64), owner=web()))
    await receiver.wait(3)
    await announce(controller, wire.Removed(kind="workload", uid=web().uid), wire.Removed(kind="pod", uid=running.uid))
    await receiver.wait(4)
    await service.settle()
    statuses = [item.body["data"]["workload"]["status"] for item in receiver.received]
    assert statuses == ["running", "stopped", "running", "removed"]
    assert await service.rows("SELECT * FROM event WHERE attempts > 0") == []


@pytest.mark.req("F1", "F2", "F7")
async def test_whom_to_ask_about_an_image_is_on_its_page(
    service: RunningService, controller: Agent, registry: ServedRegistry
) -> None:
    running = await registry.push(image(debian({"openssl": "3.0.1-1"})))
    await trust(service, registry)
    owner = workload(kind=WorkloadKind.STATEFUL_SET, annotations=DEPLOYED_BY)
    started = pod(container(f"{registry.host}/shop/web:1.0.0", running.digest), owner=owner)
    await announce(controller, node(), owner, started, batches=batch)
    await service.settle()
    (row,) = (await service.get("/api/v1/image-tags"))["image_tags"]
    detail = await service.get(f"/api/v1/image-tags/{row['id']}")
    assert detail["build_owner"]["value"] == OWNER
    assert detail["build_owner"]["link"] == "https://git.example.com/shop/web"
    assert (detail["digest"], detail["verdict"]["status"]) == (running.digest, "No Issues")
    (place,) = (await service.get(f"/api/v1/image-tags/{row['id']}/workloads"))["workloads"]
    assert place["deployed_by"]["value"] == "grace@example.com"
    assert (place["name"], place["kind"], place["cluster"]) == ("web", "StatefulSet", "production")


@pytest.mark.req("F8", "F23", "F27")
async def test_a_window_closes_through_the_person_responsible_who_was_told_at_once(
    service: RunningService, workers: Workers, controller: Agent, registry: ServedRegistry, mail_server: MailServer
) -> None:
    await service.post("/api/v1/owners", {"namespace": "shop", "team": "shop", "email": "heidi@example.com"})
    running = await registry.push(image(debian({"openssl": "3.0.1-1"})))
    await trust(service, registry)
    events = (EventType.INTEGRITY_VIOLATION_DETECTED, EventType.INTEGRITY_VIOLATION_CLOSED)
    to = {"to": ["security@example.com"], "to_owner": True, "owner_domains": ["example.com"]}
    await workers.add({"type": "email", "config": to}, events=events, criteria='event.data.owner.team == "shop"')
    name = f"{registry.host}/shop/web:1.0.0"
    await announce(controller, node(), web(), pod(container(name, running.digest), owner=web()), batches=batch)
    await service.settle()
    pushed = await registry.push(text_image("another"))
    await mail_server.wait(1)
    await announce(controller, pod(container(name, pushed.digest), owner=web()))
    mails = await mail_server.wait(2)
    await service.settle()
    assert [mail.recipients for mail in mails] == [["heidi@example.com"]] * 2
    (violation,) = await service.rows("SELECT * FROM violation")
    detected, closed = await service.rows("SELECT * FROM alert ORDER BY created_at")
    window = [violation.first_detected_at, detected.created_at, detected.delivered_at, violation.closed_at]
    assert window == sorted(window), "detected, owner known, told, closed"
    assert (detected.recipients, closed.recipients) == (["heidi@example.com"], ["heidi@example.com"])
