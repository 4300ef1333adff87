"""Live Assessment > Images in a real browser: rows open, filters, views and exports agree, and the list keeps still."""

import json

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import text
from tests.support.console import Console
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.server.events.relay import CHANGES_CHANNEL

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

IMAGES = "/runtime/live/images"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(service: RunningService) -> Fleet:
    """An image with three tags, one of them violated and one in another cluster, and eight others."""
    fleet = Fleet(service.services.engine)
    for number, cluster in enumerate(("east", "east", "west")):
        image_tag_id = await fleet.add_image_tag("shop/web", f"1.{number}.0", f"sha256:{number:064}")
        await fleet.deploy(image_tag_id, name=f"web-{number}", cluster=cluster)
    await violate(fleet, "shop/web", "1.1.0")
    for number in range(8):
        image_tag_id = await fleet.add_image_tag(f"other/job-{number:02}", "2", f"sha256:{number + 9:064}")
        await fleet.deploy(image_tag_id, name=f"job-{number}", cluster="east", kind="CronJob")
    return fleet


async def violate(fleet: Fleet, repository: str, tag: str) -> None:
    """An image tag is another than its registry's, and open pages are told."""
    await fleet.rows(
        "INSERT INTO verdict (image_tag_id, status, violation_type) "
        "SELECT id, 'Invalid Image Integrity', 'Digest Mismatch' FROM image_tag "
        "WHERE repository = :repository AND tag = :tag",
        repository=repository,
        tag=tag,
    )
    async with fleet.engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_notify('{CHANGES_CHANNEL}', 'IntegrityViolationDetected')"))


@pytest.fixture(scope="module")
def account() -> str:
    """Somebody who may only look."""
    return "viewer"


@pytest.fixture
def console(window: Console) -> Console:
    return window


async def focused(page: Page) -> str:
    """The row whose toggle is focused."""
    name: str = await page.evaluate("document.activeElement.closest('tr')?.dataset.row ?? ''")
    return name


@pytest.mark.req("F3", "F4", "F5", "F6", "I2", "I3", "I4", "I5")
async def test_an_image_opens_to_its_tags_and_filters_views_and_exports_agree(console: Console, fleet: Fleet) -> None:
    page = console.page
    await console.open(IMAGES)
    web = console.row("Images", "shop/web")
    await expect(page.get_by_text("9 / 9 images")).to_be_visible()
    await expect(web).to_contain_text("Integrity Violation")
    await expect(web).to_contain_text("3 tags")
    await page.keyboard.press("/")
    await page.keyboard.type("web")
    await expect(page.get_by_text("1 / 9 images")).to_be_visible()
    await console.press_until_focused("details-of0")
    await page.keyboard.press("ArrowRight")
    tags = console.table("Tags of registry.example/shop/web")
    await expect(tags.get_by_role("row")).to_have_count(4)
    await expect(tags.get_by_role("row").nth(1)).to_contain_text("1.1.0")
    await page.keyboard.press("ArrowLeft")
    await expect(tags).to_have_count(0)
    await page.get_by_label("Search images").fill("")
    await page.get_by_role("button", name="Filter by: Severity").click()
    await page.get_by_role("option", name="Cluster").click()
    await page.get_by_role("button", name="Choose by Cluster").click()
    await page.get_by_label("Search Cluster").fill("we")
    await page.get_by_role("menuitem", name="west").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("1 / 9 images")).to_be_visible()
    await expect(page).to_have_url(f"{console.url}{IMAGES}?cluster=west")
    await expect(page.locator("label[for=choose-integrity_violation]")).to_have_count(1)
    await page.get_by_role("button", name="Saved views").click()
    await page.get_by_role("menuitem", name="Save these filters as a view").click()
    await page.get_by_label("Name").fill("The west")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("button", name="View: The west")).to_be_visible()
    await page.get_by_role("button", name="Clear all filters").click()
    await expect(page.get_by_text("9 / 9 images")).to_be_visible()
    await page.get_by_role("button", name="Saved views").click()
    await page.get_by_role("menuitem", name="The west").click()
    await expect(page.get_by_text("1 / 9 images")).to_be_visible()
    assert [item["tag"] for item in json.loads(await console.export("JSON"))] == ["1.2.0"]


async def test_the_list_keeps_still_under_its_reader_until_they_ask_for_the_news(
    console: Console, fleet: Fleet
) -> None:
    page = console.page
    await console.open(IMAGES)
    rows = page.locator("tr[data-row]")
    await expect(rows).to_have_count(9)
    await console.press_until_focused("details-of1")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    place = await focused(page)
    assert place == await rows.nth(2).get_attribute("data-row")
    last = rows.nth(8)
    name = (await last.get_attribute("data-row") or "").removeprefix("registry.example/")
    await violate(fleet, name, "2")
    await expect(last).to_contain_text("Integrity Violation")
    await fleet.deploy(await fleet.add_image_tag("brand/new", "1", f"sha256:{99:064}"), name="new", cluster="east")
    await violate(fleet, "brand/new", "1")
    update = page.get_by_role("button", name="Update the list: 1 new, the order has changed")
    await expect(update).to_be_visible()
    assert await focused(page) == place
    await expect(console.table("Tags of registry.example/other/job-00")).to_be_visible()
    await update.click()
    await expect(rows).to_have_count(10)
    await expect(rows.nth(0)).to_have_attribute("data-row", "registry.example/brand/new")
    await expect(console.table("Tags of registry.example/other/job-00")).to_be_visible()
