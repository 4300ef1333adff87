"""Feeds: what is wanted is asked for, taken whole or not at all, and tried again after a failure."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from tests.server.advisories.conftest import Refresh
from tests.support.feed_source import FeedSource, catalogue, epss, zipped
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import import_records, osv

from deadlight.advisories import osv as osv_reader
from deadlight.advisories.feeds import osv as osv_feed
from deadlight.server.advisories.refresh import RefreshFeed, collect_advisory_garbage, refresh_due_feeds, refresh_feed
from deadlight.server.findings.service import assess_image
from deadlight.server.services import Services
from deadlight.server.settings import Settings

FLAW = osv("CVE-2026-0001", "openssl", fixed="3.0.2-1")
OTHER = osv("CVE-2026-0002", "bash")
TABLES = ["advisory", "affected", "vulnerability", "vulnerability_alias", "advisory_vulnerability", "cve_rating"]
TABLES += ["known_exploited", "exploit_prediction", "event", "advisory_import"]


@pytest.fixture
def settings(feed_settings: Callable[..., Settings]) -> Settings:
    return feed_settings()


async def ids(fleet: Fleet) -> list[str]:
    rows = await fleet.rows("SELECT id FROM advisory WHERE withdrawn_at IS NULL ORDER BY id")
    return [row.id for row in rows]


async def everything(fleet: Fleet) -> list[Any]:
    """All that a feed can change, with the transactions that wrote it."""
    return [await fleet.rows(f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in TABLES]


async def jobs(fleet: Fleet) -> list[tuple[str, str]]:
    rows = await fleet.rows("SELECT payload FROM pgqueuer WHERE entrypoint = 'refresh_feed' ORDER BY id")
    return sorted((job["feed"], job.get("part", "")) for job in (json.loads(bytes(row.payload)) for row in rows))


# --- what is asked for -----------------------------------------------------------------------------------


@pytest.mark.req("R15")
async def test_only_ecosystems_of_known_images_are_asked_for_and_a_new_one_at_once(
    services: Services, fleet: Fleet
) -> None:
    always = [("cve", ""), ("epss", ""), ("kev", "")]
    await refresh_due_feeds(services)
    assert await jobs(fleet) == always
    await fleet.add_image(installed(package("openssl")), installed(package("flask", "1.0", "PyPI")))
    await fleet.add_image(installed(package("x", "1", "CentOS:7")), tag="2")  # OSV has none of it
    await refresh_due_feeds(services)
    assert await jobs(fleet) == [*always, ("osv", "Debian"), ("osv", "PyPI")]
    await refresh_due_feeds(services)
    assert len(await jobs(fleet)) == 5, "what is claimed is nobody else's"


async def test_an_ecosystem_of_forgotten_images_is_no_longer_asked_for(services: Services, fleet: Fleet) -> None:
    image = await fleet.add_image(installed(package("openssl")))
    await fleet.add_image(installed(package("flask", "1.0", "PyPI")), tag="2")
    await fleet.rows("DELETE FROM image WHERE id = :id", id=image.image_id)
    await refresh_due_feeds(services)
    assert [part for feed, part in await jobs(fleet) if feed == "osv"] == ["PyPI"]


async def test_ecosystems_the_settings_name_are_kept_without_any_image(
    feed_settings: Callable[..., Settings], services: Services, fleet: Fleet
) -> None:
    object.__setattr__(services, "settings", feed_settings(feeds="osv", feed_ecosystems="npm, Rocky Linux"))
    await refresh_due_feeds(services)
    assert await jobs(fleet) == [("osv", "Rocky Linux"), ("osv", "npm")]


async def test_switched_off_nobody_is_asked(
    feed_settings: Callable[..., Settings], services: Services, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    await refresh_due_feeds(services)
    object.__setattr__(services, "settings", feed_settings(feeds="none"))
    await refresh_due_feeds(services)
    await refresh_feed(services, RefreshFeed("osv", "Debian"))  # enqueued before
    assert source.take_asked() == []


@pytest.mark.req("R15")
async def test_a_feed_brings_advisories_and_then_only_what_changed(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW, OTHER)
    row = await refresh("osv", "Debian")
    assert await ids(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]
    assert (row.records, row.result["added"], row.problem, row.failures, row.refreshing) == (2, 2, "", 0, False)
    assert row.bytes_received == sum(len(source.files[f"Debian/{name}"]) for name in ("all.zip", "modified_id.csv"))
    assert timedelta(minutes=59) < row.next_attempt_at - row.succeeded_at <= timedelta(hours=1)

    before = await everything(fleet)
    await refresh("osv", "Debian")
    assert await everything(fleet) == before

    await fleet.forget_events()
    source.serve_osv("Debian", FLAW | {"modified": "2026-01-05T00:00:00Z", "summary": "worse"}, OTHER)
    row = await refresh("osv", "Debian")
    assert (row.result["changed"], row.result["added"]) == (1, 0)
    ((_, told),) = await fleet.events("AdvisoriesChanged")
    assert told["buckets"] == [["Debian:12", "openssl"]]


async def test_what_a_source_no_longer_has_counts_as_withdrawn(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    await import_records(fleet.engine, osv("CVE-2026-0009", "openssl"), source="by hand")
    source.serve_osv("Debian", FLAW, OTHER)
    await refresh("osv", "Debian")
    source.serve_osv("Debian", FLAW)
    await fleet.rows("UPDATE feed SET checkpoint = '{}'")
    assert (await refresh("osv", "Debian")).result["withdrawn"] == 1
    assert await ids(fleet) == ["CVE-2026-0001", "CVE-2026-0009"]
    source.serve_osv("Debian", FLAW, OTHER)
    await fleet.rows("UPDATE feed SET checkpoint = '{}'")
    await refresh("osv", "Debian")
    assert len(await ids(fleet)) == 3


async def test_a_record_that_cannot_be_read_any_more_leaves_what_it_said_before(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW, OTHER)
    await refresh("osv", "Debian")
    unreadable = {"id": "CVE-2026-0002", "affected": 7}
    source.files["Debian/all.zip"] = zipped({"CVE-2026-0001.json": FLAW, "CVE-2026-0002.json": unreadable})
    await fleet.rows("UPDATE feed SET checkpoint = '{}'")
    row = await refresh("osv", "Debian")
    assert (row.result["rejected"], row.result["withdrawn"]) == (1, 0)
    assert await ids(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]


async def test_what_was_withdrawn_before_anybody_knew_of_it_takes_no_room(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW, OTHER | {"withdrawn": "2026-01-02T00:00:00Z"})
    await refresh("osv", "Debian")
    assert [row.id for row in await fleet.rows("SELECT id FROM advisory")] == ["CVE-2026-0001"]


async def test_of_two_records_with_one_name_the_first_counts_however_far_apart(
    refresh: Refresh, fleet: Fleet, source: FeedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deadlight.server.advisories.taking.DOCUMENTS_AT_ONCE", 1)
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    source.files["Debian/all.zip"] = zipped({"a.json": FLAW, "b.json": FLAW | {"summary": "another"}})
    row = await refresh("osv", "Debian")
    assert (row.result["added"], row.result["changed"], row.result["unchanged"]) == (1, 0, 1)


async def test_a_raised_reader_reads_everything_again(
    refresh: Refresh, fleet: Fleet, source: FeedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    await refresh("osv", "Debian")
    for module in (osv_reader, osv_feed):
        monkeypatch.setattr(module, "READER_VERSION", 99)
    assert (await refresh("osv", "Debian")).result["changed"] == 1
    (row,) = await fleet.rows("SELECT content_hash FROM advisory")
    assert row.content_hash.startswith("99:")


async def test_new_advisories_have_what_is_known_of_their_cves_asked_for_soon(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    async def pauses() -> list[tuple[str, int]]:
        rows = await fleet.rows(
            "SELECT name, extract(epoch FROM next_attempt_at - now()) / 60 AS minutes FROM feed ORDER BY name"
        )
        return [(row.name, round(row.minutes)) for row in rows if row.name != "osv"]

    source.files |= {"kev.json": catalogue({"cveID": "CVE-2026-0001"}), "epss.csv.gz": epss({"CVE-2026-0001": (1, 1)})}
    for name in ("cve", "epss", "kev"):
        await refresh(name)
    assert await pauses() == [("cve", 60), ("epss", 60), ("kev", 60)]
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    await refresh("osv", "Debian")
    assert await pauses() == [("cve", 1), ("epss", 1), ("kev", 60)]


# --- what goes wrong changes nothing ---------------------------------------------------------------------


def damaged(archive: bytes) -> bytes:
    """With other bytes in the middle of a member, as its checksum tells."""
    at = archive.index(b"BROKEN-HERE")
    return archive[:at] + b"broken-here" + archive[at + 11 :]


def stored(*records: dict[str, Any]) -> bytes:
    """An archive without compression, with one record more."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for record in (*records, osv("CVE-2026-0003", summary="BROKEN-HERE")):
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return buffer.getvalue()


BROKEN: dict[str, bytes] = {
    "a member that does not fit its checksum": damaged(stored(FLAW, OTHER)),
    "half an archive": zipped({"a.json": FLAW, "b.json": OTHER})[:-40],
    "no archive": b"<html>Sign in</html>",
    "an archive of nothing": zipped({}),
    "an archive of what is no advisory": zipped({"a.json": "<html>", "b.json": "[]"}),
}


@pytest.mark.req("R15")
async def test_an_import_that_fails_half_way_changes_nothing(
    refresh: Refresh, fleet: Fleet, source: FeedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deadlight.server.advisories.taking.DOCUMENTS_AT_ONCE", 1)  # the first batches are written
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", osv("CVE-2026-0001", "openssl"))
    first = await refresh("osv", "Debian")
    before = await everything(fleet)
    await fleet.rows("UPDATE feed SET checkpoint = checkpoint - 'reader'")
    for number, (what, archive) in enumerate(BROKEN.items(), 1):
        source.files["Debian/all.zip"] = archive
        row = await refresh("osv", "Debian")
        assert await everything(fleet) == before, what
        assert row.problem, what
        assert (row.failures, row.refreshing, row.succeeded_at) == (number, False, first.succeeded_at), what
        assert row.checkpoint == {name: value for name, value in first.checkpoint.items() if name != "reader"}, what


async def test_a_transfer_that_breaks_off_changes_nothing_and_is_tried_again_later_each_time(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    source.cut.add("Debian/all.zip")
    pauses = []
    for _ in range(8):
        row = await refresh("osv", "Debian")
        pauses.append(round((row.next_attempt_at - row.started_at).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (row.failures, await ids(fleet)) == (8, [])
    source.cut.clear()
    row = await refresh("osv", "Debian")
    assert (row.failures, row.problem, await ids(fleet)) == (0, "", ["CVE-2026-0001"])


async def test_what_cannot_be_kept_is_a_failure_that_is_shown_and_said_once(
    refresh: Refresh,
    fleet: Fleet,
    source: FeedSource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source.files["kev.json"] = catalogue({"cveID": "CVE-2026-0001"})
    await fleet.rows("ALTER TABLE known_exploited ADD CONSTRAINT disk_full CHECK (false)")
    first, second = await refresh("kev"), await refresh("kev")
    assert "disk_full" in first.problem
    assert (second.failures, second.refreshing) == (2, False)
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "No such file or directory: '/nowhere" in (await refresh("kev")).problem
    said = [record for record in caplog.records if record.name == "deadlight.server.advisories.refresh"]
    assert [(record.feed, record.levelname) for record in said] == [("kev", "WARNING")]  # type: ignore[attr-defined]


async def test_a_source_that_asks_for_a_pause_gets_it(refresh: Refresh, fleet: Fleet, source: FeedSource) -> None:
    source.answers["kev.json"] = [web.Response(status=429, headers={"Retry-After": "7200"})]
    row = await refresh("kev")
    assert "429" in row.problem
    assert round((row.next_attempt_at - row.started_at).total_seconds()) == 7200


async def test_a_copy_that_lacks_most_of_what_is_here_is_not_believed(
    refresh: Refresh, fleet: Fleet, source: FeedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deadlight.server.advisories.taking.FEW", 1)
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW, OTHER, osv("CVE-2026-0003"))
    await refresh("osv", "Debian")
    source.serve_osv("Debian", FLAW)
    await fleet.rows("UPDATE feed SET checkpoint = '{}'")
    row = await refresh("osv", "Debian")
    assert "has 1 advisories and lacks 2 of the 3" in row.problem
    assert len(await ids(fleet)) == 3


WRONG_FILES = [
    ("kev", "kev.json", catalogue({"cveID": "CVE-2026-0002"}, count=9)),
    ("epss", "epss.csv.gz", epss({"CVE-2026-0001": (0.2, 2.0)})),
    ("epss", "epss.csv.gz", epss({"CVE-2026-0001": (0.2, 0.3)}, "2026-02-02")),
]


async def test_what_is_known_of_cves_stays_when_a_file_is_wrong_or_older(
    refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await import_records(fleet.engine, FLAW)
    source.files["kev.json"] = catalogue({"cveID": "CVE-2026-0001"})
    source.files["epss.csv.gz"] = epss({"CVE-2026-0001": (0.1, 0.2)})
    for name in ("kev", "epss"):
        assert (await refresh(name)).records == 1
    before = await everything(fleet)
    for name, file, content in WRONG_FILES:
        source.files[file] = content
        assert (await refresh(name)).problem
        assert await everything(fleet) == before


# --- room ------------------------------------------------------------------------------------------------


async def test_beyond_the_budget_no_further_ecosystem_is_fetched(
    feed_settings: Callable[..., Settings], services: Services, refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    await fleet.add_image(installed(package("openssl")))
    source.serve_osv("Debian", FLAW)
    await refresh("osv", "Debian")
    source.serve_osv("Debian", FLAW, OTHER)
    source.serve_osv("PyPI", osv("CVE-2026-0005", "flask", ecosystem="PyPI"))
    await fleet.add_image(installed(package("flask", "1.0", "PyPI")), tag="2")
    object.__setattr__(services, "settings", feed_settings(feed_budget=1))
    assert "may take 1 (DEADLIGHT_FEED_BUDGET)" in (await refresh("osv", "PyPI")).problem
    assert (await refresh("osv", "Debian")).problem == "", "what is here is kept up to date"
    assert await ids(fleet) == ["CVE-2026-0001", "CVE-2026-0002"]


async def test_what_nobody_needs_goes_and_what_was_ever_found_stays(
    feed_settings: Callable[..., Settings], services: Services, refresh: Refresh, fleet: Fleet, source: FeedSource
) -> None:
    image = await fleet.add_image(installed(package("openssl")))
    object.__setattr__(services, "settings", feed_settings(feed_ecosystems="npm,PyPI"))
    found = osv("CVE-2026-0007", "openssl")
    both = osv("GHSA-both", "left", ecosystem="npm")
    both["affected"] += osv("GHSA-both", "right", ecosystem="PyPI")["affected"]
    source.serve_osv("Debian", found, OTHER)
    source.serve_osv("npm", osv("GHSA-npm", "left", ecosystem="npm"), both)
    source.serve_osv("PyPI", both)
    for ecosystem in ("Debian", "npm", "PyPI"):
        await refresh("osv", ecosystem)
    await import_records(fleet.engine, osv("GHSA-mine", "left", ecosystem="npm"), source="by hand")
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    source.serve_osv("Debian", *(item | {"withdrawn": "2026-01-09T00:00:00Z"} for item in (found, OTHER)))
    await fleet.rows("UPDATE feed SET checkpoint = '{}'")
    await refresh("osv", "Debian")
    object.__setattr__(services, "settings", feed_settings(feed_ecosystems="PyPI"))
    await collect_advisory_garbage(services)
    left = {row.id for row in await fleet.rows("SELECT id FROM advisory")}
    assert left == {"CVE-2026-0007", "CVE-2026-0002", "GHSA-both", "GHSA-mine"}
    assert not await fleet.rows("SELECT FROM feed WHERE part = 'npm'")
    assert not await fleet.rows("SELECT FROM vulnerability WHERE name = 'GHSA-npm'")
    await fleet.rows("UPDATE advisory SET imported_at = now() - interval '91 days'")
    await fleet.rows("UPDATE advisory SET withdrawn_at = now() - interval '91 days' WHERE withdrawn_at IS NOT NULL")
    await collect_advisory_garbage(services)
    left = {row.id for row in await fleet.rows("SELECT id FROM advisory")}
    assert left == {"CVE-2026-0007", "GHSA-both", "GHSA-mine"}
