"""What the console asks: lists, an image's page and the stream of changes."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from tests.server.assessment.shop import shop
from tests.support.fleet import Fleet, digest
from tests.support.patience import PATIENCE_SECONDS
from tests.support.service import RunningService

from deadlight.server.events.relay import CHANGES_CHANNEL

IMAGES = "/api/v1/image-tags"


async def names(service: RunningService, query: str = "") -> list[str]:
    found = await service.get(f"{IMAGES}?{query}")
    assert found["total"] >= len(found["image_tags"])
    return [item["repository"] for item in found["image_tags"]]


@pytest.mark.req("F3", "F5", "I2", "I28", "R5", "R7")
async def test_running_images_are_listed_worst_first_with_their_badges(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    listed = (await service.get(IMAGES))["image_tags"]
    assert [(item["repository"], item["risks"]) for item in listed] == [
        ("tools/evil", ["malicious"]),
        ("shop/web", ["integrity_violation"]),
        ("shop/api", ["untrusted_registry"]),
        ("shop/clean", []),
    ]
    web = listed[1]
    assert (web["workloads_count"], web["clusters_count"], web["scan_status"]) == (2, 2, "done")
    assert web["severities"] == {"Critical": 1, "High": 1, "Medium": 0, "Low": 1, "Unknown": 0}
    assert (web["integrity_status"], web["violation_type"]) == ("Invalid Image Integrity", "Digest Mismatch")


@pytest.mark.req("F5")
async def test_an_image_is_found_by_name_tag_digest_place_or_weakness(service: RunningService, fleet: Fleet) -> None:
    await shop(fleet)
    await fleet.deploy(await fleet.add_image_tag("shop/100%_real", "1"), name="odd")
    for query, expected in (
        ("search=SHOP/W", ["shop/web"]),
        ("search=clean:2.0", ["shop/clean"]),
        (f"search={digest('registry.example/shop/api:1.0.0')[:20]}", ["shop/api"]),
        ("search=100%25_", ["shop/100%_real"]),
        ("search=%25", ["shop/100%_real"]),
        ("search=_", ["shop/100%_real"]),
        ("search=%5C", []),
        ("cluster=west&namespace=staging", ["shop/web"]),
        ("cve=CVE-2026-0003&risk=untrusted_registry", ["shop/api"]),
        ("severity=High", ["shop/web"]),
        ("period=24%20hours&search=gone", ["shop/gone"]),
        ("search=gone", []),
    ):
        assert await names(service, query) == expected, query


@pytest.mark.req("F6", "F1", "F2", "F7", "F8")
async def test_an_images_page_says_what_it_is_who_runs_it_and_what_is_wrong(
    service: RunningService, fleet: Fleet
) -> None:
    image = (await shop(fleet))["web"]
    page = f"{IMAGES}/{image.image_tag_id}"
    detail = await service.get(page)
    assert (detail["repository"], detail["tag"], detail["packages_count"], detail["distribution"]) == (
        "shop/web",
        "1.0.0",
        2,
        "Debian:12",
    )
    assert detail["build_owner"] == {
        "value": "ada@example.com",
        "source": "image label org.opencontainers.image.authors",
        "confidence": "stated",
        "party": "person",
        "link": "",
        "revision": "",
        "detail": "",
        "at": None,
        "others": [],
    }
    assert detail["verdict"]["violation_type"] == "Digest Mismatch"
    places = (await service.get(f"{page}/workloads"))["workloads"]
    assert [(place["cluster"], place["namespace"], place["nodes"], place["deployed_by"]) for place in places] == [
        ("east", "shop", ["node-1"], None),
        ("west", "staging", ["node-9"], None),
    ]
    packages = (await service.get(f"{page}/packages"))["packages"]
    assert [(item["name"], item["version"], item["vulnerabilities"]) for item in packages] == [
        ("curl", "7.88", 1),
        ("openssl", "3.0.1-1", 2),
    ]
    findings = (await service.get(f"{page}/vulnerabilities"))["vulnerabilities"]
    assert [(item["vulnerability"], item["package"], item["fix_version"]) for item in findings] == [
        ("CVE-2026-0001", "openssl", "9"),
        ("CVE-2026-0002", "openssl", ""),
        ("CVE-2026-0003", "curl", ""),
    ]
    assert findings[0]["aliases"] == ["GHSA-aaaa-bbbb-cccc"]


async def test_an_image_that_is_not_there_has_no_page(service: RunningService) -> None:
    await service.request("GET", f"{IMAGES}/1", expect=404)
    await service.request("GET", f"{IMAGES}/web", expect=400)


async def read_until(stream: Any, wanted: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while wanted not in seen:
            seen += await stream.readany()
    return seen


async def test_open_pages_are_told_what_kinds_of_things_changed(service: RunningService) -> None:
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.get(f"{service.url}/api/v1/changes", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        await read_until(response.content, b": connected\n\n")
        async with service.services.engine.begin() as connection:
            for kind in ("image_risk", "WorkloadChanged", "image_risk"):
                await connection.execute(
                    text("SELECT pg_notify(:channel, :kind)"), {"channel": CHANGES_CHANNEL, "kind": kind}
                )
        seen = await read_until(response.content, b"\n\n")
        assert seen == b"event: changed\ndata: WorkloadChanged,image_risk\n\n"
