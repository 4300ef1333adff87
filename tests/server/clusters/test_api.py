"""The inventory of clusters, what is configured in them, and how one goes."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from tests.server.clusters.made import listed, seen, three_clusters
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED, batch, container, node, pod, workload
from tests.support.service import RunningService, eventually, running_service, service_settings

from deadlight.model import wire

CLUSTERS, CONFIGURATION = "/api/v1/clusters", "/api/v1/clusters/configuration"
HEARTBEAT, INVENTORY = "/agent/v1/heartbeat", "/agent/v1/inventory"
ALL = ["sca", "contextual_analysis", "secrets", "applications", "services", "iac"]


# --- inventory -------------------------------------------------------------------------------------------


@pytest.mark.req("M2", "M3", "M5", "M13", "M15", "M17", "M18")
async def test_clusters_are_listed_with_the_state_of_their_agents_and_what_is_wrong(
    service: RunningService, fleet: Fleet
) -> None:
    await three_clusters(fleet)
    clusters = await listed(service)
    assert {name: (row["status"], row["controller"]["status"]) for name, row in clusters.items()} == {
        "east": ("failed", "running"),
        "quiet": ("failed", "stopped"),
        "west": ("running", "running"),
    }
    east = clusters["east"]
    counts = {"monitored": 1, "monitored_with_sensor": 1, "failed": 1, "installation_failed": 1, "disabled": 1}
    assert (east["nodes_count"], east["nodes_by_status"]) == (5, counts)
    assert (east["provider"], east["regions"], east["controller"]["version"]) == ("AWS", ["eu-west-1"], "1.2")
    assert [problem["kind"] for problem in east["problems"]] == ["sensors_failed", "sensors_not_installed"]
    assert clusters["west"]["installation"] == "controller_only"
    detail = await service.get(f"{CLUSTERS}/{east['id']}")
    assert detail["cluster"] == east
    assert {row["name"]: row["status"] for row in detail["nodes"]} == {
        "a": "monitored_with_sensor",
        "b": "failed",
        "c": "installation_failed",
        "d": "disabled",
        "e": "monitored",
    }
    (alone,) = (await service.get(f"{CLUSTERS}/{clusters['west']['id']}"))["nodes"]
    assert (alone["status"], alone["sensor_version"], alone["sensor_last_seen_at"]) == ("monitored", "", None)
    await service.request("GET", f"{CLUSTERS}/{uuid4()}", expect=404)


@pytest.mark.req("M5", "A25", "A26")
async def test_figures_over_all_clusters_say_whether_they_are_monitored_correctly(
    service: RunningService, fleet: Fleet
) -> None:
    empty = (await service.get(CLUSTERS))["overview"]
    assert (empty["clusters"], empty["monitored_correctly"]) == (0, False)
    await three_clusters(fleet)
    overview = (await service.get(f"{CLUSTERS}?search=west"))["overview"]
    assert {name: overview[name] for name in ("clusters", "with_sensors", "nodes")} == {
        "clusters": 3,
        "with_sensors": 1,
        "nodes": 6,
    }
    assert (overview["sensors_running"], overview["sensors_expected"]) == (1, 4)
    assert [item["name"] for item in overview["failing"]] == ["east", "quiet"]
    assert overview["by_status"] == {"failed": 2, "installation_failed": 0, "disabled": 0, "running": 1}
    assert overview["by_provider"] == {"AWS": 2, "Google": 1}
    assert overview["by_version"] == {"1.2": 2, "1.0": 1}
    assert overview["timeouts"] == {"heartbeat": 30, "agent": 90, "installation": 300}
    assert {item["scanner"]: item["clusters"] for item in overview["coverage"]} == dict.fromkeys(ALL, 3)
    assert all(not item["lacking"] or "checkov" in item["lacking"] for item in overview["coverage"])
    await seen(fleet, 1, cluster="east")
    await fleet.rows("DELETE FROM node WHERE name = 'c'")
    await fleet.rows("DELETE FROM cluster WHERE name = 'quiet'")
    assert (await service.get(CLUSTERS))["overview"]["monitored_correctly"]


async def test_the_inventory_is_searched_filtered_and_ordered(service: RunningService, fleet: Fleet) -> None:
    await three_clusters(fleet)
    west = (await listed(service))["west"]
    body = {"cluster_ids": [west["id"]], "scanners": ["sca"], "retention_days": 30}
    await service.request("PUT", CONFIGURATION, body)
    for query, expected in (
        ("", ["east", "quiet", "west"]),
        ("search=AWS%20eu-w", ["east"]),
        ("search=1.2", ["east", "west"]),
        ("search=%25", []),
        ("status=failed", ["east", "quiet"]),
        ("status=failed&status=running", ["east", "quiet", "west"]),
        ("provider=Google", ["west"]),
        ("installation=controller_and_sensors", ["east"]),
        ("without_scanner=contextual_analysis", ["west"]),
        ("without_scanner=sca", []),
        ("order_by=name&descending=true", ["west", "quiet", "east"]),
        ("order_by=status", ["east", "quiet", "west"]),
        ("order_by=sensors&descending=true", ["east", "quiet", "west"]),
        ("order_by=controller&descending=true", ["quiet", "east", "west"]),
        ("order_by=provider&descending=true", ["west", "east", "quiet"]),
        ("order_by=location", ["quiet", "east", "west"]),
        ("order_by=version", ["quiet", "east", "west"]),
        ("order_by=created_at", ["east", "west", "quiet"]),
    ):
        assert list(await listed(service, query)) == expected, query
    for query in ("status=sad", "order_by=luck", "without_scanner=all", "search=a%00b"):
        await service.request("GET", f"{CLUSTERS}?{query}", expect=400)


# --- health over time ------------------------------------------------------------------------------------


@pytest.mark.req("M4", "M19", "D15")
async def test_a_sensor_that_is_killed_turns_failed_within_the_stated_time(database_url: str) -> None:
    timeout = 1.0
    settings = service_settings(database_url, agent_timeout=timeout)
    async with running_service(settings, background=False) as service:
        controller = await service.enrol("controller", "production")
        await controller.post(INVENTORY, batch(node("one"), cluster="production"))

        async def state() -> tuple[str, str]:
            row = (await listed(service))["production"]
            (status,) = [name for name, count in row["nodes_by_status"].items() if count]
            return row["installation"], status

        assert await state() == ("controller_only", "monitored")
        sensor = await service.enrol("sensor", "production", "one")

        async def beat() -> None:
            while True:
                await sensor.post(HEARTBEAT, wire.Heartbeat(version="1", node="one", started_at=STARTED))
                await asyncio.sleep(0.1)

        beating = asyncio.create_task(beat())
        await asyncio.sleep(1.5 * timeout)
        assert await state() == ("controller_and_sensors", "monitored_with_sensor")
        beating.cancel()
        killed_at = time.monotonic()

        async def has_failed() -> bool:
            return (await state())[1] == "failed"

        await eventually(has_failed)
        assert time.monotonic() - killed_at < timeout + 2


async def test_a_controller_says_on_which_node_it_runs(service: RunningService) -> None:
    controller = await service.enrol("controller", "production")
    beat = wire.Heartbeat(version="1", node="node-7", started_at=STARTED, problems=("slow",))
    await controller.post(HEARTBEAT, beat)
    shown = (await listed(service))["production"]["controller"]
    assert (shown["node_name"], shown["problems"], shown["status"]) == ("node-7", ["slow"], "running")


# --- configuration ---------------------------------------------------------------------------------------


async def configuration(service: RunningService) -> dict[str, tuple[list[str], int]]:
    """Scanners and retention by cluster."""
    rows = {name: cluster["configuration"] for name, cluster in (await listed(service)).items()}
    return {name: (row["scanners"], row["retention_days"]) for name, row in rows.items()}


@pytest.mark.req("A14", "A20", "A22", "A23", "A24", "A26")
async def test_many_clusters_are_configured_at_once_and_it_survives_a_restart(database_url: str, fleet: Fleet) -> None:
    for name in ("east", "north", "west"):
        await fleet.add_cluster(name)
    async with running_service(service_settings(database_url), background=False) as service:
        assert await configuration(service) == dict.fromkeys(("east", "north", "west"), (ALL, 90))
        ids = {name: row["id"] for name, row in (await listed(service)).items()}
        body: dict[str, Any] = {"cluster_ids": [ids["east"], ids["west"]], "scanners": ["iac", "sca", "sca"]}
        await service.request("PUT", CONFIGURATION, body | {"retention_days": 7}, expect=204)
    async with running_service(service_settings(database_url), background=False) as service:
        assert await configuration(service) == {
            "east": (["sca", "iac"], 7),
            "north": (ALL, 90),
            "west": (["sca", "iac"], 7),
        }
        coverage = (await service.get(CLUSTERS))["overview"]["coverage"]
        assert [item["clusters"] for item in coverage] == [3, 1, 1, 1, 1, 3]
        events = await service.rows("SELECT data FROM event WHERE type = 'ClusterConfigured'")
        assert {row.data["cluster_id"] for row in events} == {ids["east"], ids["west"]}
        group = {"cluster_ids": [ids["north"]], "scanners": ["exposures"]}
        await service.request("PUT", CONFIGURATION, group)
        assert (await configuration(service))["north"] == (ALL[2:], 90)
        shown = (await listed(service))["north"]
        assert (shown["configuration"]["configured_by"], shown["problems"][-1]["kind"]) == (
            "admin",
            "core_scanners_off",
        )


@pytest.mark.req("A24")
async def test_a_batch_that_names_a_cluster_that_is_not_there_changes_none(
    service: RunningService, fleet: Fleet
) -> None:
    east = str(await fleet.add_cluster("east"))
    missing = str(uuid4())
    body = {"cluster_ids": [east, missing], "scanners": [], "retention_days": 1}
    refused = await service.request("PUT", CONFIGURATION, body, expect=404)
    assert missing in refused["message"]
    assert await configuration(service) == {"east": (ALL, 90)}
    mistakes: tuple[dict[str, Any], ...] = (
        {"retention_days": 0},
        {"retention_days": 1001},
        {"scanners": ["everything"]},
        {"cluster_ids": []},
        {"cluster_ids": ["east"]},
    )
    for wrong in mistakes:
        await service.request("PUT", CONFIGURATION, body | wrong, expect=400)
    await service.request("PUT", CONFIGURATION, body | {"cluster_ids": [east]})
    await service.request("PUT", CONFIGURATION, body | {"cluster_ids": [east]})
    assert len(await service.rows("SELECT FROM event WHERE type = 'ClusterConfigured'")) == 1


# --- removal ---------------------------------------------------------------------------------------------


async def test_a_cluster_that_is_removed_is_gone_with_what_ran_there_and_comes_back_only_with_a_new_token(
    service: RunningService,
) -> None:
    controller = await service.enrol("controller", "production")
    running = container("registry.example/shop/web:1", "sha256:" + "a" * 64)
    told = batch(node(), workload(), pod(running), cluster="production")
    await controller.post(INVENTORY, told)
    path = f"{CLUSTERS}/{controller.cluster_id}"
    await service.request("DELETE", path, expect=204)
    await service.request("DELETE", path, expect=404)
    await service.request("GET", path, expect=404)
    assert await listed(service) == {}
    assert (await service.post("/runtime/api/v1/clusters", {}))["total_count"] == 0
    assert (await controller.post(INVENTORY, told))[0] == 403
    (event,) = await service.rows("SELECT data FROM event WHERE type = 'WorkloadChanged' ORDER BY id DESC LIMIT 1")
    assert (event.data["removed"], event.data["image_tag_ids"]) == (True, [])
    assert (await service.get("/api/v1/image-tags"))["total"] == 0
    with pytest.raises(AssertionError, match="has been removed"):
        await service.enrol("controller", "production")
    service.registration_token = (await service.post("/runtime/api/v1/registration_token"))["access_token"]
    again = await service.enrol("controller", "production")
    assert again.cluster_id == controller.cluster_id
    status, answer = await again.post(INVENTORY, batch(node(), cluster="production", batch_id="second"))
    assert (status, answer.get("resync", False)) == (200, False)
    assert list(await listed(service)) == ["production"]
