"""What images expose is found with their packages, kept in step with what is found later, and never holds a secret."""

import asyncio
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row
from tests.server.scans.conftest import Scans
from tests.support.fleet import Fleet
from tests.support.images import debian, image
from tests.support.service import eventually

from deadlight.demo.images import Deleted
from deadlight.model.exposure import Exposure, ExposureCategory
from deadlight.model.scan_configuration import Scanner
from deadlight.model.vulnerability import Severity
from deadlight.scanner import Examined
from deadlight.server.assessment.image_exposures import list_exposures, load_scan_status
from deadlight.server.scans.exposures import store_exposures
from deadlight.server.scans.jobs import rescan_stale
from deadlight.server.scans.status import ScannerState
from deadlight.server.scans.store import requeue_scans

SECRET = "ghp_" + "w4Rk9pQz7LmN2vXc8BtY5hJd3FgS1aK6eUoI"
NGINX = b"server {\n  listen 443 ssl;\n  ssl_protocols TLSv1 TLSv1.1;\n}\n"
DJANGO = b"DEBUG = True\nALLOWED_HOSTS = ['*']\nINSTALLED_APPS = []\nROOT_URLCONF = 'shop.urls'\n"
TERRAFORM = b'resource "aws_s3_bucket" "b" {\n  bucket = "b"\n  acl    = "public-read"\n}\n'
EXPOSED = image(
    debian({"nginx": "1.22.1-9"}),
    {"app/.env": f"GITHUB_TOKEN={SECRET}\n".encode(), "etc/nginx/nginx.conf": b"http { include conf.d/*.conf; }\n"},
    {"etc/nginx/conf.d/shop.conf": NGINX, "app/shop/settings.py": DJANGO, "app/.env": Deleted()},
)


@pytest.fixture
def without_checkov(scans: Scans) -> Scans:
    """A service for whose judgement of infrastructure as code a program is missing."""
    settings = scans.services.settings.model_copy(update={"checkov": "/nowhere/checkov"})
    return replace(scans, services=replace(scans.services, settings=settings))


async def exposures(fleet: Fleet, extra: str = "closed_at IS NULL") -> Sequence[Row[Any]]:
    return await fleet.rows(f"SELECT * FROM exposure WHERE {extra} ORDER BY category, rule_id")


@pytest.mark.req("A10", "A11", "A12")
async def test_secrets_and_insecure_settings_are_found_with_the_packages(without_checkov: Scans, fleet: Fleet) -> None:
    image_tag_id = await without_checkov.observe(EXPOSED)
    assert (await without_checkov.run(image_tag_id)).status == "done"
    async with fleet.engine.connect() as connection:
        found = await list_exposures(connection, image_tag_id)
        status = await load_scan_status(connection, image_tag_id)
    places = {(item.category, item.path, item.location, item.is_deleted) for item in found.exposures}
    assert (ExposureCategory.SECRETS, "/app/.env", "line 1", True) in places
    assert (ExposureCategory.SERVICES, "/etc/nginx/conf.d/shop.conf", "line 3", False) in places
    assert (ExposureCategory.APPLICATIONS, "/app/shop/settings.py", "line 1", False) in places
    assert found.total == len(found.exposures)
    assert {category: part.status for category, part in status.categories.items()} == {
        ExposureCategory.SECRETS: ScannerState.DONE,
        ExposureCategory.APPLICATIONS: ScannerState.DONE,
        ExposureCategory.SERVICES: ScannerState.DONE,
        ExposureCategory.IAC: ScannerState.DONE,  # there is nothing in the image that a program would have to judge
    }


async def test_nothing_that_is_stored_holds_a_secret(without_checkov: Scans, fleet: Fleet) -> None:
    await without_checkov.run(await without_checkov.observe(EXPOSED))
    for table in await fleet.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = await fleet.rows(f"SELECT stored::text FROM {table.tablename} AS stored")
        assert not [row for row in rows if SECRET in row.stored], table.tablename


@pytest.mark.req("A13")
async def test_infrastructure_as_code_is_not_supported_where_nothing_can_judge_it(
    without_checkov: Scans, fleet: Fleet
) -> None:
    image_tag_id = await without_checkov.observe(image({"app/infra/main.tf": TERRAFORM}))
    await without_checkov.run(image_tag_id)
    async with fleet.engine.connect() as connection:
        status = await load_scan_status(connection, image_tag_id)
    assert status.categories[ExposureCategory.IAC].status is ScannerState.NOT_SUPPORTED
    assert "install" in status.categories[ExposureCategory.IAC].reason


async def test_what_a_program_says_that_comes_later_is_found_by_itself(
    without_checkov: Scans, fleet: Fleet, tmp_path: Path
) -> None:
    running = await without_checkov.observe(image({"app/infra/main.tf": TERRAFORM}))
    await without_checkov.run(running)
    await fleet.deploy(running)
    await rescan_stale(without_checkov.services)
    assert await queued(fleet) == 0
    program = tmp_path / "checkov"
    program.write_text("#!/bin/sh\necho nonsense\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = without_checkov.services.settings.model_copy(update={"checkov": str(program)})
    installed = replace(without_checkov, services=replace(without_checkov.services, settings=settings))
    await rescan_stale(installed.services)
    assert await queued(fleet) == 1
    await installed.run(running)
    async with fleet.engine.connect() as connection:
        status = await load_scan_status(connection, running)
    assert status.categories[ExposureCategory.IAC].status is ScannerState.FAILED
    assert status.categories[ExposureCategory.SECRETS].status is ScannerState.DONE
    await rescan_stale(installed.services)
    assert await queued(fleet) == 1  # no more than before: what has just failed would fail again
    await fleet.rows("UPDATE exposure_scan SET scanned_at = now() - interval '2 days'")
    await rescan_stale(installed.services)
    assert await queued(fleet) == 2
    program.write_text('#!/bin/sh\necho "[]"\n')
    await installed.run(running)
    async with fleet.engine.connect() as connection:
        status = await load_scan_status(connection, running)
    assert status.categories[ExposureCategory.IAC].status is ScannerState.DONE


@pytest.mark.req("A20")
async def test_only_what_clusters_want_is_looked_for_and_what_they_want_later_without_reading_packages_again(
    without_checkov: Scans, fleet: Fleet
) -> None:
    image_tag_id = await without_checkov.observe(EXPOSED)
    await fleet.deploy(image_tag_id)
    await configure(fleet, Scanner.SCA)
    await without_checkov.run(image_tag_id)
    assert await exposures(fleet) == []
    assert await fleet.rows("SELECT FROM exposure_scan") == []
    await configure(fleet, Scanner.SCA, Scanner.SERVICES)
    await rescan_stale(without_checkov.services)
    assert await queued(fleet) == 1
    written = "SELECT xmin::text FROM layer_part WHERE analyzer = 'dpkg'"
    before = await fleet.rows(written)
    assert (await without_checkov.run(image_tag_id)).layers_scanned == 3
    assert {row.category for row in await exposures(fleet)} == {"services"}
    assert await fleet.rows(written) == before
    await rescan_stale(without_checkov.services)
    assert await queued(fleet) == 1


async def test_exposures_open_stay_close_and_open_again_under_one_row(fleet: Fleet) -> None:
    stored = await fleet.add_image()
    first, second = exposure("a"), exposure("b")

    async def find(*found: Exposure, error: str = "") -> None:
        async with fleet.engine.begin() as connection:
            examined = {ExposureCategory.SECRETS: Examined(found, error=error)}
            await store_exposures(connection, stored.image_id, examined, {ExposureCategory.SECRETS: "1"})

    await find(first, second)
    (known, other) = await exposures(fleet)
    await find(first)
    assert [row.id for row in await exposures(fleet)] == [known.id]
    await find(error="secrets: out of luck")
    assert [row.id for row in await exposures(fleet)] == [known.id]  # a failure says nothing of what there is
    await find(replace(first, severity=Severity.LOW), second)
    (changed, again) = await exposures(fleet)
    assert (changed.id, changed.severity, changed.first_found_at) == (known.id, "Low", known.first_found_at)
    assert (again.id, again.first_found_at, again.closed_at) == (other.id, other.first_found_at, None)


async def test_rules_that_change_while_the_service_runs_count_from_then_on(
    without_checkov: Scans, fleet: Fleet, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rule = "[[rules]]\nid = '{0}'\nregex = '{0}-[0-9a-f]{{16}}'\nkeywords = ['{0}-']\n"
    rules.write_text(rule.format("acme"))
    settings = without_checkov.services.settings.model_copy(update={"secret_rules": str(rules)})
    ruled = replace(without_checkov, services=replace(without_checkov.services, settings=settings))
    running = await ruled.observe(image({"app/settings": b"key other-7c1e94b0d25fa863\n"}))
    await ruled.run(running)
    assert await exposures(fleet, "category = 'secrets'") == []
    rules.write_text(rule.format("other"))
    await fleet.deploy(running)
    await rescan_stale(ruled.services)
    await ruled.run(running)
    assert [row.rule_id for row in await exposures(fleet, "category = 'secrets'")] == ["EXP-SECRET-other"]
    rules.write_text("[[rules]]")
    await fleet.rows("UPDATE scan SET status = 'queued'")
    await ruled.run(running)
    (scan,) = await fleet.rows("SELECT status, error FROM scan")
    assert (scan.status, str(rules) in scan.error) == ("failed", True)


async def test_two_jobs_that_find_the_same_at_the_same_time_note_it_once(fleet: Fleet) -> None:
    stored = await fleet.add_image()
    examined = {ExposureCategory.SECRETS: Examined((exposure("a"),))}

    async def store() -> None:
        async with fleet.engine.begin() as connection:
            await store_exposures(connection, stored.image_id, examined, {ExposureCategory.SECRETS: "1"})

    async def waits() -> bool:
        return bool(await fleet.rows("SELECT FROM pg_locks WHERE NOT granted"))

    async with fleet.engine.begin() as connection:
        await store_exposures(connection, stored.image_id, examined, {ExposureCategory.SECRETS: "1"})
        other = asyncio.create_task(store())
        await eventually(waits)
    await other
    assert len(await exposures(fleet)) == 1


def exposure(rule: str) -> Exposure:
    return Exposure(
        category=ExposureCategory.SECRETS,
        rule_id=f"EXP-SECRET-{rule}",
        severity=Severity.HIGH,
        title="A token",
        description="A token is in the image.",
        recommendation="Revoke it.",
        path="/app/.env",
        location="line 1",
        evidence="TOKEN=****",
    )


async def queued(fleet: Fleet) -> int:
    """How many images wait to be scanned again."""
    return len(await fleet.rows("SELECT FROM pgqueuer WHERE entrypoint = 'rescan_image'"))


async def configure(fleet: Fleet, *scanners: Scanner) -> None:
    """Set what the one cluster wants."""
    await fleet.rows(
        """
        INSERT INTO scan_configuration (cluster_id, scanners, retention_days, changed_by)
        SELECT id, :scanners, 90, 'ada' FROM cluster
        ON CONFLICT (cluster_id) DO UPDATE SET scanners = EXCLUDED.scanners
        """,
        scanners=[scanner.value for scanner in scanners],
    )


async def test_whoever_asks_for_a_scan_has_failed_scanners_asked_again_and_nothing_else(fleet: Fleet) -> None:
    stored = await fleet.add_image()

    async def asked_again() -> bool:
        async with fleet.engine.begin() as connection:
            return bool(await requeue_scans(connection, None, stored.image_tag_id))

    assert not await asked_again()
    async with fleet.engine.begin() as connection:
        failed = {ExposureCategory.SECRETS: Examined(error="secrets: out of luck")}
        await store_exposures(connection, stored.image_id, failed, {ExposureCategory.SECRETS: "1"})
    assert await asked_again()
    assert not await asked_again()  # it is queued
