"""Live Assessment > Workloads and Processes in a real browser: filters in the address, rows that open, and exports."""

import csv

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.console import Console
from tests.support.fleet import Fleet
from tests.support.service import RunningService
from tests.support.watched import watched

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

WORKLOADS, PROCESSES = "/runtime/live/workloads", "/runtime/live/processes"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(service: RunningService) -> RunningService:
    """Three workloads of one image; sensors see what two of them execute."""
    await watched(Fleet(service.services.engine))
    return service


async def exported(console: Console) -> list[list[str]]:
    """What the list exports as CSV, without its head."""
    return list(csv.reader((await console.export("CSV")).splitlines()))[1:]


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
    assert ["busy" in row for row in await exported(console)] == [True]
    await page.get_by_role("button", name="Clear all filters").click()
    await expect(page.get_by_text("3 / 3 workloads")).to_be_visible()
    await page.get_by_role("link", name="busy", exact=True).click()
    await expect(console.heading("busy")).to_be_visible()


@pytest.mark.req("R17", "R33")
async def test_a_process_leads_to_its_page_with_the_files_it_opened(console: Console) -> None:
    page = console.page
    await console.open(f"{PROCESSES}?severity=High")
    await expect(page.get_by_text("1 / 3 processes")).to_be_visible()
    assert len(await exported(console)) == 1
    await console.open(f"{PROCESSES}?order=name")
    dropped = console.row("Processes", "/tmp/dropped")
    await expect(dropped).to_contain_text("Not from the image")
    await page.get_by_role("link", name="curl", exact=True).click()
    await expect(console.heading("curl")).to_be_visible()
    await page.get_by_role("tab", name="Accessed Files").click()
    await expect(page.get_by_text("/etc/hosts")).to_be_visible()
