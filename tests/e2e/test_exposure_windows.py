"""Exposure windows in a real browser: what is open is found, acknowledged, suppressed and taken along."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.console import Console
from tests.support.fleet import Fleet
from tests.support.service import RunningService

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(whole_service: RunningService) -> RunningService:
    """Two workloads of an image whose registry nobody has added."""
    fleet = Fleet(whole_service.services.engine)
    image_tag_id = await fleet.add_image_tag()
    for name in ("web", "api"):
        await fleet.deploy(image_tag_id, name=name, annotations={"deadlight.io/deployed-by": "grace@example.com"})
    await whole_service.settle()
    return whole_service


@pytest.fixture(scope="module")
def account() -> str:
    """Somebody who may act."""
    return "operator"


@pytest.mark.req("F9")
async def test_a_window_is_found_acknowledged_suppressed_and_copied(console: Console) -> None:
    page = console.page
    await console.open("/runtime/exposure-windows?state=open")
    await expect(console.row("Exposure windows", "shop on test")).to_have_count(2)
    await expect(page.get_by_text("No window closed in this period.").first).to_be_visible()

    await page.get_by_label("Search workloads").fill("web")
    await expect(console.row("Exposure windows", "shop on test")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"\?search=web&state=open$"))

    await page.get_by_role("button", name="Actions on web").click()
    await page.get_by_role("menuitem", name="Acknowledge").click()
    await page.get_by_label("Note").fill("I add the registry")
    await page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
    await expect(console.row("Exposure windows", "web")).to_contain_text("Acknowledged")

    await page.get_by_role("link", name="web", exact=True).click()
    await expect(page).to_have_url(re.compile(r"/exposure-windows/\d+\?search=web&state=open$"))
    await expect(console.fact("Acknowledged")).to_contain_text("by operator")
    await expect(console.row("History", "I add the registry")).to_have_count(1)
    panel = page.get_by_role("dialog")
    await panel.get_by_role("button", name="Suppress").click()
    await page.get_by_label("Reason").fill("known until the move")
    await page.get_by_role("button", name="Suppress", exact=True).last.click()
    await expect(console.row("History", "known until the move")).to_have_count(1)
    await expect(console.fact("State")).to_have_text("Suppressed")

    await page.get_by_role("button", name="Copy as issue").last.click()
    await expect(page.get_by_text("Issue text copied")).to_be_visible()
    issue = await console.clipboard()
    assert "Deployed By: grace@example.com" in issue
