"""Cluster Management in a real browser: what is watched and how well, what is scanned, and how a cluster comes."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect
from tests.server.clusters.made import listed, three_clusters
from tests.support.console import Console
from tests.support.fleet import Fleet
from tests.support.service import RunningService, service_settings

from deadlight.server.settings import Settings

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

CLUSTERS = "/runtime/clusters"


@pytest.fixture(scope="module")
def settings(database_url: str) -> Settings:
    """Agents are heard of long enough for these tests."""
    return service_settings(database_url, agent_timeout=500, public_url="https://deadlight.example.com")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(service: RunningService) -> RunningService:
    """With three clusters, in which nothing runs."""
    await three_clusters(Fleet(service.services.engine))
    return service


def coverage(console: Console, scanner: str) -> Locator:
    """What the panel says of a scanner."""
    panel = console.region("Clusters Configuration Security Coverage")
    return panel.get_by_role("listitem").filter(has_text=re.compile(f"^{re.escape(scanner)}"))


async def enter(console: Console, name: str) -> None:
    """Go to the page of a cluster."""
    await console.table("Clusters").get_by_role("link", name=name, exact=True).click()


def row(console: Console, name: str) -> Locator:
    """The row of a cluster."""
    return console.table("Clusters").get_by_role("row", name=f"Select {name}")


async def names(console: Console) -> list[str]:
    """The clusters as listed."""
    return await console.table("Clusters").get_by_role("link").all_inner_texts()


@pytest.mark.req("M2", "M5", "M6", "M13", "M15", "M16", "A6", "A25", "A26")
async def test_the_inventory_says_what_is_watched_how_well_and_where_to_act(console: Console) -> None:
    page = console.page
    await console.open("/")
    administration = page.get_by_role("region", name="Administration")
    await administration.get_by_role("button", name="Runtime").click()
    await administration.get_by_role("link", name="Cluster Management").click()
    await expect(page).to_have_url(f"{console.url}{CLUSTERS}")
    monitoring = console.region("Monitoring")
    for text in (
        "2 of 3 clusters need attention",
        "1/4 sensors are running; 2 clusters have a controller only",
        "east: 1 sensor is silent: b and 1 more",
        "quiet: The controller has been silent for 2 hours",
        "Agents report every 30 s.",
    ):
        await expect(monitoring).to_contain_text(text)
    await expect(console.region("Clusters by Status").get_by_role("listitem")).to_have_text(
        ["1 Running", "2 Failed", "0 Installation failed", "0 Disabled"]
    )
    await expect(console.region("Clusters by Provider").get_by_role("listitem")).to_have_text(["2 AWS", "1 Google"])
    await expect(console.region("Most used versions").get_by_role("listitem")).to_have_text(["2 1.2", "1 1.0"])
    await expect(coverage(console, "SCA")).to_contain_text("3 of 3")
    await expect(coverage(console, "Secrets")).to_contain_text("3 of 3")
    east = row(console, "east")
    for text in ("Failed", "Running", "1/5", "1 failed, 1 not installed", "AWS", "eu-west-1", "1.2"):
        await expect(east).to_contain_text(text)
    await expect(row(console, "west")).to_contain_text("Controller only")
    await page.get_by_role("button", name="Sensors Status").click()
    await expect(page).to_have_url(f"{console.url}{CLUSTERS}?order=sensors")
    await expect(console.table("Clusters").get_by_role("link").last).to_have_text("east")
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("menuitem", name="Provider").click()
    await expect(page.get_by_role("columnheader", name="Provider")).to_have_count(0)
    await page.keyboard.press("Escape")
    await page.get_by_role("textbox", name="Search by name").fill("us-w")
    await expect(page.get_by_text("1 of 3 clusters", exact=True)).to_be_visible()
    assert await names(console) == ["west"]
    await enter(console, "west")
    await expect(console.heading("west")).to_be_visible()


@pytest.mark.req("A5", "A7", "A14", "A19", "A20", "A21", "A22", "A23", "A24", "A26")
async def test_scanning_is_configured_for_one_cluster_and_for_many_at_once(
    console: Console, service: RunningService
) -> None:
    page, dialog = console.page, console.page.get_by_role("dialog")
    await console.open(CLUSTERS)
    await page.get_by_role("button", name="Actions on west").click()
    await page.get_by_role("menuitem", name="Configure").click()
    await expect(dialog.get_by_role("heading", name="Scan Configuration", exact=True)).to_be_visible()
    await dialog.get_by_role("checkbox", name="SCA").uncheck()
    await expect(dialog).to_contain_text("Without SCA the dashboard's figures are incomplete")
    await dialog.get_by_role("checkbox", name="Exposures").uncheck()
    await expect(dialog.get_by_role("checkbox", name="Secrets")).not_to_be_checked()
    await dialog.get_by_label("Retention").fill("0")
    await expect(dialog).to_contain_text("Whole days, from 1 to 1000.")
    await dialog.get_by_label("Retention").fill("30")
    assert await console.grave_barriers() == []
    await dialog.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Scan configuration applied")).to_be_visible()
    await expect(coverage(console, "SCA")).to_contain_text("2 of 3")
    await expect(coverage(console, "SCA")).to_contain_text("1 cluster lacks it")
    await expect(row(console, "west")).to_contain_text("SCA is off")
    await page.get_by_role("checkbox", name="Select east").check()
    await page.get_by_role("checkbox", name="Select west").check()
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await page.get_by_role("button", name="Batch Configure").click()
    await expect(dialog.get_by_role("heading", name="Scan Configurations", exact=True)).to_be_visible()
    await expect(dialog).to_contain_text("These clusters are configured differently now")
    await dialog.get_by_role("checkbox", name="IaC").uncheck()
    await dialog.get_by_label("Retention").fill("7")
    await dialog.get_by_role("button", name="Apply").click()
    await expect(coverage(console, "SCA")).to_contain_text("3 of 3")
    await expect(coverage(console, "IaC")).to_contain_text("1 of 3")
    configured = {name: row["configuration"] for name, row in (await listed(service)).items()}
    assert {name: (len(item["scanners"]), item["retention_days"]) for name, item in configured.items()} == {
        "east": (5, 7),
        "quiet": (6, 90),
        "west": (5, 7),
    }


@pytest.mark.req("M3", "M4", "M17", "M18", "M19")
async def test_a_cluster_shows_its_controller_and_every_node_with_what_became_of_its_sensor(console: Console) -> None:
    page = console.page
    await console.open(CLUSTERS)
    await enter(console, "east")
    await expect(console.fact("Controller Version")).to_have_text("1.2")
    await expect(console.fact("Sensors Status")).to_contain_text("1/5")
    ring = page.get_by_role("list", name="Nodes by status").get_by_role("listitem")
    await expect(ring).to_have_text(["1 Running", "1 Failed", "1 Installation failed", "1 Not Installed", "1 Disabled"])
    for node, status in (("a", "Running"), ("b", "Failed"), ("c", "Installation failed"), ("d", "Disabled")):
        listed_as = console.table("Nodes").get_by_role("row").filter(has=page.get_by_text(node, exact=True))
        await expect(listed_as).to_contain_text(status)
    await page.get_by_role("button", name="Status: Any status").click()
    await page.get_by_role("option", name="Failed", exact=True).click()
    await expect(console.table("Nodes").get_by_role("row")).to_have_count(2)
    await expect(page.get_by_text("1 sensor is silent: b")).to_be_visible()
    await console.open(CLUSTERS)
    await enter(console, "west")
    await expect(page.get_by_text("No Runtime Sensor was installed on this cluster")).to_be_visible()
    locked = console.table("Nodes").get_by_text("Locked")
    await locked.hover()
    await expect(page.get_by_role("tooltip")).to_have_text("Sensor is unavailable")
    await expect(page.get_by_role("columnheader", name="Sensor Version")).to_have_count(0)


@pytest.mark.req("M1", "M14", "D15")
async def test_the_wizard_gives_the_commands_and_says_when_the_cluster_has_come(
    console: Console, service: RunningService
) -> None:
    page = console.page
    await console.open(CLUSTERS)
    await enter(console, "west")
    await console.follow("Install Runtime again with Controller and Sensors")
    await expect(page.get_by_role("heading", name="Choose Your Provider")).to_be_visible()
    await expect(page.get_by_role("radio", name="ECS: Fargate")).to_be_disabled()
    await page.get_by_role("radio", name="OpenShift").check()
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_label("Cluster Name")).to_have_value("west")
    await expect(page.get_by_label("Namespace")).to_have_value("deadlight")
    await expect(page.get_by_role("radio", name="Controller and Sensors")).to_be_checked()
    await page.get_by_label("Cluster Name").fill("$(id)")
    await expect(page.get_by_role("button", name="Next")).to_be_disabled()
    await page.get_by_label("Cluster Name").fill("west")
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("Waiting for west to connect…")).to_be_visible()
    await expect(page.get_by_text("oc adm policy add-scc-to-user privileged")).to_be_visible()
    await page.get_by_role("button", name="Copy: Deploy the sensor").click()
    command = await page.evaluate("navigator.clipboard.readText()")
    assert "helm upgrade --install deadlight-agent charts/deadlight-agent --namespace deadlight" in command
    assert "--set sensors.enabled=true" in command
    found = re.search(r"registrationToken=(\S+)", command)
    assert found
    assert await console.grave_barriers() == []
    await Fleet(service.services.engine).rows("UPDATE cluster SET uid = 'uid-west' WHERE name = 'west'")
    before, service.registration_token = service.registration_token, found[1]
    await service.enrol("sensor", "west", "w")
    service.registration_token = before
    await expect(page.get_by_text("west is connected")).to_be_visible()
    await console.follow("See its nodes and sensors")
    await expect(page.get_by_text("No Runtime Sensor was installed")).to_have_count(0)
    await expect(console.fact("Registration Token")).to_contain_text("Install west: Valid")


async def test_tokens_are_made_warn_before_they_end_and_are_revoked(console: Console, service: RunningService) -> None:
    page, dialog = console.page, console.page.get_by_role("dialog")
    await service.enrol("controller", "soon")
    await Fleet(service.services.engine).rows(
        "UPDATE registration_token SET expires_at = now() + interval '80 days' WHERE name = 'tests'"
    )
    await console.open(CLUSTERS)
    await expect(page.get_by_text("The registration token of soon expires soon")).to_be_visible()
    await console.follow("Replace it")
    await expect(console.row("Registration tokens", "tests")).to_contain_text("Expires soon")
    await page.get_by_role("button", name="Create token").click()
    await dialog.get_by_label("Name").first.fill("spare")
    await dialog.get_by_label("Cluster Name").fill("north")
    await dialog.get_by_role("button", name="Create token").click()
    await expect(dialog.get_by_label("Registration token")).to_have_value(re.compile("^dlr_"))
    await dialog.get_by_role("button", name="Close", exact=True).last.click()
    await expect(console.row("Registration tokens", "spare")).to_contain_text("north")
    await page.get_by_role("button", name="Actions on spare").click()
    await page.get_by_role("menuitem", name="Revoke").click()
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(console.row("Registration tokens", "spare")).to_contain_text("Revoked")
    await console.open(CLUSTERS)
    await page.get_by_role("button", name="Actions on soon").click()
    await page.get_by_role("menuitem", name="Remove").click()
    await dialog.get_by_role("button", name="Remove cluster").click()
    await expect(dialog).to_have_count(0)  # what is behind a dialog has no role
    await expect(row(console, "soon")).to_have_count(0)
    assert "soon" not in await listed(service)
