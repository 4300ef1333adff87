"""From an event to alerts: to whom, saying what, and once."""

from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.server.workers.conftest import Workers, webhook
from tests.support.fleet import Fleet, Running, digest, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, import_records, osv

from deadlight.model.event import EventType
from deadlight.server.events.outbox import Event
from deadlight.server.findings.service import assess_image
from deadlight.server.workers.service import dispatch

HOOK = webhook("https://hooks.example.com/")
CONSOLE = "https://deadlight.example"
LABELS = {
    "org.opencontainers.image.authors": "ada@example.com",
    "org.opencontainers.image.source": "https://git.example/web",
}

_numbers = count(1)


class Happenings:
    """Events as the relay hands them to the workers' handler."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def happen(self, event_type: EventType, workload_id: int, *, number: int = 0, **data: Any) -> None:
        """The same `number` is the same event again."""
        facts = {"workload_id": workload_id, **data}
        event = Event(number or next(_numbers), uuid4(), event_type, "", facts, STARTED)
        async with self.engine.begin() as connection:
            await dispatch(CONSOLE, connection, event)

    async def change(self, running: Running, **more: Any) -> None:
        """The workload started with its images, unless told otherwise."""
        values: dict[str, Any] = {
            "status": "running",
            "status_before": "stopped",
            "image_tag_ids": [1],
            "image_tag_ids_before": [],
            "removed": False,
            "first_sync": False,
        }
        await self.happen(EventType.WORKLOAD_CHANGED, running.workload_id, **values | more)


@pytest.fixture
def happenings(engine: AsyncEngine) -> Happenings:
    return Happenings(engine)


async def bodies(workers: Workers) -> list[dict[str, Any]]:
    """Of all alerts, oldest first."""
    rows = await workers.service.rows("SELECT body FROM alert ORDER BY created_at, id")
    return [row.body for row in rows]


@pytest.mark.req("F18", "F19", "F20", "F1", "F2", "F7", "F8")
async def test_an_alert_is_a_cloudevent_with_all_that_is_known(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    await import_records(fleet.engine, osv("CVE-2026-0001", severity=CRITICAL, fixed="9"), osv("CVE-2026-0002"))
    image = await fleet.add_image(installed(package()), labels=LABELS)
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    await fleet.rows(
        "INSERT INTO verdict (image_tag_id, status, reason) VALUES (:id, 'Untrusted Registry', 'nobody added it')",
        id=image.image_tag_id,
    )
    running = await fleet.deploy(
        image.image_tag_id, cluster="production", annotations={"deadlight.io/deployed-by": "grace@example.com"}
    )
    await workers.add(HOOK)
    await happenings.change(running)
    (alert,) = await workers.alerts()
    (body,) = await bodies(workers)
    assert {name: body[name] for name in ("specversion", "id", "source", "type", "datacontenttype")} == {
        "specversion": "1.0",
        "id": alert["id"],
        "source": CONSOLE,
        "type": "io.deadlight.WorkloadChanged",
        "datacontenttype": "application/json",
    }
    data = body["data"]
    assert data["workload"] == {
        "name": "web",
        "namespace": "shop",
        "cluster": "production",
        "kind": "Deployment",
        "status": "running",
        "nodes": ["node-1"],
        "risks": ["untrusted_registry"],
        "vulnerabilities_count": 2,
        "deployed_by": {
            "value": "grace@example.com",
            "source": "workload annotation deadlight.io/deployed-by",
            "confidence": "stated",
            "link": "",
            "revision": "",
        },
    }
    (item,) = data["images"]
    assert (item["name"], item["registry"], item["repository_path"], item["tag"], item["platform"]) == (
        "registry.example/shop/web:1.0.0",
        "registry.example",
        "shop/web",
        "1.0.0",
        "linux/amd64",
    )
    assert item["digest"] == digest("registry.example/shop/web:1.0.0")
    assert (item["integrity_status"], item["violation_type"]) == ("Untrusted Registry", "")
    assert item["severities"] == {"Critical": 1, "High": 1, "Medium": 0, "Low": 0, "Unknown": 0}
    assert [(found["cve_id"], found["severity"], found["fix_version"]) for found in item["vulnerabilities"]] == [
        ("CVE-2026-0001", "Critical", "9"),
        ("CVE-2026-0002", "High", ""),
    ]
    assert [found["severity_source"] for found in item["vulnerabilities"]] == ["CVE-2026-0001", "CVE-2026-0002"]
    assert not any(found["known_exploited"] for found in item["vulnerabilities"])
    assert item["vulnerabilities"][0]["components"] == [
        {"component_id": "pkg:deb/debian/openssl@3.0.1-1", "name": "openssl", "version": "3.0.1-1"}
    ]
    assert item["build_owner"]["value"] == "ada@example.com"
    assert item["build_owner"]["link"] == "https://git.example/web"
    assert data["links"]["image"] == f"{CONSOLE}/runtime/live/images/{image.image_tag_id}"
    assert alert["title"] == "Workload changed: shop/web on production"


async def test_what_is_not_known_is_null_and_not_left_out(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    await workers.add(HOOK)
    await happenings.change(running)
    (body,) = await bodies(workers)
    (image,) = body["data"]["images"]
    unknown = ("vulnerabilities_count", "severities", "build_owner")
    assert {name: image[name] for name in unknown} == dict.fromkeys(unknown)
    assert body["data"]["workload"]["deployed_by"] is None
    assert body["data"]["workload"]["vulnerabilities_count"] is None


@pytest.mark.req("F11", "F24")
async def test_an_event_reaches_every_destination_of_every_enabled_worker_that_listens_once(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    first = await workers.add(HOOK, HOOK)
    second = await workers.add(HOOK, events=(EventType.UNTRUSTED_REGISTRY_DETECTED, EventType.WORKLOAD_CHANGED))
    await workers.add(HOOK, enabled=False)
    await workers.add(HOOK, events=(EventType.UNTRUSTED_REGISTRY_DETECTED,))
    for _ in range(2):  # a relay that was killed hands the same event over again
        await happenings.change(running, number=1_000_000)
    assert sorted(alert["worker_id"] for alert in await workers.alerts()) == [first, first, second]
    assert len(await workers.service.rows("SELECT * FROM pgqueuer WHERE entrypoint = 'deliver_alert'")) == 3
    await happenings.change(running, number=1_000_001)
    assert len(await workers.alerts()) == 6


@pytest.mark.req("F12")
async def test_a_change_of_status_fires_and_other_changes_do_not(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    await workers.add(HOOK, criteria="event.data.change.status")
    await happenings.change(running, status_before="running", image_tag_ids_before=[2])
    assert await workers.alerts() == []
    await happenings.change(running, image_tag_ids_before=[1])
    (body,) = await bodies(workers)
    assert body["data"]["change"] == {"status": True, "image_list": False, "removed": False, "first_sync": False}


@pytest.mark.req("F12")
async def test_a_workload_that_went_says_what_it_ran(happenings: Happenings, workers: Workers, fleet: Fleet) -> None:
    image_tag_id = await fleet.add_image_tag()
    running = await fleet.deploy(image_tag_id)
    await fleet.undeploy(running.workload_id)
    await workers.add(HOOK, criteria="event.data.change.removed")
    gone = {"status": "stopped", "status_before": "running", "image_tag_ids": [], "removed": True}
    await happenings.change(running, image_tag_ids_before=[image_tag_id], **gone)
    (body,) = await bodies(workers)
    assert body["data"]["workload"]["status"] == "removed"
    assert [image["tag"] for image in body["data"]["images"]] == ["1.0.0"]


async def test_criteria_that_fail_send_the_alert_and_are_counted_and_shown(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    worker_id = await workers.add(HOOK, criteria="event.data.no.such.field")
    for _ in range(2):
        await happenings.change(running)
    assert len(await workers.alerts()) == 2
    worker = await workers.get(worker_id)
    assert worker["criteria_errors"] == 2
    assert "Key not found" in worker["criteria_error"]


async def test_a_workload_that_was_deleted_with_its_cluster_alerts_nobody(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    await workers.add(HOOK)
    await fleet.rows("DELETE FROM cluster")
    await happenings.change(running)
    assert await workers.alerts() == []


@pytest.mark.req("F20")
async def test_changed_vulnerabilities_are_named_worst_first(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    await import_records(fleet.engine, osv("CVE-2026-0001"), osv("CVE-2026-0002", severity=CRITICAL))
    image = await fleet.add_image(installed(package()))
    other = await fleet.add_image_tag(repository="shop/sidecar")
    running = await fleet.deploy(image.image_tag_id, other)
    await workers.add(HOOK, events=(EventType.VULNERABILITIES_CHANGED,))
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    ((_, data),) = await fleet.events(EventType.VULNERABILITIES_CHANGED.value)
    assert data["workload_id"] == running.workload_id
    await happenings.happen(EventType.VULNERABILITIES_CHANGED, **data)
    (body,) = await bodies(workers)
    added = body["data"]["vulnerabilities_added"]
    assert added == [
        {"cve_id": "CVE-2026-0002", "severity": "Critical"},
        {"cve_id": "CVE-2026-0001", "severity": "High"},
    ]
    assert [image["repository_path"] for image in body["data"]["images"]] == ["shop/web"]
    assert "vulnerabilities_removed" not in body["data"]


async def test_an_alerts_body_stays_what_it_was_when_the_event_was_handled(
    happenings: Happenings, workers: Workers, fleet: Fleet
) -> None:
    running = await fleet.deploy(await fleet.add_image_tag())
    await workers.add(HOOK)
    await happenings.change(running)
    before = await bodies(workers)
    await fleet.rows("UPDATE workload SET name = 'renamed'")
    (alert,) = await workers.alerts()
    assert (await workers.alert(alert["id"]))["body"] == before[0]
