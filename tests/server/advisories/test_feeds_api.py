"""Feeds over the API: how each stands, one is asked now, and files are brought by hand."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.feed_source import FeedSource, catalogue, cve_record, epss
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.service import RunningService, eventually, running_service

from deadlight.server.settings import Settings

FEEDS = "/api/v1/feeds"
FLAW = osv("CVE-2026-0001", "openssl", fixed="3.0.2-1")


async def upload(service: RunningService, name: str, content: bytes, *, expect: int = 200) -> Any:
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.post(f"{service.url}{FEEDS}/{name}/import", data=content, headers=headers) as response:
        assert response.status == expect
        return await response.json()


async def states(service: RunningService) -> dict[str, str]:
    return {feed["name"]: feed["state"] for feed in (await service.get(FEEDS))["feeds"]}


async def test_switched_off_feeds_say_so_and_what_to_do(service: RunningService) -> None:
    found = await service.get(FEEDS)
    assert {feed["name"]: (feed["state"], feed["parts"]) for feed in found["feeds"]} == dict.fromkeys(
        ("osv", "cve", "kev", "epss"), ("off", [])
    )
    assert found["notice"].startswith("feeds are switched off (DEADLIGHT_FEEDS=none)")
    refused = await service.post(f"{FEEDS}/kev/refresh", expect=400)
    assert refused["message"].startswith("not fetched: feeds are switched off (DEADLIGHT_FEEDS=none)")
    await service.post(f"{FEEDS}/nvd/refresh", expect=400)


async def test_files_are_brought_by_hand_where_feeds_are_off(service: RunningService) -> None:
    await import_records(service.services.engine, FLAW)
    taken = await upload(service, "kev", catalogue({"cveID": "CVE-2026-0001"}, {"cveID": "CVE-2026-0002"}))
    assert (taken["added"], taken["unchanged"]) == (2, 0)
    assert (await upload(service, "kev", catalogue({"cveID": "CVE-2026-0001"})))["withdrawn"] == 1
    assert (await upload(service, "epss", epss({"CVE-2026-0001": (0.5, 0.9)})))["added"] == 1
    refused = await upload(service, "epss", b"<html>", expect=400)
    assert refused["message"].startswith("the uploaded epss file: ")
    refused = await upload(service, "osv", b"", expect=400)
    assert "/api/v1/advisories/import" in refused["message"]
    found = {feed["name"]: feed for feed in (await service.get(FEEDS))["feeds"]}
    assert (found["kev"]["state"], found["kev"]["records"], found["epss"]["records"]) == ("off", 1, 1)
    assert found["kev"]["succeeded_at"] is not None


async def test_cve_records_are_imported_beside_advisories(service: RunningService) -> None:
    unrated = osv("CVE-2026-0002", severity="")
    rated = [cve_record(cve, CRITICAL) for cve in ("CVE-2026-0002", "CVE-2026-0009")]
    records = [FLAW, unrated, *rated, {"dataType": "CVE_RECORD"}]
    documents = [{"origin": f"record {number}", "content": json.dumps(record)} for number, record in enumerate(records)]
    answer = await service.post("/api/v1/advisories/import", {"source": "test", "documents": documents})
    assert (answer["added"], answer["rejected"]) == (3, 1), "two advisories and the rating of a CVE they name"
    assert answer["rejections"][0].startswith("record 4: not a CVE record")
    rows = await service.rows("SELECT name, severity, severity_source FROM vulnerability ORDER BY name")
    assert [tuple(row) for row in rows] == [
        ("CVE-2026-0001", "High", "CVE-2026-0001"),
        ("CVE-2026-0002", "Critical", "CVE record (mitre)"),
    ]


async def test_what_an_earlier_version_read_is_counted(service: RunningService) -> None:
    await import_records(service.services.engine, FLAW)
    assert (await service.get(FEEDS))["outdated_advisories"] == 0
    fleet = Fleet(service.services.engine)
    await fleet.rows("UPDATE advisory SET content_hash = repeat('0', 64)")
    assert (await service.get(FEEDS))["outdated_advisories"] == 1


@pytest.mark.req("R15")
async def test_an_image_with_a_new_ecosystem_has_its_advisories_fetched_and_matched_by_itself(
    feed_settings: Callable[..., Settings], source: FeedSource
) -> None:
    source.serve_osv("Debian", FLAW)
    source.files["kev.json"] = catalogue({"cveID": "CVE-2026-0001"})
    source.files["epss.csv.gz"] = epss({"CVE-2026-0001": (0.5, 0.9)})
    async with running_service(feed_settings()) as service:
        assert "no known image has packages yet" in (await service.get(FEEDS))["notice"]
        refused = await service.post(f"{FEEDS}/osv/refresh", expect=400)
        assert "no known image has packages yet" in refused["message"]
        fleet = Fleet(service.services.engine)
        image = await fleet.add_image(installed(package("openssl")))
        await fleet.deploy(image.image_tag_id)
        await service.post(f"{FEEDS}/osv/refresh")

        async def matched() -> bool:
            return bool(await service.rows("SELECT FROM vulnerability_match WHERE closed_at IS NULL"))

        await eventually(matched)
        await eventually(lambda: _all_current(service))
        assert (await service.get(FEEDS))["notice"] == ""
        (feed,) = [feed for feed in (await service.get(FEEDS))["feeds"] if feed["name"] == "osv"]
        (part,) = feed["parts"]
        assert (part["part"], part["records"], part["last_result"]["added"]) == ("Debian", 1, 1)
        listed = await service.get(f"/api/v1/image-tags/{image.image_tag_id}/vulnerabilities?known_exploited=true")
        (finding,) = listed["vulnerabilities"]
        assert (finding["vulnerability"], finding["known_exploited"]) == ("CVE-2026-0001", True)


async def _all_current(service: RunningService) -> bool:
    return set((await states(service)).values()) == {"current"}
