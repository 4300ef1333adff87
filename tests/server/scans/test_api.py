"""An image can be scanned before anything runs it, with what it will be found to have when it runs."""

import pytest
from tests.support.images import debian, image, text_image
from tests.support.osv import import_records, osv
from tests.support.registries import ServedRegistry, answering
from tests.support.service import RunningService, eventually

SCANS = "/api/v1/scans"
WEB = image(debian({"openssl": "3.0.1-1"}))


@pytest.fixture
async def trusting(whole_service: RunningService, registry: ServedRegistry) -> RunningService:
    """A service to which the registry has been added."""
    await whole_service.post("/api/v1/registries", {"host": registry.host, "url": registry.url})
    return whole_service


@pytest.mark.req("R9")
async def test_an_image_is_scanned_before_it_runs(trusting: RunningService, registry: ServedRegistry) -> None:
    await import_records(trusting.services.engine, osv("CVE-2026-1", fixed="3.0.2-1"))
    await registry.push(WEB)
    queued = await trusting.post(SCANS, {"image": f"{registry.host}/shop/web:1.0.0"})
    page = f"/api/v1/image-tags/{queued['image_tag_id']}"

    async def assessed() -> bool:
        return (await trusting.get(page))["severities"] is not None

    await eventually(assessed)
    (found,) = (await trusting.get(f"{page}/vulnerabilities"))["vulnerabilities"]
    assert (found["vulnerability"], found["package"], found["fix_version"]) == ("CVE-2026-1", "openssl", "3.0.2-1")
    assert (await trusting.get(page))["workloads_count"] == 0
    again = await trusting.post(SCANS, {"image": f"{registry.host}/shop/web:1.0.0"})
    assert again == queued


@pytest.mark.parametrize(
    ("reference", "status", "message"),
    [
        ("{host}/shop/web:none", 404, "the registry does not have {host}/shop/web:none"),
        (
            "elsewhere.example/shop/web:1",
            400,
            "elsewhere.example is not a trusted registry: add it, or trust it, first",
        ),
        ("{host}/Shop/web:1", 400, "invalid repository 'Shop/web' in image reference '{host}/Shop/web:1'"),
    ],
)
async def test_what_cannot_be_scanned_is_refused_by_name(
    trusting: RunningService, registry: ServedRegistry, reference: str, status: int, message: str
) -> None:
    await registry.push(WEB)
    answer = await trusting.post(SCANS, {"image": reference.format(host=registry.host)}, expect=status)
    assert answer["message"] == message.format(host=registry.host)
    assert not await trusting.rows("SELECT FROM image_tag")


async def test_a_registry_that_cannot_be_asked_is_named(trusting: RunningService, registry: ServedRegistry) -> None:
    registry.trouble = answering(500)
    answer = await trusting.post(SCANS, {"image": f"{registry.host}/shop/web:1.0.0"}, expect=400)
    assert answer["message"] == f"{registry.host} cannot be asked: it failed (500 Internal Server Error)"


async def test_a_scan_that_failed_is_tried_again_on_request(trusting: RunningService, registry: ServedRegistry) -> None:
    await registry.push(text_image("another"))
    body = {"image": f"{registry.host}/shop/web:1.0.0@{WEB.manifest.digest}"}
    page = f"/api/v1/image-tags/{(await trusting.post(SCANS, body))['image_tag_id']}"

    async def ended(status: str) -> bool:
        return bool((await trusting.get(page))["scan_status"] == status)

    await eventually(lambda: ended("failed"))
    await registry.push(WEB)
    await trusting.post(SCANS, body)
    await eventually(lambda: ended("done"))
