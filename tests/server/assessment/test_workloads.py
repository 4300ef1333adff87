"""Lists of workloads and of what they execute."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.server.assessment.shop import shop
from tests.support.fleet import Fleet
from tests.support.inventory import STARTED
from tests.support.service import RunningService
from tests.support.watched import observe, seen, watched

from deadlight.server.assessment import workload_export

WORKLOADS, PROCESSES = "/api/v1/workloads", "/api/v1/processes"


async def names(service: RunningService, query: str = "", path: str = WORKLOADS) -> list[str]:
    """Workloads or processes in order."""
    field = path.rpartition("/")[2]
    return [row["name"] for row in (await service.get(f"{path}?{query}"))[field]]


async def pages(service: RunningService, path: str, query: str) -> list[str]:
    """Every row, two at a time."""
    field, found, key = path.rpartition("/")[2], [], ""
    while True:
        page = await service.get(f"{path}?limit=2&{query}&next_key={key}")
        found += [f"{row['name']} {row.get('namespace', row.get('image'))}" for row in page[field]]
        key = page["next_key"]
        if not key:
            assert page["total"] == len(found)
            return found


# --- workloads -------------------------------------------------------------------------------------------


@pytest.mark.req("R26", "F5")
async def test_workloads_are_listed_with_what_is_wrong_with_them_and_filtered(
    service: RunningService, fleet: Fleet
) -> None:
    await shop(fleet)
    (cron, web, *_) = (await service.get(WORKLOADS))["workloads"]
    assert (cron["name"], cron["kind"], cron["risks"]) == ("cron", "CronJob", ["malicious"])
    assert web | {"id": 0, "cluster_id": ""} == {
        "id": 0,
        "name": "web",
        "namespace": "shop",
        "kind": "Deployment",
        "cluster": "east",
        "cluster_id": "",
        "demonstration": False,
        "architectures": ["amd64"],
        "runtime_status": "running",
        "nodes": ["node-1"],
        "risks": ["integrity_violation"],
        "severities": {"Critical": 1, "High": 1, "Medium": 0, "Low": 1, "Unknown": 0},
        "scan_state": "scanned",
        "detections": dict.fromkeys(("Critical", "High", "Medium", "Low", "Unknown"), 0),
        "images_count": 2,
        "processes_count": 0,
    }
    everything = ["cron", "web", "web", "api"]
    for query, expected in (
        ("", everything),
        ("risk=integrity_violation", ["web", "web"]),
        ("risk=untrusted_registry&risk=malicious", ["cron", "api"]),
        ("severity=Low", ["web", "web", "api"]),
        ("cluster=west&order=name", ["api", "web"]),
        ("namespace=staging", ["web"]),
        ("workload_type=CronJob", ["cron"]),
        ("cve=CVE-2026-0001", ["web", "web"]),
        ("repository=registry.example/tools", ["cron"]),
        ("package=curl&package_version=7.88&order=name", ["api", "web", "web"]),
        ("node=node-9", ["web"]),
        ("search=WEB", ["web", "web"]),
        ("search=staging/we", ["web"]),
        ("search=tools", ["cron"]),
        ("period=1%20hour&search=gone", ["gone"]),
        ("search=%25", []),
    ):
        assert await names(service, query) == expected, query
    summary = await service.get(f"{WORKLOADS}/summary?severity=Low&risk=integrity_violation")
    assert summary == {
        "matching": 2,
        "total": 4,
        "risks": {
            "malicious": 0,
            "integrity_violation": 2,
            "critical_applicable_cves": 0,
            "untrusted_registry": 1,
        },
        "is_connected": True,
        "has_sensors": False,
    }


@pytest.mark.req("R33")
async def test_a_workload_that_sensors_see_has_the_risks_of_what_its_processes_use(
    service: RunningService, fleet: Fleet
) -> None:
    await watched(fleet)
    listed = {row["name"]: row for row in (await service.get(WORKLOADS))["workloads"]}
    assert listed["unseen"]["risks"] == ["malicious"]  # nobody looked: what its image has
    assert sum(listed["unseen"]["severities"].values()) == 3
    assert (listed["quiet"]["risks"], listed["quiet"]["processes_count"]) == ([], 1)
    assert sum(listed["quiet"]["severities"].values()) == 0
    assert (listed["busy"]["risks"], listed["busy"]["processes_count"]) == (["malicious"], 3)
    assert (listed["busy"]["severities"]["Critical"], listed["busy"]["severities"]["High"]) == (2, 1)
    assert await names(service, "severity=High&order=name") == ["busy", "unseen"]
    assert await names(service, "process=curl") == ["busy"]


async def test_workloads_of_unknown_images_say_so(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    trusted = await fleet.add_image_tag("shop/new", "1")
    untrusted = await fleet.add_image_tag("shop/foreign", "1", registry="other.example")
    await fleet.rows(
        "INSERT INTO verdict (image_tag_id, status, reason) VALUES (:id, 'Untrusted Registry', '')", id=untrusted
    )
    scanned = (await fleet.rows("SELECT id FROM image_tag WHERE repository = 'shop/clean'"))[0].id
    for name, images in (("new", [trusted]), ("foreign", [untrusted]), ("partly", [trusted, scanned])):
        await fleet.deploy(*images, name=name, cluster="more")
    found = (await service.get(f"{WORKLOADS}?cluster=more&order=name"))["workloads"]
    assert [(row["name"], row["scan_state"], row["severities"] is None) for row in found] == [
        ("foreign", "unknown", True),
        ("new", "not_scanned", True),
        ("partly", "partly", False),
    ]


@pytest.mark.parametrize("order", ["risk", "vulnerabilities", "name", "cluster", "status", "registry"])
async def test_every_workload_is_on_one_page(service: RunningService, fleet: Fleet, order: str) -> None:
    images = await shop(fleet)
    for number in range(5):
        image = list(images.values())[number]
        await fleet.deploy(image.image_tag_id, name="same", namespace=f"n{number}", cluster=f"c{number % 2}")
    whole = await pages(service, WORKLOADS, f"order={order}&period=1%20hour")
    assert len(whole) == len(set(whole)) == 10
    rest = (await service.get(f"{WORKLOADS}?order={order}&period=1%20hour&limit=3"))["next_key"]
    await fleet.rows("DELETE FROM placement WHERE workload_id = (SELECT id FROM workload WHERE name = 'api')")
    await fleet.deploy(images["web"].image_tag_id, name="aaa", cluster="b")
    await service.get(f"{WORKLOADS}?order={order}&period=1%20hour&next_key={rest}")
    await service.request("GET", f"{WORKLOADS}?order={order}&next_key=made-up", expect=400)


@pytest.mark.req("R27", "F2")
async def test_a_workloads_page_has_its_images_pods_and_who_deployed_it(service: RunningService, fleet: Fleet) -> None:
    images = await shop(fleet)
    annotations = {"deadlight.dev/deployed-by": "ada"}
    running = await fleet.deploy(images["web"].image_tag_id, name="page", annotations=annotations)
    found = await service.get(f"{WORKLOADS}/{running.workload_id}")
    assert (found["name"], found["pods_count"], found["desired"]) == ("page", 1, 1)
    assert found["pods"] == [{"name": "page-1", "node": "node-1", "phase": "Running", "containers": [""]}]
    assert [image["repository"] for image in found["images"]] == ["shop/web"]
    await fleet.undeploy(running.workload_id)
    gone = await service.get(f"{WORKLOADS}/{running.workload_id}")
    assert (gone["runtime_status"], gone["pods"], len(gone["images"])) == ("stopped", [], 1)
    for missing in ("999999", str(2**63 - 1)):
        await service.request("GET", f"{WORKLOADS}/{missing}", expect=404)
    await service.request("GET", f"{WORKLOADS}/{2**63}", expect=400)


# --- processes -------------------------------------------------------------------------------------------


@pytest.mark.req("R17", "R30", "R33")
async def test_processes_are_gathered_over_workloads_with_the_risks_of_what_they_use(
    service: RunningService, fleet: Fleet
) -> None:
    await watched(fleet)
    (dropped, curl, server) = (await service.get(PROCESSES))["processes"]
    assert (dropped["name"], dropped["risks"], dropped["changed"]) == ("x", ["malicious"], True)
    assert (curl["name"], curl["severities"]["Critical"], curl["severities"]["High"]) == ("curl", 1, 1)
    assert server | {"program_id": "", "image_digest": "", "image_tag_id": 0} == {
        "program_id": "",
        "image_tag_id": 0,
        "name": "server",
        "path": "/app/server",
        "arguments": "--port 80",
        "sha256": "",
        "image": "registry.example/shop/web:1.0.0",
        "image_digest": "",
        "architecture": "amd64",
        "runtime_status": "running",
        "risks": [],
        "severities": dict.fromkeys(("Critical", "High", "Medium", "Low", "Unknown"), 0),
        "scan_state": "scanned",
        "changed": False,
        "workloads_count": 2,
        "last_seen_at": (STARTED + timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
        "demonstration": False,
    }
    for query, expected in (
        ("search=--port", ["server"]),
        ("search=/TMP", ["x"]),
        ("process=curl&process=x", ["x", "curl"]),
        ("path=/usr/bin/curl", ["curl"]),
        ("process=curl&path=/app/server", []),
        ("risk=malicious", ["x"]),
        ("severity=High", ["curl"]),
        ("workload=quiet", ["server"]),
        ("cluster=blind", []),
        ("order=name", ["curl", "server", "x"]),
        ("order=workloads&limit=1", ["server"]),
    ):
        assert await names(service, query, PROCESSES) == expected, query
    summary = await service.get(f"{PROCESSES}/summary?search=tmp")
    assert (summary["matching"], summary["total"], summary["risks"]["malicious"]) == (1, 3, 1)
    assert summary["has_sensors"]


async def test_a_process_runs_as_long_as_one_of_its_workloads_does(service: RunningService, fleet: Fleet) -> None:
    running = await watched(fleet)
    await fleet.undeploy(running["busy"].workload_id)
    assert await names(service, "", PROCESSES) == ["server"]
    listed = (await service.get(f"{PROCESSES}?period=1%20hour&order=name"))["processes"]
    assert [(row["name"], row["runtime_status"], row["workloads_count"]) for row in listed] == [
        ("curl", "stopped", 1),
        ("server", "running", 2),
        ("x", "stopped", 1),
    ]


@pytest.mark.parametrize("order", ["risk", "vulnerabilities", "workloads", "seen", "name"])
async def test_every_process_is_on_one_page(service: RunningService, fleet: Fleet, order: str) -> None:
    await watched(fleet)
    other = await fleet.add_image(repository="shop/other")
    running = await fleet.deploy(other.image_tag_id, name="other", cluster="watched")
    await observe(
        fleet, "watched", *(seen(running.container_ids[0], path, "x") for path in ("/tmp/dropped", "/b", "/c"))
    )
    whole = await pages(service, PROCESSES, f"order={order}")
    assert len(whole) == 6
    await service.request("GET", f"{PROCESSES}?order={order}&next_key=made-up", expect=400)


@pytest.mark.req("R18", "R30")
async def test_a_processs_page_has_its_workloads_vulnerabilities_and_files(
    service: RunningService, fleet: Fleet
) -> None:
    await watched(fleet)
    (curl,) = (await service.get(f"{PROCESSES}?process=curl"))["processes"]
    path = f"{PROCESSES}/{curl['image_tag_id']}/{curl['program_id']}"
    found = await service.get(path)
    assert [(item["name"], item["nodes"], item["cluster"]) for item in found["workloads"]] == [
        ("busy", ["node-2"], "watched")
    ]
    assert (found["image_tag"]["repository"], found["name"]) == ("shop/web", "curl")
    vulnerabilities = await service.get(f"{path}/vulnerabilities")
    assert [(item["vulnerability"], item["package"], item["grade"]) for item in vulnerabilities] == [
        ("CVE-2026-0001", "openssl", "mapped"),
        ("CVE-2026-0002", "curl", "executed"),
    ]
    files = await service.get(f"{path}/files")
    assert [(item["path"], item["grade"], item["count"]) for item in files] == [
        ("/etc/hosts", "opened", 3),
        ("/usr/lib/libssl.so", "mapped", 1),
    ]
    (dropped,) = (await service.get(f"{PROCESSES}?process=x"))["processes"]
    (file,) = await service.get(f"{PROCESSES}/{dropped['image_tag_id']}/{dropped['program_id']}/files")
    assert file["path"] == "/app/evil.py"  # by a thread of its own name
    for missing in (f"{PROCESSES}/999/{curl['program_id']}", f"{PROCESSES}/{curl['image_tag_id']}/{uuid4()}"):
        for part in ("", "/vulnerabilities", "/files"):
            await service.request("GET", missing + part, expect=404)


@pytest.mark.req("R17", "R33")
async def test_the_processes_of_a_workload_are_those_of_its_page_and_of_the_runtime_api(
    service: RunningService, fleet: Fleet
) -> None:
    running = await watched(fleet)
    listed = await service.get(f"{WORKLOADS}/{running['busy'].workload_id}/processes")
    assert [item["name"] for item in listed] == ["x", "curl", "server"]
    body = {"filters": {"workloads": [{"name": "busy"}]}}
    (workload,) = (await service.post("/runtime/api/v1/workloads", body))["workloads"]
    assert (workload["risks"], workload["vulnerabilities_count"]) == (["malicious"], 3)
    dropped, curl, server = workload["processes"]
    assert dropped["malicious_packages"] == [
        {"xray_id": "MAL-2026-0001", "components": [{"id": "pkg:pypi/evil@1.0", "name": "evil", "version": "1.0"}]}
    ]
    assert [item["cve_id"] for item in curl["vulnerabilities"]] == ["CVE-2026-0001", "CVE-2026-0002"]
    image_digest = server.pop("image_digest")
    assert image_digest.startswith("sha256:")
    assert server == {
        "name": "server",
        "runtime_status": "running",
        "risks": [],
        "vulnerabilities": [],
        "malicious_packages": [],
        "arguments": "--port 80",
        "path": "/app/server",
        "working_directory": "",
        "process_hash": "",
    }


async def test_exports_have_every_row_that_meets_the_filters(
    service: RunningService, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched(fleet)
    monkeypatch.setattr(workload_export, "ROWS_AT_ONCE", 1)
    headers = {"authorization": f"Bearer {service.api_token}"}
    for path, first in ((WORKLOADS, "busy"), (PROCESSES, "curl")):
        async with service.http.get(f"{service.url}{path}/export?format=csv", headers=headers) as response:
            rows = list(csv.DictReader(io.StringIO(await response.text())))
        exported = await service.get(f"{path}/export?format=json&severity=High&severity=Critical&order=name")
        assert (len(rows), rows[0]["name"]) == (3, first)
        assert exported[0]["name"] == first
        assert rows[0]["high"] == str(exported[0]["high"]) == "1"
    monkeypatch.setattr(workload_export, "MOST_ROWS", 2)
    for path in (WORKLOADS, PROCESSES):
        refusal = await service.request("GET", f"{path}/export", expect=400)
        assert "at most 2 rows, this one would have 3" in refusal["message"]
