"""An image that a service is asked to scan is shown as one that is scanned here."""

import asyncio
import json

import pytest
from tests.support.fleet import Fleet
from tests.support.images import debian, image
from tests.support.osv import import_records, osv
from tests.support.registries import serve_registry
from tests.support.service import RunningService
from typer.testing import CliRunner, Result

from deadlight.cli.main import app

WEB = image(debian({"openssl": "3.0.1-1"}), {"app/main.py": b"import yaml\nyaml.load(open('x'))\n"})


@pytest.mark.req("A8")
async def test_a_service_scans_what_its_registries_have(whole_service: RunningService) -> None:
    service = whole_service
    fleet = Fleet(service.services.engine)
    environment = {"DEADLIGHT_URL": service.url, "DEADLIGHT_TOKEN": service.api_token, "COLUMNS": "200"}

    async def scan(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner(env=environment).invoke, app, ("scan", *arguments))

    await import_records(service.services.engine, osv("CVE-2026-0001", "openssl", fixed="3.0.2-1"))
    await fleet.rows("INSERT INTO known_exploited (cve, added_on, ransomware) VALUES ('CVE-2026-0001', now(), false)")
    await fleet.rows("INSERT INTO exploit_prediction VALUES ('CVE-2026-0001', 0.5, 0.9, now())")
    async with serve_registry() as registry:
        await registry.push(WEB)
        reference = f"{registry.host}/shop/web:1.0.0"
        refused = await scan(reference)
        assert (refused.exit_code, "first" in refused.stderr) == (1, True)
        await service.post("/api/v1/registries", {"host": registry.host, "url": registry.url}, expect=201)
        answer = await scan(reference, "--platform", "linux/amd64", "-o", "json", "--fail-on", "high")
        assert answer.exit_code == 3, answer.stderr
        shown = await scan(reference, "--platform", "linux/amd64", "-o", "cyclonedx")
        table = await scan(reference, "--platform", "linux/amd64")
        own = await scan(reference, "--scanners", "secrets")
    assert "CVE-2026-0001 (exploited)" in table.stdout
    report = json.loads(answer.stdout)
    assert (report["image"]["kind"], report["image"]["digest"]) == ("service", WEB.manifest.digest)
    assert [item["name"] for item in report["packages"]] == ["openssl"]
    (finding,) = report["vulnerabilities"]
    assert (finding["vulnerability"], finding["fix_version"]) == ("CVE-2026-0001", "3.0.2-1")
    assert (finding["known_exploited"], finding["epss_probability"]) == (True, 0.5)
    exposure = next(item for item in report["exposures"] if item["category"] == "applications")
    assert (exposure["path"], exposure["location"]) == ("/app/main.py", "line 2")
    assert {item["status"] for item in report["exposure_scanners"].values()} == {"DONE"}
    assert (own.exit_code, "--local" in own.stderr) == (2, True)
    assert report["matched_by"].startswith(f"{service.url}/images/")
    assert [item["id"] for item in json.loads(shown.stdout)["vulnerabilities"]] == ["CVE-2026-0001"]
