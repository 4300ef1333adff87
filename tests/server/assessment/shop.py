"""A fleet that shows everything lists show, and what else is read of lists."""

from typing import Any

from tests.support.fleet import Fleet, Stored, installed, package
from tests.support.osv import CRITICAL, HIGH, LOW, import_records, osv
from tests.support.service import RunningService

from deadlight.server.findings.service import assess_image

OWNER = {"org.opencontainers.image.authors": "ada@example.com"}


async def verdict(fleet: Fleet, image_tag_id: int, status: str, violation_type: str | None = None) -> None:
    """What comparing with the registry gave."""
    await fleet.rows(
        "INSERT INTO verdict (image_tag_id, status, violation_type, reason) VALUES (:id, :status, :type, '')",
        id=image_tag_id,
        status=status,
        type=violation_type,
    )


async def shop(fleet: Fleet) -> dict[str, Stored]:
    """Two clusters and three namespaces with images that differ in everything lists show and filter by."""
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", severity=CRITICAL, fixed="9", aliases=["GHSA-aaaa-bbbb-cccc"]),
        osv("CVE-2026-0002", severity=HIGH),
        osv("CVE-2026-0003", "curl", severity=LOW),
        osv("MAL-2026-0001", "evil", severity="", ecosystem="PyPI"),
    )
    evil = installed(package("evil", "1.0", "PyPI"))
    images = {
        "web": await fleet.add_image(installed(package()), installed(package("curl", "7.88")), labels=OWNER),
        "api": await fleet.add_image(installed(package("curl", "7.88")), repository="shop/api"),
        "evil": await fleet.add_image(evil, repository="tools/evil"),
        "gone": await fleet.add_image(repository="shop/gone"),
        "clean": await fleet.add_image(repository="shop/clean", tag="2.0.0"),
    }
    async with fleet.engine.begin() as connection:
        for image in images.values():
            await assess_image(connection, image.image_id)
    await verdict(fleet, images["web"].image_tag_id, "Invalid Image Integrity", "Digest Mismatch")
    await verdict(fleet, images["api"].image_tag_id, "Untrusted Registry")
    await verdict(fleet, images["clean"].image_tag_id, "No Issues")
    await fleet.deploy(images["web"].image_tag_id, images["clean"].image_tag_id, name="web", cluster="east")
    await fleet.deploy(images["web"].image_tag_id, name="web", namespace="staging", cluster="west", node="node-9")
    await fleet.deploy(images["api"].image_tag_id, name="api", cluster="west")
    await fleet.deploy(images["evil"].image_tag_id, name="cron", namespace="tools", cluster="east", kind="CronJob")
    gone = await fleet.deploy(images["gone"].image_tag_id, name="gone", cluster="east")
    await fleet.undeploy(gone.workload_id)
    return images


async def pages(service: RunningService, path: str, field: str, **body: Any) -> list[list[Any]]:
    """Every page of a list of the Runtime API."""
    found: list[list[Any]] = []
    key = ""
    while True:
        answer = await service.post(path, {**body, "next_key": key})
        assert answer["pagination"]["limit"] == body.get("limit", 10)
        found.append(answer[field])
        key = answer["pagination"]["next_key"]
        if not key:
            return found
        assert len(found) < 1000
