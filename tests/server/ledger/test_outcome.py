"""The outcome that all of it is for, measured through the running service: who is responsible knows, and it closes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.server.workers.conftest import Workers, webhook
from tests.support.images import debian, image, text_image
from tests.support.inventory import batch, container, delta, node, pod, workload
from tests.support.receiver import Receiver
from tests.support.registries import ServedRegistry, serve_registry
from tests.support.service import RunningService, eventually, service_settings

from deadlight.model.event import EventType
from deadlight.server.settings import Settings

WINDOWS = "/api/v1/exposure-windows"


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Comparing with registries all the time."""
    return service_settings(database_url, integrity_interval=0.5)


@pytest.fixture
async def registry() -> AsyncIterator[ServedRegistry]:
    async with serve_registry() as served:
        yield served


async def only_window(service: RunningService) -> Any:
    (window,) = (await service.get(WINDOWS))["windows"]
    return window


@pytest.mark.req("F27")
async def test_from_detection_to_owner_to_alert_to_closed_every_moment_is_on_record(
    whole_service: RunningService, registry: ServedRegistry, receiver: Receiver
) -> None:
    controller = await whole_service.enrol(cluster="production")
    running = await registry.push(image(debian({"openssl": "3.0.1-1"})))
    await whole_service.post("/api/v1/registries", {"host": registry.host, "url": registry.url, "verify_tls": False})
    await Workers(whole_service).add(
        webhook(receiver.url), events=(EventType.WORKLOAD_CHANGED, EventType.INTEGRITY_VIOLATION_DETECTED)
    )
    web = workload(annotations={"deadlight.io/deployed-by": "grace@example.com", "deadlight.io/team": "shop"})
    has_it = pod(container(f"{registry.host}/shop/web:1.0.0", running.digest), owner=web)
    await controller.post("/agent/v1/inventory", batch(node(), web, has_it, cluster="production"))
    await receiver.wait(1)
    await whole_service.settle()
    assert (await whole_service.get(WINDOWS))["total"] == 0
    before = datetime.now(UTC)
    pushed = await registry.push(text_image("another"))

    async def told() -> bool:
        found = (await whole_service.get(WINDOWS))["windows"]
        return bool(found and found[0]["notified_at"])

    await eventually(told)
    window = await only_window(whole_service)
    alert = next(item for item in receiver.received if b"IntegrityViolationDetected" in item.raw).raw
    issue = await whole_service.get(f"{WINDOWS}/{window['id']}/issue")
    for owner in ("ada@example.com", "grace@example.com"):
        assert owner in issue["text"]
        assert owner.encode() in alert
    assert pushed.digest in issue["text"]
    assert window["team"] == "shop"
    await whole_service.post(f"{WINDOWS}/{window['id']}/acknowledge", {"note": "rolling out the new one"})
    fixed = pod(container(f"{registry.host}/shop/web:1.0.0", pushed.digest), owner=web)
    await controller.post("/agent/v1/inventory", delta(fixed, cluster="production"))

    async def closed() -> bool:
        return bool((await only_window(whole_service))["closed_at"])

    await eventually(closed)
    window = await only_window(whole_service)
    names = ("opened_at", "detected_at", "notified_at", "acknowledged_at", "closed_at")
    moments = [datetime.fromisoformat(window[name]) for name in names]
    in_order = [before, *moments, datetime.now(UTC)]
    assert in_order == sorted(in_order)
    measured = await whole_service.get(f"{WINDOWS}/statistics")
    exposed = (moments[-1] - moments[0]).total_seconds()
    assert measured["window"] == {"count": 1, "median_seconds": pytest.approx(exposed), "p90_seconds": exposed}
    assert measured["notify"]["count"] == measured["acknowledge"]["count"] == 1
    assert [group["name"] for group in measured["by_team"]] == ["shop"]
