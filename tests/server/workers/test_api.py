"""People set up workers, are told what cannot work, and never get a secret back."""

from typing import Any

import msgspec
import pytest
from tests.server.workers.conftest import Workers, webhook
from tests.support.receiver import Receiver
from tests.support.service import RunningService

from deadlight.model.event import ALERTABLE

HOOK = "https://hooks.example.com/T0/B1/s3cretpath"
WORKERS = "/api/v1/workers"


def body(**more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": "security",
        "event_types": ["WorkloadChanged"],
        "destinations": [webhook(HOOK)],
    }
    return values | more


@pytest.mark.req("F11")
async def test_the_events_a_worker_can_listen_to_are_listed_with_samples(service: RunningService) -> None:
    listed = await service.get("/api/v1/event-types")
    assert [item["name"] for item in listed] == [item.value for item in ALERTABLE]
    assert {"WorkloadChanged", "IntegrityViolationDetected", "UntrustedRegistryDetected"} <= {
        item["name"] for item in listed
    }
    for item in listed:
        assert item["description"].endswith(".")
        assert {"workload", "images"} <= item["sample"].keys()


@pytest.mark.req("F10", "F11", "F24")
async def test_a_worker_is_added_shown_changed_and_removed(workers: Workers, service: RunningService) -> None:
    created = body(
        event_types=["WorkloadChanged", "UntrustedRegistryDetected", "WorkloadChanged"],
        criteria='event.data.workload.cluster == "production"',
        description="Tells everybody",
        destinations=[
            webhook(HOOK),
            {"type": "slack", "config": {"url": HOOK}},
            {"type": "email", "config": {"to": ["ada@example.com"]}},
        ],
    )
    worker_id = (await service.post(WORKERS, created))["id"]
    (shown,) = await service.get(WORKERS)
    assert shown == await workers.get(worker_id)
    assert shown["event_types"] == ["WorkloadChanged", "UntrustedRegistryDetected"]
    assert (shown["name"], shown["description"], shown["enabled"]) == ("security", "Tells everybody", True)
    assert [(item["type"], item["label"]) for item in shown["destinations"]] == [
        ("webhook", "https://hooks.example.com/…"),
        ("slack", "Slack webhook at hooks.example.com"),
        ("email", "ada@example.com"),
    ]
    assert (shown["delivered"], shown["pending"], shown["dead"]) == (0, 0, 0)
    kept = shown["destinations"][2]
    changed = body(name="renamed", enabled=False, destinations=[{"id": kept["id"], "type": "email"}])
    await service.request("PUT", f"{WORKERS}/{worker_id}", changed, expect=204)
    shown = await workers.get(worker_id)
    assert (shown["name"], shown["enabled"], shown["criteria"], shown["destinations"]) == ("renamed", False, "", [kept])
    await service.request("DELETE", f"{WORKERS}/{worker_id}", expect=204)
    assert await service.get(WORKERS) == []
    for method in ("GET", "DELETE"):
        await service.request(method, f"{WORKERS}/{worker_id}", expect=404)
    await service.request("PUT", f"{WORKERS}/{worker_id}", changed, expect=404)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"criteria": "event.data."}, "the criteria do not compile"),
    ({"criteria": "1 + 1"}, "the criteria must say true or false"),
    ({"criteria": "x" * 5000}, "criteria"),
    ({"event_types": ["NoSuchEvent"]}, "event_types"),
    ({"event_types": ["ImageObserved"]}, "workers cannot listen to ImageObserved"),
    ({"event_types": []}, "event_types"),
    ({"destinations": []}, "destinations"),
    ({"destinations": [{"type": "pigeon", "config": {}}]}, "destinations.0.type"),
    ({"destinations": [{"type": "webhook"}]}, "the webhook destination is not usable: url"),
    ({"destinations": [{"type": "email", "config": {"to": []}}]}, "the email destination is not usable: to"),
    ({"destinations": [webhook("ftp://example.com")]}, "must be an http:// or https:// address"),
    ({"destinations": [{"id": 17, "type": "webhook"}]}, "the worker has no destination 17"),
    ({"name": ""}, "name"),
    ({"name": "a\0b"}, "zero byte"),
)


@pytest.mark.req("F11")
async def test_a_worker_that_cannot_work_is_refused_with_the_reason_and_not_saved(service: RunningService) -> None:
    for wrong, message in WRONG:
        refusal = await service.post(WORKERS, body(**wrong), expect=400)
        assert refusal["code"] == "bad_request"
        assert message in refusal["message"]
    assert await service.get(WORKERS) == []


async def test_a_change_that_cannot_work_leaves_the_worker_as_it_was(workers: Workers, service: RunningService) -> None:
    worker_id = await workers.add(webhook(HOOK))
    other_id = await workers.add(webhook(HOOK), name="other")
    before = await workers.get(worker_id)
    foreign = (await workers.get(other_id))["destinations"][0]["id"]
    for wrong, status in (
        ({"criteria": "nonsense("}, 400),
        ({"name": "other"}, 409),
        ({"destinations": [{"id": foreign, "type": "webhook", "config": {"url": HOOK}}]}, 400),
        ({"destinations": [webhook("nowhere")]}, 400),
    ):
        await service.request("PUT", f"{WORKERS}/{worker_id}", body(**wrong), expect=status)
        assert await workers.get(worker_id) == before
    assert (
        "there already is a worker 'other'" in (await service.post(WORKERS, body(name="other"), expect=409))["message"]
    )


async def test_secrets_are_encrypted_and_never_come_back(
    workers: Workers, service: RunningService, receiver: Receiver
) -> None:
    receiver.answers += [500]
    secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ="
    headers = {"authorization": "Bearer s3cretheader"}
    worker_id = await workers.add(webhook(f"{receiver.url}/s3cretpath?key=s3cretquery", secret=secret, headers=headers))
    alert_id = await workers.test(worker_id)
    answers = [
        await service.get(WORKERS),
        await workers.get(worker_id),
        await workers.alerts(),
        await workers.alert(alert_id),
    ]
    everything = msgspec.json.encode(answers).decode() + str(await service.rows("SELECT * FROM destination"))
    assert "s3cret" not in everything
    assert secret.removeprefix("whsec_") not in everything


BEARING_SECRETS: tuple[dict[str, Any], ...] = (
    webhook("https://example.com:s3cret/"),
    webhook("s3cret://example.com"),
    webhook("https://example.com/" + "s3cret" * 1000),
    webhook("https://example.com", secret="s3cret!"),
    webhook("https://example.com", headers={"authorization": "s3cret\n"}),
    webhook("https://example.com", headers={"authorization": "s3cret" * 1000}),
    webhook("https://example.com", headers="s3cret"),
    {"type": "slack", "config": {"url": "s3cret"}},
    {"type": "email", "config": {"to": ["s3cret"]}},
    {"type": "webhook", "config": "s3cret"},
    {"type": "s3cret", "config": {}},
)


async def test_a_refusal_does_not_repeat_what_may_be_a_secret(service: RunningService) -> None:
    for destination in BEARING_SECRETS:
        refusal = await service.post(WORKERS, body(destinations=[destination]), expect=400)
        assert "s3cret" not in refusal["message"]


@pytest.mark.req("F21", "F22")
async def test_a_test_makes_an_alert_for_each_destination_whatever_the_criteria(
    workers: Workers, service: RunningService
) -> None:
    worker_id = await workers.add(webhook(HOOK), webhook(HOOK), criteria="false")
    for event_type in ALERTABLE:
        sent = await service.post(f"{WORKERS}/{worker_id}/test", {"event_type": event_type.value})
        assert len(sent["alert_ids"]) == 2
        for alert_id in sent["alert_ids"]:
            alert = await workers.alert(alert_id)
            assert (alert["event_type"], alert["body"]["data"]["test"]) == (event_type.value, True)
            assert alert["title"].startswith("[test]")
            assert (alert["status"], alert["attempts"], alert["deliveries"]) == ("pending", 0, [])


async def test_there_is_nothing_to_test_redeliver_or_show_where_there_is_none(service: RunningService) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    await service.post(f"{WORKERS}/1/test", {}, expect=404)
    await service.request("GET", f"/api/v1/alerts/{nobody}", expect=404)
    await service.post(f"/api/v1/alerts/{nobody}/redeliver", expect=404)
    await service.post(f"{WORKERS}/{2**70}/test", {}, expect=400)


async def test_alerts_are_paged_newest_first_each_exactly_once(workers: Workers, service: RunningService) -> None:
    worker_id = await workers.add(webhook(HOOK), webhook(HOOK), webhook(HOOK))
    other_id = await workers.add(webhook(HOOK))
    for _ in range(3):
        await workers.test(worker_id)
    await workers.test(other_id)
    everything = [alert["id"] for alert in await workers.alerts()]
    assert len(everything) == 10
    for limit in (1, 3, 4, 9, 10, 100):
        seen: list[str] = []
        key = ""
        while True:
            continued = f"&next_key={key}" if key else ""
            page = await service.get(f"/api/v1/alerts?limit={limit}{continued}")
            assert len(page["alerts"]) <= limit
            seen += [alert["id"] for alert in page["alerts"]]
            if not page["next_key"]:
                break
            key = page["next_key"].replace("+", "%2B")
        assert seen == everything
    assert len(await workers.alerts(worker_id=worker_id)) == 9
    assert await workers.alerts(status="dead") == []
    for wrong in ("next_key=nonsense", "next_key=2026-01-01T00:00:00~x", "limit=0", "limit=101", "status=lost"):
        await service.request("GET", f"/api/v1/alerts?{wrong}", expect=400)
