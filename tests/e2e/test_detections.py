"""Threats in a real browser: what happened, what is done about it, what is accepted, looked for and stopped."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.console import Console
from tests.support.detections import batch_of, detected
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.model.detection import Response
from deadlight.model.vulnerability import Severity

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

LIST = "/runtime/detections"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(service: RunningService) -> None:
    """A shell, and a program that audit would have stopped."""
    fleet = Fleet(service.services.engine)
    sensor = await service.enrol("sensor", node="node-1")
    fleet._clusters["test"] = (await fleet.rows("SELECT id FROM cluster"))[0].id
    owned = {"deadlight.io/owner": "grace@example.com", "deadlight.io/team": "Checkout"}
    running = await fleet.deploy(await fleet.add_image_tag(), annotations=owned)
    (container,) = running.container_ids
    await service.request("PUT", f"/api/v1/blocking/{sensor.cluster_id}", {"mode": "audit", "drift": True})
    now = datetime.now(UTC)
    drift = detected(
        container,
        "drift-execution",
        program="/tmp/kworker",
        at=now,
        count=3,
        title="A program that is not in the image was executed",
        severity=Severity.HIGH,
        response=Response.WOULD_BLOCK,
    )
    await sensor.post("/agent/v1/detections", batch_of(detected(container, at=now), drift))


@pytest.mark.usefixtures("world")
class TestThreats:
    """One after the other in one window."""

    async def test_a_detection_says_what_happened_and_what_to_do(self, window: Console) -> None:
        await window.open(LIST)
        page = window.page
        await page.get_by_role("link", name="A shell talks over the network").click()
        panel = page.locator(".pf-v6-c-drawer__panel")
        await expect(panel).to_contain_text("/usr/sbin/php-fpm")
        for text in ("203.0.113.7:4444", "Nothing was stopped", "What to do", "Checkout", "T1059.004"):
            await expect(panel).to_contain_text(text)
        assert await window.grave_barriers() == []

    async def test_somebody_acknowledges_it_and_accepts_the_other(self, window: Console) -> None:
        page = window.page
        await page.get_by_role("button", name="Acknowledge").click()
        await page.get_by_label("Note").fill("asking the team")
        await page.get_by_role("dialog").get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_role("grid", name="History")).to_contain_text("asking the team")
        await window.open(LIST)
        await page.get_by_role("button", name="Actions on A program that is not in the image").click()
        await page.get_by_role("menuitem", name="Add exception").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Program")).to_have_value("/tmp/kworker")
        await dialog.get_by_label("Reason").fill("it installs itself")
        await dialog.get_by_role("button", name="Add exception").click()
        await expect(page.get_by_text("1 detection, 1 more suppressed")).to_be_visible()
        assert await window.grave_barriers() == []

    async def test_exceptions_rules_and_blocking_have_their_pages(self, window: Console) -> None:
        page = window.page
        await window.open(f"{LIST}/exceptions")
        await expect(page.get_by_role("grid", name="Exceptions")).to_contain_text("it installs itself")
        assert await window.grave_barriers() == []
        await window.open(f"{LIST}/rules")
        await page.get_by_role("textbox", name="Search rules").fill("drift-execution")
        await page.get_by_role("link", name="A program that is not in the image was executed").click()
        await expect(page.get_by_role("grid", name="Samples")).to_be_visible()
        assert await window.grave_barriers() == []
        await window.open(f"{LIST}/blocking")
        await expect(page.get_by_role("grid", name="Blocking")).to_contain_text("1 program")
        await page.get_by_role("button", name="Actions on test").click()
        await page.get_by_role("menuitem", name="Change blocking").click()
        await page.get_by_label("Enforce").check()
        await expect(page.get_by_role("button", name="Apply")).to_be_disabled()
        await page.get_by_label("I know what this will stop").check()
        await expect(page.get_by_role("button", name="Apply")).to_be_enabled()
        assert await window.grave_barriers() == []

    async def test_a_rule_is_checked_before_it_is_saved(self, window: Console) -> None:
        page = window.page
        await window.open(f"{LIST}/rules/new")
        await page.get_by_role("button", name="Check").click()
        await expect(page.get_by_text("my-rule can be used")).to_be_visible()
        await page.get_by_label("Rule").fill("id = 7")
        await page.get_by_role("button", name="Check").click()
        await expect(page.locator("#source-help")).to_contain_text("id")
        assert await window.grave_barriers() == []

    async def test_a_rule_that_was_written_is_not_lost_by_leaving_it(self, window: Console) -> None:
        page = window.page
        await window.open(f"{LIST}/rules/new")
        await expect(page.get_by_role("link", name="Cancel")).to_be_visible()
        await page.get_by_label("Rule").fill("id = 7")
        await page.get_by_role("button", name="Cancel").click()
        question = page.get_by_role("dialog", name="Leave without saving?")
        await question.get_by_role("button", name="Keep writing").click()
        await expect(page.get_by_label("Rule")).to_have_value("id = 7")
        await page.get_by_role("button", name="Cancel").click()
        await question.get_by_role("button", name="Leave").click()
        await expect(page.get_by_role("textbox", name="Search rules")).to_be_visible()
        await page.get_by_role("link", name="New custom rule").click()
        await page.get_by_role("link", name="Cancel").click()
        await expect(page.get_by_role("textbox", name="Search rules")).to_be_visible()
        assert await window.grave_barriers() == []
