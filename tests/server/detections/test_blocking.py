"""Blocking: opted into, audited first, and never where it would stop the cluster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet
from tests.support.service import Agent, RunningService

from deadlight.model.detection import BlockingMode, Response
from deadlight.server.detections.blocking import AUDIT_AT_LEAST, Blocking, applies_to, audit_start, find_objection

NOW = datetime(2026, 11, 1, tzinfo=UTC)
AUDIT = Blocking(BlockingMode.AUDIT, drift=True)
ENFORCE = Blocking(BlockingMode.ENFORCE, drift=True)


@pytest.mark.parametrize(
    ("included", "excluded", "namespace", "applies"),
    [
        ((), (), "shop", True),
        ((), (), "kube-system", False),
        ((), (), "openshift-dns", False),
        (("*",), (), "kube-system", False),
        (("kube-*",), (), "kube-system", False),
        (("kube-system",), (), "kube-system", True),
        (("kube-system",), ("kube-*",), "kube-system", False),
        (("shop-*",), (), "shop-eu", True),
        (("shop-*",), (), "bank", False),
        ((), ("shop-*",), "shop-eu", False),
    ],
)
def test_system_namespaces_are_never_blocked_unless_they_are_named(
    included: tuple[str, ...], excluded: tuple[str, ...], namespace: str, applies: bool
) -> None:
    assert applies_to(Blocking(BlockingMode.AUDIT, included=included, excluded=excluded), namespace) is applies


@pytest.mark.parametrize(
    ("before", "hours", "after", "objection"),
    [
        (Blocking(), None, AUDIT, ""),
        (Blocking(), None, ENFORCE, "has not been in audit"),
        (AUDIT, 1, ENFORCE, "for 1.0 hours only, of 24"),
        (AUDIT, 25, ENFORCE, ""),
        (AUDIT, 25, Blocking(BlockingMode.ENFORCE, drift=True, mismatch=True), "has not been in audit"),
        (AUDIT, 25, Blocking(BlockingMode.ENFORCE, drift=True, included=("shop",)), "has not been in audit"),
        (ENFORCE, 1, ENFORCE, ""),
        (ENFORCE, 99, Blocking(BlockingMode.ENFORCE, mismatch=True), "has not been in audit"),
        (ENFORCE, 99, Blocking(), ""),
    ],
)
def test_only_what_has_been_in_audit_for_long_enough_is_enforced_without_a_word(
    before: Blocking, hours: int | None, after: Blocking, objection: str
) -> None:
    since = None if hours is None else NOW - timedelta(hours=hours)
    said = find_objection(before, since, after, NOW)
    assert objection in said
    assert bool(said) == bool(objection)


def test_the_time_in_audit_begins_anew_with_another_policy() -> None:
    long_ago = NOW - AUDIT_AT_LEAST
    assert audit_start(AUDIT, long_ago, ENFORCE, NOW) == long_ago
    assert audit_start(AUDIT, long_ago, Blocking(BlockingMode.AUDIT, mismatch=True), NOW) == NOW
    assert audit_start(Blocking(drift=True), None, AUDIT, NOW) == NOW
    assert audit_start(AUDIT, long_ago, Blocking(), NOW) is None


@pytest.fixture
async def sensor(service: RunningService) -> Agent:
    return await service.enrol("sensor", node="node-1")


@pytest.fixture
async def fleet(service: RunningService, sensor: Agent) -> Fleet:
    fleet = Fleet(service.services.engine)
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    return fleet


async def told(service: RunningService, sensor: Agent) -> Any:
    """The blocking part of what the sensor gets; what is left out is as if it said nothing."""
    return (await service.request("GET", "/agent/v1/policy", token=sensor.token)).get("blocking", {})


@pytest.mark.req("R8")
async def test_a_sensor_gets_the_containers_of_its_node_that_the_policy_is_about(
    service: RunningService, sensor: Agent, fleet: Fleet
) -> None:
    image = await fleet.add_image_tag()
    shop = await fleet.deploy(image)
    await fleet.deploy(image, name="dns", namespace="kube-system")
    await fleet.deploy(image, name="far", node="node-2")
    await fleet.deploy(image, name="sensor", labels={"app.kubernetes.io/name": "deadlight-agent"})
    at = f"/api/v1/blocking/{sensor.cluster_id}"
    assert (await service.get(at))["mode"] == "off"
    assert await told(service, sensor) == {}
    shown = await service.request("PUT", at, {"mode": "audit", "drift": True})
    assert (shown["containers"], shown["sensors"], shown["changed_by"]) == (2, 1, "admin")
    blocking = await told(service, sensor)
    assert blocking == {"mode": "audit", "drift": True, "container_ids": list(shop.container_ids)}
    await fleet.rows("UPDATE container SET removed_at = now()")
    assert (await told(service, sensor)).get("container_ids", []) == []


@pytest.mark.req("R8")
async def test_nobody_enforces_blind_unless_they_say_that_they_know(
    service: RunningService, sensor: Agent, fleet: Fleet
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    at = f"/api/v1/blocking/{sensor.cluster_id}"
    await service.request("PUT", at, {"mode": "enforce", "drift": True}, expect=409)
    await service.request("PUT", at, {"mode": "audit", "drift": True})
    await fleet.rows("UPDATE blocking_policy SET audited_since = now() - interval '1 hour'")
    stopped: dict[str, Any] = {"response": Response.WOULD_BLOCK, "at": datetime.now(UTC)}
    await sensor.post(
        "/agent/v1/detections",
        batch_of(
            detected(container, "drift", count=4, **stopped), detected(container, "drift", program="/tmp/x", **stopped)
        ),
    )
    refused = await service.request("PUT", at, {"mode": "enforce", "drift": True}, expect=409)
    assert "for 1.0 hours only" in refused["message"]
    assert "would have stopped 2 programs, 5 times" in refused["message"]
    shown = await service.request("PUT", at, {"mode": "enforce", "drift": True, "unproven": True})
    assert (shown["mode"], shown["would_block_programs"], shown["would_block_times"]) == ("enforce", 2, 5)
    last = (await service.get("/api/v1/threat-changes"))[0]
    assert (last["subject"], last["action"], last["details"]["unproven"]) == ("blocking", "enforce", True)
    await service.request("PUT", f"/api/v1/blocking/{'0' * 8}-0000-0000-0000-{'0' * 12}", {"mode": "off"}, expect=404)


async def test_what_happened_before_the_audit_began_is_not_counted(
    service: RunningService, sensor: Agent, fleet: Fleet
) -> None:
    (container,) = (await fleet.deploy(await fleet.add_image_tag())).container_ids
    at = f"/api/v1/blocking/{sensor.cluster_id}"

    async def report(program: str, times: int, *, hours_ago: int) -> None:
        moment = datetime.now(UTC) - timedelta(hours=hours_ago)
        stopped: dict[str, Any] = {"response": Response.WOULD_BLOCK, "at": moment, "count": times}
        await sensor.post("/agent/v1/detections", batch_of(detected(container, "drift", program=program, **stopped)))

    async def shown() -> tuple[int, int, bool]:
        found = await service.get(at)
        return found["would_block_programs"], found["would_block_times"], found["is_counted_whole"]

    await report("/tmp/x", 100, hours_ago=2)
    assert await shown() == (0, 0, True)  # nothing is audited
    await service.request("PUT", at, {"mode": "audit", "drift": True})
    assert await shown() == (0, 0, True)
    await fleet.rows("UPDATE blocking_policy SET audited_since = now() - interval '1 hour'")
    await report("/tmp/x", 4, hours_ago=0)
    await report("/tmp/y", 2, hours_ago=0)
    assert await shown() == (2, 6, True)

    await fleet.rows("UPDATE detection SET first_at = now() - interval '30 days' WHERE program = '/tmp/x'")
    await fleet.rows("UPDATE blocking_policy SET audited_since = now() - interval '8 days'")
    await fleet.rows("DELETE FROM detection_report WHERE count = 100")  # as after a week
    assert await shown() == (2, 6, False)
    refused = await service.request("PUT", at, {"mode": "enforce", "drift": True, "mismatch": True}, expect=409)
    assert "would have stopped at least 2 programs, 6 times" in refused["message"]
    await fleet.rows("UPDATE detection SET first_at = now() - interval '8 days' + interval '1 minute'")
    assert await shown() == (2, 106, True)  # of what was detected only since then the sum is kept
