"""From a running image to its findings, and from a changed advisory to what it changes: the whole service at work."""

import asyncio
from typing import Any

import pytest
from tests.support.fleet import Fleet, installed, package
from tests.support.images import LABELS, OWNER, alpine, debian, image, python
from tests.support.inventory import batch, container, node, pod, workload
from tests.support.osv import CRITICAL, MEDIUM, import_records, osv
from tests.support.registries import serve_registry
from tests.support.service import RunningService, eventually

from deadlight.demo.images import BuiltImage
from deadlight.server.findings.jobs import AssessImage, reassess_stale, run_assess_image

WEB = image(debian({"libssl3": "3.0.1-1", "bash": "5.2-1"}, {"bash": ("/usr/bin/bash",)}), python("flask", "2.0.0"))
EDGE = image(alpine({"musl": "1.2.4-r2"}), labels={})

ADVISORIES = (
    osv("CVE-2026-1001", "libssl3", fixed="3.0.2-1", severity=CRITICAL),
    osv("GHSA-aaaa-bbbb-cccc", "flask", ecosystem="PyPI", fixed="2.0.1", severity="", aliases=["CVE-2026-1002"]),
    osv("CVE-2026-1002", "somewhere-else", severity=MEDIUM),
    osv("CVE-2026-1003", "musl", ecosystem="Alpine:v3.19", fixed="1.2.4-r3"),
)


async def run(service: RunningService, **images: tuple[str, BuiltImage]) -> None:
    """Tell the service that workloads run images."""
    workloads = {
        name: workload(name, annotations={"deadlight.io/deployed-by": "grace"} if name == "web" else {})
        for name in images
    }
    pods = [
        pod(container(reference, built.manifest.digest), name=name, owner=workloads[name])
        for name, (reference, built) in images.items()
    ]
    controller = await service.enrol()
    status, _ = await controller.post("/agent/v1/inventory", batch(node(), *workloads.values(), *pods))
    assert status == 200


async def page_of(service: RunningService, repository: str) -> Any:
    """The image tag's row in the list, once its vulnerabilities are known."""

    async def row() -> Any:
        rows = (await service.get("/api/v1/image-tags"))["image_tags"]
        return next((item for item in rows if item["repository"] == repository and item["severities"]), None)

    async def known() -> bool:
        return await row() is not None

    await eventually(known)
    return await row()


async def findings_of(service: RunningService, image_tag_id: int) -> dict[str, Any]:
    found = await service.get(f"/api/v1/image-tags/{image_tag_id}/vulnerabilities")
    return {row["vulnerability"]: row for row in found["vulnerabilities"]}


@pytest.mark.req("R3", "R9", "R13", "R14", "F1", "F2", "D20")
async def test_an_observed_image_is_pulled_catalogued_and_matched_and_its_people_are_named(
    whole_service: RunningService,
) -> None:
    async with serve_registry() as registry:
        await whole_service.post("/api/v1/registries", {"host": registry.host, "url": registry.url})
        await import_records(whole_service.services.engine, *ADVISORIES)
        await registry.push(WEB)
        await registry.push(EDGE, repository="shop/edge")
        web, edge = f"{registry.host}/shop/web:1.0.0", f"{registry.host}/shop/edge:1.0.0"
        await run(whole_service, web=(web, WEB), edge=(edge, EDGE))
        row = await page_of(whole_service, "shop/web")
        assert row["severities"] == {"Critical": 1, "High": 0, "Medium": 1, "Low": 0, "Unknown": 0}
        found = await findings_of(whole_service, row["id"])
        assert {name: (item["severity"], item["package"], item["fix_version"]) for name, item in found.items()} == {
            "CVE-2026-1001": ("Critical", "libssl3", "3.0.2-1"),
            "CVE-2026-1002": ("Medium", "flask", "2.0.1"),
        }
        known = await whole_service.get(f"/api/v1/image-tags/{row['id']}/vulnerabilities/CVE-2026-1002")
        assert [item["advisories"] for item in known["packages"]] == [["GHSA-aaaa-bbbb-cccc"]]
        assert known["severity_source"] in {item["id"] for item in known["advisories"]}
        assert "GHSA-aaaa-bbbb-cccc" in found["CVE-2026-1002"]["aliases"]
        packages = (await whole_service.get(f"/api/v1/image-tags/{row['id']}/packages"))["packages"]
        assert {item["name"]: item["vulnerabilities"] for item in packages} == {"bash": 0, "libssl3": 1, "flask": 1}
        alpine_row = await page_of(whole_service, "shop/edge")
        assert list(await findings_of(whole_service, alpine_row["id"])) == ["CVE-2026-1003"]

        detail = await whole_service.get(f"/api/v1/image-tags/{row['id']}")
        assert (detail["build_owner"]["value"], detail["build_owner"]["link"]) == (
            OWNER,
            LABELS["org.opencontainers.image.source"],
        )
        assert detail["build_owner"]["source"] == "image label org.opencontainers.image.authors"
        assert (await whole_service.get(f"/api/v1/image-tags/{alpine_row['id']}"))["build_owner"] is None
        (deployed,) = (await whole_service.get(f"/api/v1/image-tags/{row['id']}/workloads"))["workloads"]
        assert deployed["deployed_by"]["value"] == "grace"
        (unknown,) = (await whole_service.get(f"/api/v1/image-tags/{alpine_row['id']}/workloads"))["workloads"]
        assert unknown["deployed_by"] is None


@pytest.mark.req("R3", "R15")
async def test_a_changed_advisory_changes_findings_without_a_scan_and_queues_nothing_for_others(
    whole_service: RunningService,
) -> None:
    async with serve_registry() as registry:
        await whole_service.post("/api/v1/registries", {"host": registry.host, "url": registry.url})
        await import_records(whole_service.services.engine, *ADVISORIES)
        await registry.push(WEB)
        await registry.push(EDGE, repository="shop/edge")
        web, edge = f"{registry.host}/shop/web:1.0.0", f"{registry.host}/shop/edge:1.0.0"
        await run(whole_service, web=(web, WEB), edge=(edge, EDGE))
        row = await page_of(whole_service, "shop/web")
        await page_of(whole_service, "shop/edge")
        await whole_service.settle()
        untouched = "SELECT image_risk.* FROM image_risk JOIN image ON image.id = image_id WHERE distribution ~ 'Alp'"
        before = await whole_service.rows(untouched)
        async with whole_service.services.engine.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM pgqueuer_log")
        registry.asked.clear()

        changed = osv("CVE-2026-1001", "libssl3", fixed="3.0.3-1", severity=MEDIUM)
        withdrawn = ADVISORIES[1] | {"withdrawn": "2026-02-01T00:00:00Z"}
        await import_records(whole_service.services.engine, changed, withdrawn, *ADVISORIES[2:])

        async def followed() -> bool:
            return bool((await page_of(whole_service, "shop/web"))["severities"]["Critical"] == 0)

        await eventually(followed)
        await whole_service.settle()
        found = await findings_of(whole_service, row["id"])
        assert {name: item["fix_version"] for name, item in found.items()} == {"CVE-2026-1001": "3.0.3-1"}
        assert await whole_service.rows(untouched) == before
        jobs = await whole_service.rows("SELECT DISTINCT entrypoint FROM pgqueuer_log")
        scheduled = {"check_attestations"}  # whose turn may have come meanwhile
        assert {job.entrypoint for job in jobs} - scheduled == {"rematch_buckets", "refresh_concerned"}
        assert not [path for _, path in registry.asked if "/blobs/" in path]


async def test_only_running_images_that_an_older_release_assessed_are_assessed_again(
    whole_service: RunningService,
) -> None:
    fleet = Fleet(whole_service.services.engine)
    running = await fleet.add_image(installed(package("bash")))
    stopped = await fleet.add_image(installed(package("dash")), repository="shop/stopped")
    await fleet.deploy(running.image_tag_id)
    for stored in (running, stopped):
        await run_assess_image(whole_service.services, AssessImage(stored.image_id))
    await fleet.rows("UPDATE image_risk SET state = 'older'")
    await reassess_stale(whole_service.services)

    async def assessed() -> bool:
        rows = await fleet.rows("SELECT image_id FROM image_risk WHERE state <> 'older'")
        return [row.image_id for row in rows] == [running.image_id]

    await eventually(assessed)


async def test_assessments_of_one_image_at_the_same_time_come_to_one(whole_service: RunningService) -> None:
    fleet = Fleet(whole_service.services.engine)
    await import_records(fleet.engine, osv("CVE-2026-1001", "openssl"))
    stored = await fleet.add_image(installed(package("openssl")))
    await fleet.deploy(stored.image_tag_id)
    await asyncio.gather(*(run_assess_image(whole_service.services, AssessImage(stored.image_id)) for _ in range(4)))
    assert len(await fleet.events("VulnerabilitiesChanged")) == 1
