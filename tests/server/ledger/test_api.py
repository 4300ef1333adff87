"""The endpoints of exposure windows, over windows with times that are known."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.server.integrity.conftest import PUSHED, RUNNING, found
from tests.server.ledger.conftest import Ledger
from tests.support.fleet import Fleet
from tests.support.service import RunningService

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
WINDOWS = "/api/v1/exposure-windows"


async def add_window(fleet: Fleet, workload_id: int, image_tag_id: int, **more: Any) -> int:
    """A window of known times, as if events had led to it."""
    values: dict[str, Any] = {
        "risk": "untrusted_registry",
        "team": None,
        "opened_at": NOON,
        "closed_at": None,
        "notified_at": None,
    }
    values |= {"acknowledged_at": None} | more
    values.setdefault("detected_at", values["opened_at"] + timedelta(minutes=5))
    (row,) = await fleet.rows(
        """
        INSERT INTO exposure_window (workload_id, image_tag_id, risk, team, opened_at, opened_basis, detected_at,
                                     closed_at, notified_at, acknowledged_at)
        VALUES (:workload_id, :image_tag_id, :risk, :team, :opened_at, 'deployed', :detected_at, :closed_at,
                :notified_at, :acknowledged_at) RETURNING id
        """,
        workload_id=workload_id,
        image_tag_id=image_tag_id,
        **values,
    )
    return int(row.id)


async def fetch(service: RunningService, path: str = "", **query: Any) -> Any:
    return await service.get(f"{WINDOWS}{path}?{urlencode(query, doseq=True)}")


async def ids(service: RunningService, **query: Any) -> list[int]:
    return [window["id"] for window in (await fetch(service, **query))["windows"]]


async def test_windows_are_found_by_every_filter_and_paged_without_a_gap(fleet: Fleet, service: RunningService) -> None:
    tag = await fleet.add_image_tag()
    web = (await fleet.deploy(tag)).workload_id
    job = (await fleet.deploy(tag, name="job", namespace="batch", cluster="other")).workload_id
    day = timedelta(days=1)
    closed = await add_window(fleet, web, tag, opened_at=NOON - 9 * day, closed_at=NOON - 8 * day, team="shop")
    open_ = await add_window(fleet, web, tag, opened_at=NOON)
    seen = await add_window(fleet, job, tag, opened_at=NOON - day, acknowledged_at=NOON, risk="malicious")
    await fleet.rows(
        """
        INSERT INTO exposure_suppression (workload_id, risk, reason, suppressed_by, until)
        VALUES (:id, 'untrusted_registry', 'known', 'ada', now() + interval '1 day')
        """,
        id=web,
    )
    assert await ids(service) == [open_, seen, closed]
    assert await ids(service, order="oldest") == [closed, seen, open_]
    assert await ids(service, state="open") == [open_, seen]
    assert await ids(service, state=["acknowledged", "closed"]) == [seen, closed]
    assert await ids(service, state="suppressed") == [open_]
    assert await ids(service, risk="malicious") == [seen]
    assert await ids(service, cluster="other") == await ids(service, namespace="batch") == [seen]
    assert await ids(service, workload="JO") == await ids(service, workload_id=job) == [seen]
    assert await ids(service, team="shop") == [closed]
    assert await ids(service, team="") == [open_, seen]
    assert await ids(service, since=(NOON - 7 * day).isoformat()) == [open_, seen]
    assert await ids(service, until=(NOON - 7 * day).isoformat()) == [closed]
    assert await ids(service, image_tag_id=tag + 1) == []
    first = await fetch(service, limit=2)
    second = await fetch(service, limit=2, next_key=first["next_key"])
    assert [window["id"] for page in (first, second) for window in page["windows"]] == [open_, seen, closed]
    assert (first["total"], second["next_key"]) == (3, "")
    for wrong in ({"next_key": "x"}, {"order": "oldest", "next_key": first["next_key"]}, {"state": "ajar"}):
        await service.request("GET", f"{WINDOWS}?{urlencode(wrong)}", expect=400)


async def test_figures_are_those_of_the_windows_that_closed_and_of_those_that_are_open(
    fleet: Fleet, service: RunningService
) -> None:
    tag = await fleet.add_image_tag()
    web = (await fleet.deploy(tag)).workload_id
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    for hours in (1, 2, 3, 4, 10):
        times = {"detected_at": NOON + 10 * minute, "notified_at": NOON + 12 * minute, "closed_at": NOON + hours * hour}
        await add_window(fleet, web, tag, team="shop" if hours > 4 else None, **times)
    oldest = await add_window(fleet, web, tag, opened_at=NOON - hour, acknowledged_at=NOON, risk="malicious")
    measured = await fetch(service, "/statistics", since=NOON.isoformat(), until=(NOON + 36 * hour).isoformat())
    assert measured["window"] == {"count": 5, "median_seconds": 3 * 3600, "p90_seconds": pytest.approx(7.6 * 3600)}
    assert measured["close"]["median_seconds"] == 3 * 3600 - 600
    assert measured["detect"] == {"count": 5, "median_seconds": 600, "p90_seconds": 600}
    assert measured["notify"] == {"count": 5, "median_seconds": 120, "p90_seconds": 120}
    assert measured["acknowledge"] == {"count": 0, "median_seconds": None, "p90_seconds": None}
    assert (measured["open_now"], measured["acknowledged_now"], measured["suppressed_now"]) == (1, 1, 0)
    assert measured["oldest"]["id"] == oldest
    by_risk = {group["name"]: (group["open_now"], group["window"]["count"]) for group in measured["by_risk"]}
    assert by_risk == {"malicious": (1, 0), "untrusted_registry": (0, 5)}
    by_team = {group["name"]: (group["open_now"], group["window"]["median_seconds"]) for group in measured["by_team"]}
    assert by_team == {"": (1, 2.5 * 3600), "shop": (0, 36000)}
    (series,) = measured["series"]
    points = [(point["at"], point["detected"], point["window"]["count"]) for point in series["points"]]
    assert points == [("2026-11-10T00:00:00Z", 5, 5), ("2026-11-11T00:00:00Z", 0, 0)]
    grouped = await fetch(service, "/statistics", since=NOON.isoformat(), bucket="week", group="risk")
    assert [item["name"] for item in grouped["series"]] == ["untrusted_registry"]
    assert grouped["series"][0]["points"][0]["at"] == "2026-11-09T00:00:00Z"  # a Monday


async def test_figures_of_nothing_say_so_and_periods_are_bounded(service: RunningService) -> None:
    measured = await fetch(service, "/statistics")
    assert (measured["open_now"], measured["oldest"], measured["window"]["median_seconds"]) == (0, None, None)
    assert len(measured["series"][0]["points"]) in {30, 31}
    for since, until in (
        ("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("1990-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ):
        query = urlencode({"since": since, "until": until})
        await service.request("GET", f"{WINDOWS}/statistics?{query}", expect=400)


async def test_a_window_is_acknowledged_once_and_every_action_stays_on_record(
    fleet: Fleet, ledger: Ledger, service: RunningService
) -> None:
    await fleet.deploy(await fleet.add_image_tag(digest=RUNNING))
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    address = f"{WINDOWS}/{(await ledger.window()).id}"
    acknowledged = await service.post(f"{address}/acknowledge", {"note": "I roll it back"})
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "admin")
    await service.post(f"{address}/acknowledge", {}, expect=409)
    await service.post(f"{address}/unacknowledge")
    await service.post(f"{address}/unacknowledge", expect=409)
    again = await service.post(f"{address}/acknowledge", {"note": "now really"})
    said = [(item["actor"], item["action"], item["note"]) for item in again["history"]]
    assert said == [
        ("admin", "acknowledged", "I roll it back"),
        ("admin", "unacknowledged", ""),
        ("admin", "acknowledged", "now really"),
    ]
    await ledger.judge.hear(found(RUNNING))
    await ledger.handle_events()
    for action, body in (("acknowledge", {}), ("unacknowledge", None), ("unsuppress", None)):
        await service.post(f"{address}/{action}", body, expect=409)
    closed = await service.get(address)
    assert (closed["state"], closed["acknowledged_by"], closed["close_reason"]) == ("closed", "admin", "now No Issues")
    await service.request("GET", f"{WINDOWS}/999999", expect=404)


@pytest.mark.req("F9")
async def test_windows_leave_as_a_table_as_json_and_as_an_issue_with_both_names(
    fleet: Fleet, ledger: Ledger, service: RunningService
) -> None:
    labels = {"org.opencontainers.image.authors": "=cmd|' /C calc'!A0"}
    image = await fleet.add_image(labels=labels)
    await fleet.deploy(image.image_tag_id, annotations={"deadlight.io/deployed-by": "[grace](evil)"})
    await ledger.judge.hear(found(PUSHED))
    await ledger.handle_events()
    (window,) = await fetch(service, "/export", format="json")
    assert window == (await fetch(service))["windows"][0]
    assert window["build_owner"]["value"] == labels["org.opencontainers.image.authors"]
    headers = {"authorization": f"Bearer {service.api_token}"}
    async with service.http.get(f"{service.url}{WINDOWS}/export", headers=headers) as response:
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        (line,) = csv.DictReader(io.StringIO(await response.text()))
    assert (line["workload"], line["risk"], line["state"]) == ("web", "integrity_violation", "open")
    assert line["build_owner"] == f"'{labels['org.opencontainers.image.authors']}"  # no formula any more
    assert line["deployed_by"] == "[grace](evil)"
    issue = await fetch(service, f"/{window['id']}/issue")
    assert issue["title"] == f"Digest Mismatch (Critical): {window['image']} in shop/web on test"
    for expected in (
        "Build Owner: =cmd",
        "Deployed By: \\[grace\\](evil)",
        PUSHED,
        window["digest"],
        f"/runtime/exposure-windows/{window['id']}",
    ):
        assert expected in issue["text"]
    assert await fetch(service, "/export", format="json", state="closed") == []
