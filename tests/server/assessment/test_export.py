"""Exports: every row that meets the filters, in a file that programs and spreadsheets read safely."""

import csv
import io
import json

import pytest
from tests.server.assessment.shop import shop
from tests.support.fleet import Fleet, installed, package
from tests.support.service import RunningService

from deadlight.server.assessment import export

EXPORT = "/api/v1/images/export"


async def fetch(service: RunningService, query: str) -> tuple[str, str]:
    """The media type and the text of a file."""
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.get(f"{service.url}{EXPORT}?{query}", headers=headers) as response:
        assert response.ok, await response.text()
        assert f'filename="images.{query[7:].partition("&")[0]}"' in response.headers["content-disposition"]
        return response.content_type, await response.text()


async def test_an_export_has_every_tag_that_meets_the_filters_with_what_the_list_says(
    service: RunningService, fleet: Fleet
) -> None:
    await shop(fleet)
    media_type, text = await fetch(service, "format=csv&repository=registry.example/shop")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert media_type == "text/csv"
    assert [row["repository"] for row in rows] == ["shop/api", "shop/clean", "shop/web"]
    web = rows[-1]
    assert (web["risks"], web["violation_type"], web["critical"], web["workloads"], web["clusters"]) == (
        "integrity_violation",
        "Digest Mismatch",
        "1",
        "2",
        "2",
    )
    assert (web["build_owner"], web["providers"], web["runtime_status"]) == ("ada@example.com", "Kubernetes", "running")
    media_type, text = await fetch(service, "format=json&period=24%20hours")
    assert media_type == "application/json"
    listed = json.loads(text)
    assert [item["repository"] for item in listed] == ["shop/api", "shop/clean", "shop/gone", "shop/web", "tools/evil"]
    assert listed[3]["risks"] == ["integrity_violation"]
    assert json.loads((await fetch(service, "format=json&search=nothing"))[1]) == []


async def test_an_export_goes_beyond_what_is_read_at_once(
    service: RunningService, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 2)
    await shop(fleet)
    assert len(json.loads((await fetch(service, "format=json"))[1])) == 4
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    refused = await service.request("GET", f"{EXPORT}?format=json", expect=400)
    assert "at most 3 rows, this one would have 4" in refused["message"]


async def test_what_an_image_says_of_itself_is_no_formula(service: RunningService, fleet: Fleet) -> None:
    label = {"maintainer": '=HYPERLINK("http://evil.example","x")'}
    image = await fleet.add_image(installed(package()), labels=label)
    await fleet.deploy(image.image_tag_id)
    (row,) = csv.DictReader(io.StringIO((await fetch(service, "format=csv"))[1]))
    assert row["build_owner"] == "'" + label["maintainer"]
