"""A suppressed risk is quiet until its time, said to be so, and told again when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.server.integrity.conftest import PUSHED, RUNNING, found
from tests.server.ledger.conftest import Ledger
from tests.server.workers.conftest import Workers, webhook
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import CRITICAL, osv
from tests.support.service import RunningService

from deadlight.model.event import EventType
from deadlight.server.ledger.jobs import end_suppressions

RISKS = (EventType.INTEGRITY_VIOLATION_DETECTED, EventType.VULNERABILITIES_CHANGED)
PYYAML = package("pyyaml", "5.0", "PyPI")
BAD = osv("MAL-2026-1", "pyyaml", ecosystem="PyPI", severity="")
OTHER = osv("CVE-2026-7", "pyyaml", ecosystem="PyPI", severity=CRITICAL)


@pytest.fixture
async def workers(service: RunningService) -> Workers:
    workers = Workers(service)
    await workers.add(webhook("http://127.0.0.1:9"), events=RISKS)
    return workers


async def suppress(service: RunningService, window_id: int, **more: Any) -> Any:
    body = {"reason": "accepted until the release", "until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    return await service.post(f"/api/v1/exposure-windows/{window_id}/suppress", body | more)


async def expire(fleet: Fleet, service: RunningService) -> None:
    await fleet.rows("UPDATE exposure_suppression SET until = now() WHERE ended_at IS NULL")
    await end_suppressions(service.services)


async def statuses(workers: Workers) -> list[str]:
    return [alert["status"] for alert in reversed(await workers.alerts())]


async def test_a_suppressed_risk_stays_quiet_when_it_opens_again_and_is_told_when_the_time_is_over(
    fleet: Fleet, ledger: Ledger, service: RunningService, workers: Workers
) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    first = await ledger.window()
    suppressed = await suppress(service, first.id)
    assert (suppressed["state"], suppressed["suppression"]["suppressed_by"]) == ("suppressed", "admin")
    for reply in (found(RUNNING), found(PUSHED)):
        await ledger.judge.hear(reply)
        await ledger.handle_events()
    _, again = await ledger.windows()
    assert (await service.get(f"/api/v1/exposure-windows/{again.id}"))["state"] == "suppressed"
    assert await statuses(workers) == ["pending", "suppressed"]
    (kept,) = await workers.alerts(status="suppressed")
    assert kept["problem"].endswith("UTC by admin: accepted until the release")
    (worker,) = await service.get("/api/v1/workers")
    assert worker["suppressed"] == 1
    await expire(fleet, service)
    await ledger.handle_events()
    assert await statuses(workers) == ["pending", "suppressed", "pending"]
    detail = await service.get(f"/api/v1/exposure-windows/{again.id}")
    assert (detail["state"], [item["action"] for item in detail["history"]]) == ("open", ["expired"])


async def test_a_suppression_that_is_lifted_or_whose_risk_is_over_tells_only_what_is_open(
    fleet: Fleet, ledger: Ledger, service: RunningService, workers: Workers
) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    window = await ledger.window()
    address = f"/api/v1/exposure-windows/{window.id}"
    await suppress(service, window.id)
    lifted = await service.post(f"{address}/unsuppress")
    assert [item["action"] for item in lifted["history"]] == ["suppressed", "unsuppressed"]
    await service.post(f"{address}/unsuppress", expect=409)
    await ledger.handle_events()
    assert await statuses(workers) == ["pending", "pending"]
    await suppress(service, window.id)
    await ledger.judge.hear(found(RUNNING))
    await ledger.handle_events()
    await expire(fleet, service)
    await ledger.handle_events()
    assert await statuses(workers) == ["pending", "pending"]


async def test_other_news_of_an_image_is_told_though_one_of_its_risks_is_suppressed(
    fleet: Fleet, ledger: Ledger, service: RunningService, workers: Workers
) -> None:
    image = await fleet.add_image(installed(PYYAML))
    await fleet.deploy(image.image_tag_id)
    await ledger.learn(BAD)
    await ledger.assess(image.image_id)
    await suppress(service, (await ledger.window("malicious")).id)
    await ledger.learn(osv("MAL-2026-2", "pyyaml", ecosystem="PyPI", severity=""))
    await ledger.learn(OTHER)
    assert await statuses(workers) == ["pending", "suppressed", "pending"]


async def test_a_suppression_has_a_reason_and_an_end(fleet: Fleet, ledger: Ledger, service: RunningService) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    address = f"/api/v1/exposure-windows/{(await ledger.window()).id}/suppress"
    now = datetime.now(UTC)
    correct = {"reason": "why not", "until": (now + timedelta(days=1)).isoformat()}
    for wrong in (
        {"reason": "  "},
        {"reason": ""},
        {"until": (now - timedelta(seconds=1)).isoformat()},
        {"until": (now + timedelta(days=400)).isoformat()},
        {"until": "2030-01-01T00:00:00"},
        {"until": None},
    ):
        await service.request("POST", address, correct | wrong, expect=400)
    assert not await fleet.rows("SELECT FROM exposure_suppression")
