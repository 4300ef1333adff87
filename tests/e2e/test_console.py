"""The console in a real browser against the whole running service: what people do first, and that everybody can."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.support.console import Console, open_console
from tests.support.database import PASSWORD, fresh_database
from tests.support.images import SITE, debian, image, python, text_image
from tests.support.inventory import STARTED, batch, container, delta, node, pod, workload
from tests.support.osv import CRITICAL, LOW, import_records, osv
from tests.support.receiver import Receiver, running_receiver
from tests.support.registries import ServedRegistry, serve_registry
from tests.support.service import Agent, RunningService, eventually, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.model import wire
from deadlight.model.observation import Grade
from deadlight.server.auth.accounts import create_user
from deadlight.server.auth.principals import Role

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

INVENTORY = "/agent/v1/inventory"
DEPLOYER = "grace@example.com"
WEB = workload(annotations={"deadlight.io/deployed-by": DEPLOYER})
MINER = workload("miner", "tools")
STRANGER = "registry.elsewhere/tools/miner:latest"

CODE = b"""
import joblib, PIL.ImageCms, PIL.ImageMath
joblib.Parallel(n_jobs=2)(PIL.ImageMath.eval("1"))
PIL.ImageCms.profileToProfile(None, "a", "b")
"""

ADVISORIES = (
    osv("CVE-2026-0002", severity=LOW),
    osv("CVE-2026-0001", severity=CRITICAL),
    osv("CVE-2024-28219", "pillow", ecosystem="PyPI"),
    osv("CVE-2023-50447", "pillow", ecosystem="PyPI", fixed="10.2.0"),
    osv("CVE-2022-21797", "joblib", ecosystem="PyPI", fixed="1.2.0", severity=CRITICAL),
)
"""One falls out at each stage of the funnel: low, not covered by a rule, without a fix, not seen in use; one stays."""


@dataclass(frozen=True)
class World:
    """A cluster with a tampered image, a stranger's image, and a sensor that saw one package in use."""

    service: RunningService
    registry: ServedRegistry
    controller: Agent
    image: str
    """The name of the tampered image."""
    image_path: str
    """Its page."""
    running_digest: str
    pushed_digest: str


async def build_world(service: RunningService, registry: ServedRegistry) -> World:
    """Everything over the endpoints that agents and people use."""
    await import_records(service.services.engine, *ADVISORIES)
    layers = (debian({"openssl": "3.0.1-1"}), python("joblib", "1.1.0"), python("pillow", "10.0.0"))
    running = await registry.push(image(*layers, {"app/main.py": CODE}))
    pushed = await registry.push(text_image("another"))
    settings = {"name": "Shop", "host": registry.host, "url": registry.url, "verify_tls": False}
    await service.post("/api/v1/registries", settings)
    controller = await service.enrol(cluster="production")
    sensor = await service.enrol("sensor", "production", "node-1")
    name = f"{registry.host}/shop/web:1.0.0"
    web = container(name, running.digest)
    await tell(controller, INVENTORY, batch(node(), WEB, pod(web), *stranger(), cluster="production"))
    seen = wire.Observation(
        container_id=web.container_id,
        grade=Grade.OPENED,
        path=f"/{SITE}/joblib/__init__.py",
        first_at=STARTED,
        last_at=STARTED,
        process="python",
    )
    await tell(sensor, "/agent/v1/heartbeat", wire.Heartbeat(version="test", node="node-1", started_at=STARTED))
    observed = wire.ObservationBatch(batch_id="1", node="node-1", observations=(seen,))
    await tell(sensor, "/agent/v1/observations", observed)
    await eventually(lambda: has_settled(service))
    (row,) = (await service.get("/api/v1/image-tags?search=shop/web"))["image_tags"]
    path = f"/runtime/live/images/{row['id']}"
    return World(service, registry, controller, name, path, running.digest, pushed.digest)


def stranger(name: str = STRANGER) -> tuple[Any, ...]:
    """An image that nobody trusts, running."""
    return MINER, pod(container(name, "sha256:" + "a" * 64), name="miner-1", owner=MINER)


async def tell(agent: Agent, path: str, message: wire.Message) -> None:
    """What an agent says is taken."""
    status, answer = await agent.post(path, message)
    assert status < 300, answer


async def has_settled(service: RunningService) -> bool:
    """Whether everything about the tampered image is known."""
    counts = [stage["count"] for stage in (await service.get("/api/v1/funnel"))["stages"]]
    images = (await service.get("/api/v1/image-tags"))["image_tags"]
    return counts[-1] == 1 and all(item["integrity_status"] for item in images)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def new_service(postgres: EmbeddedPostgres) -> AsyncIterator[RunningService]:
    """Nothing has been connected to it yet."""
    with fresh_database(postgres) as url:
        async with running_service(service_settings(url)) as service:
            yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(whole_service: RunningService) -> AsyncIterator[World]:
    """A service in use."""
    async with serve_registry() as registry:
        yield await build_world(whole_service, registry)


@pytest.fixture(scope="module")
def service(world: World) -> RunningService:
    """The one in use."""
    return world.service


@pytest.mark.req("F3")
async def test_the_first_sign_in_asks_for_a_password_of_ones_own_and_leads_where_the_link_pointed(
    browser: Browser, new_service: RunningService
):
    async with new_service.services.engine.begin() as connection:
        await create_user(connection, "ada", "one-time password", Role.ADMIN, must_change_password=True)
    async with open_console(browser, new_service.url) as console:
        page = console.page
        await console.open("/admin/workers/alerts?status=dead")
        await console.sign_in("ada", "a wrong password")
        await expect(page.get_by_text("Name or password is wrong.")).to_be_visible()
        await console.sign_in("ada", "one-time password")
        await expect(console.heading("Choose your own password")).to_be_visible()
        await page.get_by_label("One-time password").fill("one-time password")
        await page.locator("#new-password").fill("too short")
        await page.locator("#repeated-password").fill("too long")
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_text("A password has at least 12 characters.")).to_be_visible()
        await expect(page.get_by_text("The two do not match.")).to_be_visible()
        await page.locator("#new-password").fill("a password of my own")
        await page.locator("#repeated-password").fill("a password of my own")
        await page.get_by_role("button", name="Change password").click()
        await expect(console.heading("Workers")).to_be_visible()
        await expect(page).to_have_url(f"{new_service.url}/admin/workers/alerts?status=dead")


@pytest.mark.req("D3", "D12")
async def test_an_empty_service_says_what_to_do_next(browser: Browser, new_service: RunningService):
    async with open_console(browser, new_service.url) as console:
        page = console.page
        await console.open("/")
        await console.sign_in("admin", PASSWORD)
        await expect(page.get_by_text("no_runtime_installed", exact=True)).to_be_visible()
        for path in ("/runtime/dashboard", "/runtime/live/images", "/runtime/clusters"):
            await console.open(path)
            await expect(console.heading("No cluster is connected yet")).to_be_visible()
            await expect(page.get_by_label("Command to connect a cluster")).to_have_value("deadlight connect")
        for path, title, action in (
            ("/admin/workers", "No worker yet", "Add worker"),
            ("/admin/registries", "No registry has been added yet", "Add registry"),
            ("/admin/signers", "Nobody's signature counts yet", "Add signer"),
        ):
            await console.open(path)
            await expect(console.heading(title)).to_be_visible()
            await expect(page.get_by_role("link", name=action)).to_have_count(2)
        await console.open("/admin/feeds")
        await expect(page.get_by_text("feeds are switched off (DEADLIGHT_FEEDS=none)")).to_be_visible()
        await expect(page.get_by_role("button", name="Refresh CISA's known exploited vulnerabilities")).to_be_disabled()
        await console.open("/admin/workers/alerts")
        await expect(page.get_by_text("To see one now, send a test through a worker.")).to_be_visible()
        await expect(page.get_by_role("region", name="Demonstration")).to_have_count(0)
        added = await new_service.post("/api/v1/registries", {"host": "registry.demo", "demonstration": True})
        await console.open("/admin/registries")
        await expect(page.get_by_role("region", name="Demonstration")).to_contain_text("deadlight demo remove")
        await expect(console.row("Registries", "registry.demo")).to_contain_text("Demonstration")
        await new_service.request("DELETE", f"/api/v1/registries/{added['id']}")
        await console.open("/admin/registries")
        await expect(page.get_by_role("region", name="Demonstration")).to_have_count(0)


@pytest.mark.req("D6", "D9", "D14", "D16", "D21")
async def test_the_dashboard_shows_the_five_numbers_and_how_far_to_rely_on_them(console: Console):
    await console.open("/runtime/dashboard")
    stages = ("All Vulnerabilities", "Critical & High", "Applicable", "With Fix Version", "Validated in Runtime")
    for stage, count in zip(stages, (5, 4, 3, 2, 1), strict=True):
        row = console.table("Prioritisation funnel").get_by_role("row").filter(has_text=stage)
        await expect(row.get_by_role("gridcell").first).to_have_text(str(count))
    scan = console.page.get_by_role("region", name="Scan Status")
    await expect(scan).to_contain_text("partial")
    await expect(scan).to_contain_text("1 of 2 running images scanned")
    await expect(scan).to_contain_text("their registry is not trusted")
    await expect(console.page.get_by_role("region", name="Installation Status")).to_contain_text("full")
    await expect(console.page.get_by_text("These figures are incomplete: see Scan Status above.")).to_be_visible()
    await expect(console.page.get_by_role("region", name="Demonstration")).to_have_count(0)


@pytest_asyncio.fixture(loop_scope="module")
async def inbox() -> AsyncIterator[Receiver]:
    """Where the worker's alerts arrive."""
    async with running_receiver() as receiver:
        yield receiver


@pytest.mark.req("F10", "F11", "F14", "F17", "F21")
async def test_a_worker_is_made_tested_and_alerts_and_the_log_says_how_it_went(
    console: Console, world: World, inbox: Receiver
):
    page = console.page
    await console.open("/")
    await console.follow("Workers")
    await page.get_by_role("link", name="Add worker").first.click()
    await page.get_by_role("button", name="Add worker").click()
    await expect(page.get_by_text("Give the worker a name.")).to_be_visible()
    await page.get_by_role("textbox", name="Name", exact=True).fill("Strangers")
    for event in await world.service.get("/api/v1/event-types"):
        await expect(page.get_by_role("checkbox", name=event["name"])).to_be_visible()
    await page.get_by_role("checkbox", name="IntegrityViolationDetected").uncheck()
    await page.get_by_role("checkbox", name="UntrustedRegistryDetected").check()
    await page.get_by_label("Criteria").fill("event.data.no(")
    await page.get_by_label("Address").fill(inbox.url)
    await page.get_by_role("button", name="Add worker").click()
    await expect(page.locator("#criteria-help")).to_contain_text("riteria")
    (refused,) = console.troubles
    assert refused == f"400 POST {console.url}/api/v1/workers"
    console.troubles.clear()
    await page.get_by_label("Criteria").fill('event.data.workload.namespace == "tools"')
    await page.get_by_role("button", name="Add worker").click()
    await expect(page.get_by_text("Worker added")).to_be_visible()
    await page.get_by_role("button", name="Actions on Strangers").click()
    await page.get_by_role("menuitem", name="Send a test").click()
    await page.get_by_role("button", name="Send test").click()
    (test,) = await inbox.wait()
    assert test.body["type"] == "io.deadlight.UntrustedRegistryDetected"
    await page.get_by_role("link", name="See in the log whether it arrives").click()
    await expect(console.fact("Status")).to_contain_text("Delivered")
    await page.get_by_role("button", name="Close drawer panel").click()
    news = delta(*stranger("registry.elsewhere/tools/miner:2"), cluster="production")
    await tell(world.controller, INVENTORY, news)
    (_, alert) = await inbox.wait(2)
    assert alert.body["data"]["images"][0]["name"] == "registry.elsewhere/tools/miner:2"
    await expect(console.row("Alerts", "Delivered")).to_have_count(2)


@pytest.mark.req("M2", "M3", "M4", "M6", "M13", "M14", "M16", "M17")
async def test_clusters_are_listed_with_their_health_and_lead_to_their_nodes(console: Console):
    await console.open("/")
    await console.follow("Cluster Management")
    row = console.row("Clusters", "production")
    await expect(row).to_contain_text("Running")
    await expect(row).to_contain_text("1/1")
    await row.get_by_role("link", name="production").click()
    await expect(console.heading("production")).to_be_visible()
    await expect(console.row("Nodes", "node-1")).to_contain_text("Running")


async def test_a_registry_is_added_and_tested_with_an_image(console: Console, world: World):
    page = console.page
    mirror = world.registry.host.replace("127.0.0.1", "localhost")
    await console.open("/")
    await console.follow("Registries")
    await page.get_by_role("link", name="Add registry").first.click()
    await page.get_by_label("Host").fill(mirror)
    await page.get_by_label("Address of the API").fill(world.registry.url)
    await page.get_by_text("Verify its TLS certificate").click()
    await page.get_by_role("button", name="Add registry").click()
    await expect(console.row("Registries", mirror)).to_contain_text("Trusted")
    await page.get_by_role("button", name=f"Actions on {mirror}").click()
    await page.get_by_role("menuitem", name="Test connection").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Image").fill(f"{mirror}/shop/web:none")
    await dialog.get_by_role("button", name="Test").click()
    await expect(dialog.get_by_text("That did not work")).to_be_visible()
    await dialog.get_by_label("Image").fill(f"{mirror}/shop/web:1.0.0")
    await dialog.get_by_role("button", name="Test").click()
    await expect(dialog.get_by_text("It works")).to_be_visible()
    await expect(dialog).to_contain_text(world.pushed_digest)


async def test_the_keyboard_alone_leads_from_signing_in_to_an_image(browser: Browser, world: World):
    async with open_console(browser, world.service.url) as console:
        keyboard = console.page.keyboard
        await console.open("/")
        await keyboard.type("admin")
        await console.press_until_focused("password")
        await keyboard.type(PASSWORD)
        await keyboard.press("Enter")
        await expect(console.heading("Dashboard")).to_be_visible()
        await console.press_until_focused("Live Assessment")
        await keyboard.press("Enter")
        await expect(console.row("Images", "shop/web")).to_be_visible()
        await console.press_until_focused("web")
        await keyboard.press("Enter")
        await expect(console.heading(world.image)).to_be_visible()
