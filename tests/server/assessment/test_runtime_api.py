"""The public Runtime API: documented shapes, filters and pages."""

from itertools import chain
from typing import Any
from uuid import uuid4

import pytest
from tests.server.assessment.shop import pages, shop
from tests.support.fleet import Fleet, digest
from tests.support.service import RunningService

IMAGES, WORKLOADS, CLUSTERS = (f"/runtime/api/v1/{name}" for name in ("images/tags", "workloads", "clusters"))


async def repositories(service: RunningService, **filters: Any) -> list[str]:
    answer = await service.post(IMAGES, {"order_by": "name", "filters": filters})
    assert answer["total_count"] == len(answer["image_tags"])
    return [item["repository_path"] for item in answer["image_tags"]]


async def workloads(service: RunningService, **filters: Any) -> list[str]:
    answer = await service.post(WORKLOADS, {"filters": filters})
    assert answer["total_count"] == len(answer["workloads"])
    return [f"{item['cluster']}/{item['namespace']}/{item['name']}" for item in answer["workloads"]]


# --- shapes ----------------------------------------------------------------------------------------------


@pytest.mark.req("R16", "R28", "I28")
async def test_an_image_tag_has_the_documented_shape(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    answer = await service.post(IMAGES, {"filters": {"component": [{"name": "openssl", "version": "3.0.1-1"}]}})
    assert answer.keys() == {"total_count", "pagination", "image_tags"}
    assert answer["pagination"] == {"limit": 10, "next_key": ""}
    (image,) = answer["image_tags"]
    vulnerabilities = image.pop("vulnerabilities")
    places = image.pop("workloads")
    assert image == {
        "name": "web",
        "tag": "1.0.0",
        "architecture": "amd64",
        "registry": "registry.example",
        "repository_path": "shop/web",
        "runtime_status": "running",
        "scan_info": {"sca": "done"},
        "risks": ["integrity_violation"],
        "malicious_packages": [],
        "image_digest": digest("registry.example/shop/web:1.0.0"),
    }
    assert places == [
        {"name": "web", "namespace": "shop", "cluster": "east"},
        {"name": "web", "namespace": "staging", "cluster": "west"},
    ]
    assert vulnerabilities[0] == {
        "cve_id": "CVE-2026-0001",
        "xray_id": "",
        "severity": "Critical",
        "cvss_v2": None,
        "cvss_v3": 9.8,
        "applicability": "not_covered",
        "fix_version": "9",
        "components": [{"id": "pkg:deb/debian/openssl@3.0.1-1", "name": "openssl", "version": "3.0.1-1"}],
    }
    assert [item["cve_id"] for item in vulnerabilities] == ["CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003"]
    (evil,) = (await service.post(IMAGES, {"filters": {"risk": ["malicious"]}}))["image_tags"]
    assert evil["malicious_packages"] == [
        {
            "xray_id": "MAL-2026-0001",
            "components": [{"id": "pkg:pypi/evil@1.0", "name": "evil", "version": "1.0"}],
        }
    ]
    assert evil["vulnerabilities"] == []


@pytest.mark.req("R16", "R26")
async def test_a_workload_has_the_documented_shape(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    (found,) = (await service.post(WORKLOADS, {"filters": {"workloads": [{"name": "web", "cluster": "east"}]}}))[
        "workloads"
    ]
    assert found == {
        "name": "web",
        "namespace": "shop",
        "cluster": "east",
        "runtime_status": "running",
        "nodes": ["node-1"],
        "architecture": "amd64",
        "risks": ["integrity_violation"],
        "vulnerabilities_count": 3,
        "processes": [],
    }


@pytest.mark.req("R25", "R22", "M14")
async def test_clusters_and_their_nodes_have_the_documented_shape(service: RunningService, fleet: Fleet) -> None:
    east = str(await fleet.add_cluster("east", provider="AWS", regions=["eu-west-1"]))
    recently, long_ago = "now() - interval '1 second'", "now() - interval '1 hour'"
    await fleet.add_agent("controller", cluster="east", version="1.2")
    for name, more in (("running", {}), ("silent", {}), ("never", {}), ("off", {"sensor_disabled": True})):
        await fleet.add_node(name, cluster="east", region="eu-west-1a", hostname=f"{name}.internal", **more)
    await fleet.rows(f"UPDATE node SET first_seen_at = {long_ago}")
    for name in ("running", "silent", "off"):
        await fleet.add_agent("sensor", name, cluster="east", version="1.1")
    await fleet.rows(f"UPDATE agent SET last_seen_at = {recently}, enrolled_at = {long_ago}")
    await fleet.rows(f"UPDATE agent SET last_seen_at = {long_ago} WHERE node_name = 'silent'")
    await fleet.add_node("plain", cluster="west")
    answer = await service.post(CLUSTERS, {})
    assert (answer["total_count"], answer["pagination"]) == (2, {"limit": 10, "next_key": ""})
    listed, west = answer["clusters"]
    assert listed.pop("monitored_at")
    assert listed.pop("controller_last_updated")
    assert listed == {
        "id": east,
        "name": "east",
        "controller_version": "1.2",
        "controller_status": "running",
        "provider": "AWS",
        "regions": ["eu-west-1"],
        "nodes_count": 4,
        "running_nodes_count": 1,
        "failed_nodes_count": 1,
        "failed_to_install_nodes_count": 1,
        "disabled_nodes_count": 1,
        "demonstration": False,
    }
    assert (west["controller_status"], west["controller_last_updated"]) == ("stopped", None)
    for path in (f"/runtime/api/v1/cluster/{east}", f"/runtime/api/v1/clusters/{east}/"):
        detail = await service.get(path)
        assert {node["name"]: node["status"] for node in detail["nodes"]} == {
            "never": "installation_failed",
            "off": "disabled",
            "running": "monitored_with_sensor",
            "silent": "failed",
        }
        assert detail["nodes"][0].keys() >= {
            "id",
            "name",
            "hostname",
            "architecture",
            "internal_dns",
            "internal_ip",
            "region",
            "monitored_at",
            "sensor_installed",
            "sensor_last_updated",
            "sensor_version",
            "status",
        }
    (node,) = (await service.get(f"/runtime/api/v1/cluster/{west['id']}"))["nodes"]
    assert (node["status"], node["sensor_installed"]) == ("monitored", False)
    await service.request("GET", f"/runtime/api/v1/cluster/{uuid4()}", expect=404)
    await service.request("GET", "/runtime/api/v1/cluster/east", expect=400)


# --- filters ---------------------------------------------------------------------------------------------


@pytest.mark.req("F5", "R16", "I28")
async def test_image_tags_are_filtered_in_every_documented_way_and_spelling(
    service: RunningService, fleet: Fleet
) -> None:
    await shop(fleet)
    everything = ["shop/api", "shop/clean", "shop/web", "tools/evil"]
    assert await repositories(service) == everything
    for filters, expected in (
        ({"cluster": ["west"]}, ["shop/api", "shop/web"]),
        ({"cluster": [str(await fleet.add_cluster("west"))]}, ["shop/api", "shop/web"]),
        ({"cluster": ["east", "west"]}, everything),
        ({"cluster": ["nowhere"]}, []),
        ({"namespace": ["tools"]}, ["tools/evil"]),
        ({"cluster": ["west"], "namespace": ["tools"]}, []),
        ({"cve_id": ["CVE-2026-0003"]}, ["shop/api", "shop/web"]),
        ({"cve_id": ["GHSA-aaaa-bbbb-cccc"]}, ["shop/web"]),
        ({"cve_id": ["CVE-1999-0001"]}, []),
        ({"severity": ["critical"]}, ["shop/web", "tools/evil"]),
        ({"severity": ["HIGH"]}, ["shop/web"]),
        ({"severity": None, "risk": None}, everything),
        ({"severities": ["Low"]}, ["shop/api", "shop/web"]),
        ({"risk": ["integrity_violation"]}, ["shop/web"]),
        ({"risk": ["untrusted_registry_images"]}, ["shop/api"]),
        ({"risk": ["untrusted_registry", "malicious"]}, ["shop/api", "tools/evil"]),
        ({"risk": ["critical_applicable"]}, []),
        ({"component": [{"name": "curl"}]}, ["shop/api", "shop/web"]),
        ({"component": [{"name": "curl", "version": "8"}]}, []),
        ({"applicability": ["applicable"]}, []),
        ({"time_period": "24 hours"}, ["shop/api", "shop/clean", "shop/gone", "shop/web", "tools/evil"]),
        ({"unknown_filter": ["x"]}, everything),
        ({"cluster": ["' OR true --"]}, []),
    ):
        assert await repositories(service, **filters) == expected, filters


@pytest.mark.req("R16")
async def test_workloads_are_filtered(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    everything = ["west/shop/api", "east/tools/cron", "east/shop/web", "west/staging/web"]
    assert await workloads(service) == everything
    for filters, expected in (
        ({"cluster": ["west"]}, ["west/shop/api", "west/staging/web"]),
        ({"namespace": ["shop"]}, ["west/shop/api", "east/shop/web"]),
        ({"workloads": [{"name": "web"}, {"namespace": "tools"}]}, everything[1:]),
        ({"workloads": [{"name": "web", "namespace": "staging", "cluster": "east"}]}, []),
        ({"cve_id": ["CVE-2026-0001"]}, ["east/shop/web", "west/staging/web"]),
        ({"risk": ["malicious"]}, ["east/tools/cron"]),
        ({"time_period": "1 hour"}, [*everything[:2], "east/shop/gone", *everything[2:]]),
    ):
        assert await workloads(service, **filters) == expected, filters


async def test_wrong_requests_are_refused_in_the_documented_words(service: RunningService) -> None:
    for path in (IMAGES, WORKLOADS, CLUSTERS):
        for limit in (0, 101, -1):
            refusal = await service.post(path, {"limit": limit}, expect=400)
            assert refusal["message"] == "limit should be between 1 and 100"
        assert "start again" in (await service.post(path, {"next_key": "made up"}, expect=400))["message"]
    for path, orders in ((IMAGES, "risks, name, repository_path, registry"), (WORKLOADS, "name, cluster")):
        assert orders in (await service.post(path, {"order_by": "colour"}, expect=400))["message"]
    for filters in (
        {"time_period": "2 years"},
        {"risk": ["boredom"]},
        {"severity": ["Extreme"]},
        {"severity": [7]},
        {"risk": 7},
        {"cluster": "east"},
        {"cve_id": ["x"] * 101},
        {"component": [{"version": "1"}]},
        {"namespace": ["a\0b"]},
    ):
        refusal = await service.post(IMAGES, {"filters": filters}, expect=400)
        assert refusal["code"] == "bad_request"


# --- pages -----------------------------------------------------------------------------------------------


async def many(fleet: Fleet) -> int:
    """Images and workloads that share names, so that order and uniqueness depend on more than these."""
    number = 0
    for registry in ("a.example", "b.example"):
        for repository in ("shop/web", "Shop/web"):
            for tag in ("1", "10", "2"):
                number += 1
                image = await fleet.add_image_tag(repository, tag, digest(number), registry=registry)
                name = "same" if number % 3 else f"w{number}"
                await fleet.deploy(image, name=name, namespace=f"n{number}", cluster=f"c{number % 2}")
    return number


ORDERS = {IMAGES: ("", "risks", "name", "repository_path", "registry"), CLUSTERS: ("",)} | {
    WORKLOADS: (
        "",
        "name",
        "cluster",
        "runtime_status",
        "registry",
        "risks",
        "vulnerabilties_count",
        "vulnerabilities_count",
    )
}
FIELDS = {IMAGES: "image_tags", WORKLOADS: "workloads", CLUSTERS: "clusters"}


def identity(item: dict[str, Any]) -> Any:
    """What tells an image tag, workload or cluster from others."""
    return item.get("image_digest") or item.get("id") or str(item)


async def test_pages_of_any_size_in_any_order_hold_every_row_exactly_once(
    service: RunningService, fleet: Fleet
) -> None:
    count = await many(fleet)
    for path, orders in ORDERS.items():
        for order in orders:
            ((everything),) = await pages(service, path, FIELDS[path], limit=100, order_by=order)
            assert len(everything) == (2 if path == CLUSTERS else count)
            for limit in (2, 5, count):
                found = await pages(service, path, FIELDS[path], limit=limit, order_by=order)
                assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
                assert found[-1]
                assert list(map(identity, chain(*found))) == list(map(identity, everything)), (path, order, limit)


async def test_a_page_goes_on_where_it_was_although_rows_before_it_went(service: RunningService, fleet: Fleet) -> None:
    await many(fleet)
    first = await service.post(IMAGES, {"order_by": "name", "limit": 5})
    rest = await pages(service, IMAGES, "image_tags", order_by="name", limit=100)
    async with fleet.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM container WHERE image_tag_id <= 2")
    key = first["pagination"]["next_key"]
    second = await service.post(IMAGES, {"order_by": "name", "limit": 100, "last_key": key})
    assert set(map(identity, second["image_tags"])) <= set(map(identity, rest[0][5:]))
    assert not set(map(identity, second["image_tags"])) & set(map(identity, first["image_tags"]))
