"""Live Assessment > Workloads and Processes in a real browser: filters in the address, rows that open, and exports."""

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, expect
from tests.support.console import Console, open_console, running_browser
from tests.support.database import PASSWORD, fresh_database
from tests.support.fleet import Fleet
from tests.support.service import RunningService, running_service, service_settings
from tests.support.watched import watched

from deadlight.cli.embedded_postgres import EmbeddedPostgres

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

WORKLOADS, PROCESSES = "/runtime/live/workloads", "/runtime/live/processes"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(postgres: EmbeddedPostgres) -> AsyncIterator[RunningService]:
    """Three workloads of one image; sensors see what two of them execute."""
    with fresh_database(postgres) as url:
        async with running_service(service_settings(url), background=False) as running:
            await watched(Fleet(running.services.engine))
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all windows."""
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(browser: Browser, service: RunningService) -> StorageState:
    """The cookies of someone who is signed in."""
    async with open_console(browser, service.url) as console:
        await console.open("/sign-in")
        await console.sign_in("admin", PASSWORD)
        await expect(console.heading("Dashboard")).to_be_visible()
        return await console.page.context.storage_state()


@pytest_asyncio.fixture(loop_scope="module")
async def console(browser: Browser, service: RunningService, session: StorageState) -> AsyncIterator[Console]:
    """A window."""
    async with open_console(browser, service.url, state=session) as console:
        yield console


async def export(console: Console) -> list[list[str]]:
    """What the list exports as CSV, with its head."""
    await console.page.get_by_role("button", name="Export").click()
    async with console.page.expect_download() as download:
        await console.page.get_by_role("menuitem", name="CSV").click()
    file = await (await download.value).path()
    return list(csv.reader((await asyncio.to_thread(Path(file).read_text)).splitlines()))


@pytest.mark.req("F4", "R26")
async def test_a_workload_opens_to_its_processes_and_filters_stand_in_the_address(console: Console) -> None:
    page = console.page
    await console.open(f"{WORKLOADS}?cluster=watched&search=busy")
    await expect(page.get_by_text("1 / 3 workloads")).to_be_visible()
    busy = console.row("Workloads", "busy")
    for text in ("Malicious Packages", "Deployment · amd64", "used by 3 processes", "node-2"):
        await expect(busy).to_contain_text(text)
    await busy.get_by_role("button").first.click()
    await expect(console.row("Processes of busy", "/usr/bin/curl")).to_contain_text("1 Critical, 1 High")
    _, *rows = await export(console)
    assert ["busy" in row for row in rows] == [True]
    await page.get_by_role("button", name="Clear all filters").click()
    await expect(page.get_by_text("3 / 3 workloads")).to_be_visible()
    await page.get_by_role("link", name="busy", exact=True).click()
    await expect(console.heading("busy")).to_be_visible()


@pytest.mark.req("R17", "R33")
async def test_a_process_leads_to_its_page_with_the_files_it_opened(console: Console) -> None:
    page = console.page
    await console.open(f"{PROCESSES}?severity=High")
    await expect(page.get_by_text("1 / 3 processes")).to_be_visible()
    assert len(await export(console)) == 2
    await console.open(f"{PROCESSES}?order=name")
    dropped = console.row("Processes", "/tmp/dropped")
    await expect(dropped).to_contain_text("Not from the image")
    await page.get_by_role("link", name="curl", exact=True).click()
    await expect(console.heading("curl")).to_be_visible()
    await page.get_by_role("tab", name="Accessed Files").click()
    await expect(page.get_by_text("/etc/hosts")).to_be_visible()
