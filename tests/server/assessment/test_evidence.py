"""Who used what, what identifies a program, whether it runs, and what it rests on that something was not seen."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.fleet import Fleet, installed, package
from tests.support.inventory import STARTED
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.service import RunningService
from tests.support.watched import observe, seen, watched

from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.findings.service import assess_image
from deadlight.server.runtime.watch import follow_coverage

PROCESSES, WORKLOADS = "/api/v1/processes", "/api/v1/workloads"
HASH = "a" * 64
NOT_WATCHED = "Not seen is not proven: 1 of 1 container was not watched by a sensor."


async def cover(fleet: Fleet, *container_ids: str, cluster: str = "watched") -> None:
    """A sensor has watched these since their first program."""
    told = [wire.ContainerCoverage(container_id=name, since=STARTED, from_start=True) for name in container_ids]
    cluster_id = await fleet.add_cluster(cluster)
    async with fleet.engine.begin() as connection:
        await follow_coverage(connection, cluster_id, told)


@pytest.mark.req("R18", "D21")
async def test_evidence_names_who_used_a_package_and_what_it_rests_on_where_nobody_did(
    service: RunningService, fleet: Fleet
) -> None:
    await import_records(fleet.engine, osv("CVE-2026-0001", "curl", severity=CRITICAL), osv("CVE-2026-0002", "tar"))
    files = (("curl", "/usr/bin/curl"), ("tar", "/usr/bin/tar"), ("sed", "/usr/bin/sed"))
    image = await fleet.add_image(*(installed(package(name), path) for name, path in files))
    (container,) = (await fleet.deploy(image.image_tag_id, cluster="watched")).container_ids
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    used = seen(container, "/usr/bin/curl", "fetch", Grade.MAPPED, pid=8, user=33, program="/usr/bin/python3", count=2)
    read = seen(container, "/usr/bin/tar", "dpkg", Grade.OPENED, tool=True)
    await observe(fleet, "watched", used, read)
    await observe(fleet, "watched", used)
    page = f"/api/v1/image-tags/{image.image_tag_id}"
    found = await service.get(f"{page}/packages")
    by_name = {item["name"]: item for item in found["packages"]}
    names = ("grade", "path", "process", "program", "pid", "user", "count")
    evidence = {name: by_name["curl"][name if name == "grade" else f"evidence_{name}"] for name in names}
    assert evidence == {
        "grade": "mapped",
        "path": "/usr/bin/curl",
        "process": "fetch",
        "program": "/usr/bin/python3",
        "pid": 8,
        "user": 33,
        "count": 4,
    }
    assert by_name["curl"]["first_seen_running_at"] == STARTED.isoformat().replace("+00:00", "Z")
    assert [by_name[name]["read_by_tool"] for name in ("curl", "tar", "sed")] == ["", "dpkg", ""]
    assert (by_name["tar"]["grade"], by_name["tar"]["evidence_pid"]) == (None, None)
    assert (found["coverage"]["level"], found["coverage"]["statement"]) == ("none", NOT_WATCHED)
    findings = await service.get(f"{page}/vulnerabilities")
    assert findings["coverage"] == found["coverage"]
    assert {item["package"]: item["grade"] for item in findings["vulnerabilities"]} == {"curl": "mapped", "tar": None}
    await cover(fleet, container)
    for name, expected in (("CVE-2026-0001", ("curl", 4, "")), ("CVE-2026-0002", ("tar", None, "dpkg"))):
        detail = await service.get(f"{page}/vulnerabilities/{name}")
        (item,) = detail["packages"]
        assert (item["name"], item["evidence_count"], item["read_by_tool"]) == expected
    assert (detail["coverage"]["level"], detail["coverage"]["from_start"]) == ("complete", 1)
    assert detail["coverage"]["statement"].startswith("Watched since the first program for ")


async def test_a_workload_says_how_completely_it_is_watched(service: RunningService, fleet: Fleet) -> None:
    running = await watched(fleet)
    await cover(fleet, *running["busy"].container_ids)
    for name, level in (("busy", "complete"), ("quiet", "none")):
        found = await service.get(f"{WORKLOADS}/{running[name].workload_id}")
        assert found["coverage"]["level"] == level, name


@pytest.mark.req("R17", "R33")
async def test_a_process_has_a_hash_users_and_a_status_of_its_own(service: RunningService, fleet: Fleet) -> None:
    running = await watched(fleet)
    busy, quiet = running["busy"].container_ids[0], running["quiet"].container_ids[0]
    shell: dict[str, Any] = {"sha256": HASH, "arguments": ("sh",)}
    await observe(
        fleet,
        "watched",
        seen(busy, "/bin/sh", "sh", user=0, running=True, **shell),
        seen(quiet, "/bin/sh", "sh", user=33, running=True, **shell),
    )
    (listed,) = (await service.get(f"{PROCESSES}?process_hash={HASH.upper()}"))["processes"]
    assert (listed["name"], listed["sha256"], listed["runtime_status"], listed["workloads_count"]) == (
        "sh",
        HASH,
        "running",
        2,
    )
    assert [row["name"] for row in (await service.get(f"{PROCESSES}?search={HASH[:20]}"))["processes"]] == ["sh"]
    named = (await service.get(f"{WORKLOADS}?process_hash={HASH}&order=name"))["workloads"]
    assert [row["name"] for row in named] == ["busy", "quiet"]
    values = await service.get("/api/v1/images/facets/process_hash?text=aaa")
    assert [item["value"] for item in values["values"]] == [HASH]
    path = f"{PROCESSES}/{listed['image_tag_id']}/{listed['program_id']}"
    assert (await service.get(path))["users"] == [0, 33]
    for container, status in ((busy, "running"), (quiet, "stopped")):
        await observe(fleet, "watched", seen(container, "/bin/sh", "sh", running=False, count=0, **shell))
        assert (await service.get(path))["runtime_status"] == status
    listed_by_api = await service.post("/runtime/api/v1/workloads", {"filters": {"workloads": [{"name": "busy"}]}})
    (workload,) = listed_by_api["workloads"]
    assert {item["name"]: item["process_hash"] for item in workload["processes"]}["sh"] == HASH


async def test_a_program_that_was_known_without_its_hash_is_listed_once(service: RunningService, fleet: Fleet) -> None:
    running = await watched(fleet)
    before = await service.get(f"{PROCESSES}/summary")
    for container in running["busy"].container_ids:
        known = seen(container, "/usr/bin/curl", "curl", pid=2, sha256=HASH, last_at=STARTED + timedelta(minutes=9))
        await observe(fleet, "watched", known)
    (curl,) = (await service.get(f"{PROCESSES}?process=curl"))["processes"]
    assert curl["sha256"] == HASH
    assert (await service.get(f"{PROCESSES}/summary"))["total"] == before["total"]
