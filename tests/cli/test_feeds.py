"""`deadlight advisories feeds | refresh | import` against a running service."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Deadlight, found
from tests.support.feed_source import FeedSource, catalogue, cve_record, epss, running_feed_source, zipped
from tests.support.fleet import Fleet, installed, package
from tests.support.osv import CRITICAL, import_records, osv
from tests.support.service import RunningService, eventually, running_service, service_settings

from deadlight.cli.commands import advisories as commands
from deadlight.server.advisories import turns
from deadlight.server.findings.service import assess_image
from deadlight.server.settings import Settings

FLAW = osv("CVE-2026-0001", "openssl", severity="")


async def test_files_are_told_by_what_is_in_them(deadlight: Deadlight, tmp_path: Path) -> None:
    files = {
        "first": zipped({"CVE-2026-0001.json": FLAW}),
        "second": zipped({"cves/2026/CVE-2026-0001.json": cve_record("CVE-2026-0001", CRITICAL)}),
        "third.json": catalogue({"cveID": "CVE-2026-0001"}),
        "fourth": epss({"CVE-2026-0001": (0.5, 0.9)}),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        imported = await deadlight("advisories", "import", str(tmp_path / name))
        assert imported.stdout.startswith("1 added, 0 changed"), imported.stderr
    rated = await found(deadlight, "advisories", "feeds")
    assert {feed["name"]: feed["records"] for feed in rated["feeds"]} == {"osv": 0, "cve": 0, "kev": 1, "epss": 1}
    (tmp_path / "broken.json").write_text(json.dumps({"catalogVersion": "1", "vulnerabilities": []}))
    refused = await deadlight("advisories", "import", str(tmp_path / "broken.json"))
    assert (refused.exit_code, "not CISA's catalogue" in refused.stderr) == (1, True)


async def test_an_image_shows_what_of_it_is_exploited(
    deadlight: Deadlight, service: RunningService, fleet: Fleet, tmp_path: Path
) -> None:
    await import_records(fleet.engine, FLAW)
    image = await fleet.add_image(installed(package("openssl")))
    async with fleet.engine.begin() as connection:
        await assess_image(connection, image.image_id)
    await fleet.deploy(image.image_tag_id)
    assert "exploited" not in (await deadlight("image", "shop/web")).stdout
    for content in (catalogue({"cveID": "CVE-2026-0001"}), epss({"CVE-2026-0001": (0.512, 0.9)})):
        (tmp_path / "file").write_bytes(content)
        await deadlight("advisories", "import", str(tmp_path / "file"))
    shown = (await deadlight("image", "shop/web")).stdout
    assert "CVE-2026-0001 (fix by 2026-01-23)" in shown
    assert "CVE-2026-0001, 51.2% within 30 days" in shown
    (finding,) = (await found(deadlight, "image", "shop/web"))["vulnerabilities"]
    assert finding["exploitation"] == {"added_on": "2026-01-02", "due_on": "2026-01-23", "ransomware": False}


async def test_an_import_waits_while_the_service_takes_others(
    deadlight: Deadlight, service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flaw.json").write_text(json.dumps(FLAW))
    monkeypatch.setattr(turns.wait_for_turn, "__defaults__", (timedelta(0),))
    waiting = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(commands, "BUSY_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rich.progress.Progress.update", lambda *_, **__: loop.call_soon_threadsafe(waiting.set))
    async with service.services.engine.connect() as feed:
        await turns.wait_for_turn(feed)
        importing = asyncio.ensure_future(deadlight("advisories", "import", str(tmp_path / "flaw.json")))
        await waiting.wait()
        assert not importing.done()
    imported = await importing
    assert imported.stdout.startswith("1 added"), imported.stderr


async def test_feeds_that_are_off_say_so(deadlight: Deadlight) -> None:
    shown = await deadlight("advisories", "feeds")
    assert shown.exit_code == 0
    assert "off" in shown.stdout
    assert "feeds are switched off (DEADLIGHT_FEEDS=none)" in shown.stderr
    for arguments in ((), ("kev",)):
        refused = await deadlight("advisories", "refresh", *arguments)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "not fetched: feeds are switched off (DEADLIGHT_FEEDS=none)" in refused.stderr


class TestSwitchedOn:
    """With a source that has CISA's catalogue only."""

    @pytest.fixture
    async def source(self):
        async with running_feed_source() as running:
            yield running

    @pytest.fixture
    def settings(self, database_url: str, source: FeedSource) -> Settings:
        return service_settings(database_url, feeds="kev", feed_kev_url=str(source.url / "kev.json"))

    @pytest.fixture
    async def service(self, settings: Settings):
        async with running_service(settings) as running:
            yield running

    async def test_one_is_asked_now_and_its_problem_is_shown(
        self, deadlight: Deadlight, service: RunningService, source: FeedSource
    ) -> None:
        asked = await deadlight("advisories", "refresh", "kev")
        assert asked.exit_code == 0, asked.stderr
        await _until(service, "failed")
        shown = await deadlight("advisories", "feeds")
        assert "there is no such file" in shown.stdout
        source.files["kev.json"] = catalogue({"cveID": "CVE-2026-0001"})
        asked = await deadlight("advisories", "refresh", "-o", "json")
        assert asked.exit_code == 0, asked.stderr
        await _until(service, "current")
        assert "current" in (await deadlight("advisories", "feeds")).stdout
        refused = await deadlight("advisories", "refresh", "osv")
        assert "osv is not among DEADLIGHT_FEEDS" in refused.stderr


async def _until(service: RunningService, state: str) -> None:
    async def holds() -> bool:
        feeds = (await service.get("/api/v1/feeds"))["feeds"]
        return any(feed["state"] == state for feed in feeds)

    await eventually(holds)
