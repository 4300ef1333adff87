"""The demonstration, walked through the real console in a real browser: what goes wrong, what people see, how it ends.

Registry and controllers are real processes, the Kubernetes API is a stand-in. The tests are one story: the fleet comes
up once, and each goes on where the one before it ended.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, expect
from tests.support.console import Console, look_at, open_console
from tests.support.demonstration import VIOLATED, DemonstrationProcess, Stage, running_stage
from tests.support.routes import IMAGES, addresses, console_routes
from tests.support.service import RunningService, eventually

from deadlight.demo import catalogue
from deadlight.demo.recipes import REGISTRY
from deadlight.registry.documents import OCI_INDEX

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

SECTIONS = {
    "Evidence": "What was found?",
    "Location": "Where is the Violation?",
    "Recommendations": "What Steps are Recommended?",
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(whole_service: RunningService, state: Path) -> AsyncIterator[Stage]:
    async with running_stage(whole_service, state) as running:
        yield running


@pytest.fixture(scope="module")
def service(stage: Stage) -> RunningService:
    return stage.service


@pytest.fixture
def console(window: Console) -> Console:
    return window


async def expect_sections(console: Console) -> None:
    """The three of them are there, and each opens and closes."""
    for name, title in SECTIONS.items():
        await expect(console.heading(title)).to_be_visible()
        await console.page.get_by_role("button", name=name).click()
        await expect(console.heading(title)).to_be_hidden()
        await console.page.get_by_role("button", name=name).click()


async def expect_verdict(console: Console, *words: str) -> None:
    """The card says exactly these."""
    for word in words:
        await expect(console.region("Image integrity").get_by_text(word, exact=True)).to_be_visible()


async def expect_steps(console: Console, severity: str, *words: str) -> None:
    """The severity, and one recommended step for each word."""
    panel = console.page.get_by_role("tabpanel")
    await expect(panel).to_contain_text(f"severity {severity}")
    steps = panel.get_by_role("list").last.get_by_role("listitem")
    await expect(steps).to_have_count(len(words))
    for word in words:
        await expect(steps.filter(has_text=word)).to_have_count(1)


@pytest.mark.req("F3", "F4", "F5", "F6", "I1", "I2", "I3", "I4", "I5")
async def test_a_moved_tag_gets_its_badge_while_the_list_is_read_which_leads_to_the_details(
    console: Console, stage: Stage
) -> None:
    page = console.page
    await console.open("/")
    await console.follow("Live Assessment")
    await expect(page).to_have_url(f"{console.url}{IMAGES}")
    await expect(page.get_by_role("navigation", name="Live Assessment").get_by_text("Images")).to_be_visible()
    await page.get_by_label("Search images").fill("storefront")
    await expect(console.table("Images").locator("tr[data-row]")).to_have_count(1)
    row = console.row("Images", "web/storefront")
    await expect(row).not_to_contain_text("Integrity Violation")
    await stage.play("mutable tag moved")
    await expect(row).to_contain_text("Integrity Violation")
    await row.get_by_role("button", name="Details").click()
    tag = console.table(f"Tags of {REGISTRY}/web/storefront").get_by_role("link", name="stable")
    await tag.click()
    await expect(page).to_have_url(re.compile(rf"{await stage.path(catalogue.STOREFRONT)}$"))
    await expect(console.heading(catalogue.STOREFRONT.reference)).to_be_visible()


@pytest.mark.req("I6", "I7", "I8", "I14", "I15", "I16", "I17", "I23", "I26", "I30", "I31", "I32")
async def test_a_post_deployment_tag_update_is_explained_by_its_timeline(console: Console) -> None:
    page = console.page
    await console.settled()
    await expect_verdict(console, "Invalid Image Integrity", "Post-Deployment Tag Update", "Medium")
    await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_attribute("aria-selected", "true")
    timeline = page.get_by_role("figure", name="Tag update timeline")
    for text in ("Deployment Time", "Tag Update Time", "Elapsed difference", "the deployment"):
        await expect(timeline).to_contain_text(text)
    await expect(timeline.get_by_role("time")).to_have_count(2)
    upper = await timeline.bounding_box()
    lower = await page.get_by_role("heading", name="Runtime Digest (Actual)").bounding_box()
    assert upper
    assert lower
    assert upper["y"] < lower["y"]
    await expect(page.get_by_role("button", name="Copy registry digest")).to_be_visible()
    await expect_sections(console)
    await expect_steps(console, "Medium", "your CI", "restart the workload", "immutable tags or digests")


@pytest.mark.req("I8", "I9", "I10", "I11", "I18", "I19", "I20", "I21", "I22", "I24", "I30", "I33")
async def test_a_digest_mismatch_is_explained_with_both_digests_and_every_place(console: Console, stage: Stage) -> None:
    assert await stage.fleet.until_scanned()
    await stage.play("rollout", "release overwritten")
    page = console.page
    await console.open(await stage.path(catalogue.CHECKOUT))
    await expect_verdict(console, "Invalid Image Integrity", "Digest Mismatch", "Critical")
    panel = page.get_by_role("tabpanel")
    copied = []
    for name, label in (
        ("Runtime Digest (Actual)", "Copy runtime digest"),
        ("Registry Digest (Expected)", "Copy registry digest"),
    ):
        await expect(panel.get_by_role("heading", name=name)).to_be_visible()
        await panel.get_by_role("button", name=label).click()
        copied.append(await console.clipboard())
    running, expected = copied
    assert running != expected
    await expect(panel).to_contain_text(running)
    link = await panel.get_by_role("link", name=expected).get_attribute("href") or ""
    async with aiohttp.ClientSession() as http, http.get(link, headers={"Accept": OCI_INDEX}) as answer:
        assert answer.headers["Docker-Content-Digest"] == expected
    await expect(console.table("Layers that differ")).to_contain_text("Only in what was expected")
    await expect(console.fact("First Detected").last).to_contain_text("20")
    place = console.row("Where the violation is", "demo-eu-production")
    for text in ("shop", "Deployment checkout", "ip-10-20-1-17.eu-central-1.compute.internal", "Argo CD application"):
        await expect(place).to_contain_text(text)
    await expect(console.row("Where the violation is", "demo-us-production")).to_have_count(1)
    await expect_steps(console, "Critical", "security incident", "Build Owner", "Isolate", "Force a redeploy")


@pytest.mark.req("F1", "F2", "F7", "F8", "F9")
async def test_the_info_card_names_the_image_and_its_people_who_can_be_told_at_once(console: Console) -> None:
    page = console.page
    owner = "Checkout team <checkout@company.demo>"
    for name, text in (
        ("Runtime status", "Running"),
        ("No. of Workloads", "2"),
        ("No. of Clusters", "2"),
        ("Namespaces", "shop"),
        ("Cloud Providers", "AWS, Google"),
        ("Registry name", REGISTRY),
        ("Repository Path", "shop/checkout"),
        ("Build Owner", owner),
        ("Build Owner", "revision"),
        ("Deployed By", "Argo CD application shop"),
        ("Owner", "checkout@company.demo"),
        ("Owner", "owners map, rule"),
    ):
        await expect(console.fact(name).first).to_contain_text(text)
    shown = page.get_by_role("link", name=re.compile("^Show in"))
    await expect(shown).to_have_attribute("href", re.compile("/v2/shop/checkout/manifests/sha256:"))
    builder = console.region("Image Tag Info").get_by_role("link", name=owner)
    address = await builder.get_attribute("href") or ""
    assert address.startswith("mailto:checkout@company.demo?subject=Digest%20Mismatch%20(Critical)")
    assert len(address) < 2000
    await console.region("Image Tag Info").get_by_role("button", name="Copy repository path").click()
    assert await console.clipboard() == "shop/checkout"
    await page.get_by_role("button", name="Issue").click()
    for kind in ("Markdown", "JSON", "CSV"):
        await expect(page.get_by_role("menuitem", name=f"Download as {kind}")).to_be_visible()
    await page.get_by_role("menuitem", name="Copy as issue").click()
    await expect(page.get_by_text("Issue copied")).to_be_visible()
    issue = await console.clipboard()
    for text in ("Digest Mismatch", f"- Build Owner: {owner}", "- Deployed By: Argo CD application shop"):
        assert text in issue


@pytest.mark.req("A10", "A11")
async def test_what_an_image_exposes_is_shown_with_what_to_do(console: Console, stage: Stage) -> None:
    await console.open(await stage.path(catalogue.CART, "exposures"))
    panel = console.page.get_by_role("tabpanel")
    await expect(console.row("Exposures", "/app/.env")).to_be_visible()
    await console.row("Exposures", "Django runs in debug mode").get_by_role("button").click()
    await expect(panel).to_contain_text("DEBUG = False")


@pytest.mark.req("I6", "I8", "I12", "I13", "I25", "I29")
async def test_a_missing_source_is_explained_with_where_it_should_be(console: Console, stage: Stage) -> None:
    await stage.play("image deleted", "image side-loaded")
    page = console.page
    await console.open(await stage.path(catalogue.INVOICES))
    await expect_verdict(console, "Invalid Image Source", "Missing Source", "High")
    panel = page.get_by_role("tabpanel")
    await expect(panel.get_by_text("Artifact Not Found", exact=True)).to_be_visible()
    await expect(panel).to_contain_text("Registry Path")
    await panel.get_by_role("button", name="Copy registry path").click()
    assert await console.clipboard() == catalogue.INVOICES.reference
    await expect(page.get_by_role("link", name=re.compile("^Show in"))).to_have_count(0)
    await expect_steps(console, "High", "retention", "Shadow IT", "Trash Can", "terminate")


@pytest.mark.req("F1", "F2", "F5", "I6", "I27", "I28")
async def test_an_untrusted_image_is_no_violation_and_says_what_to_connect_to_know_its_people(
    console: Console, stage: Stage
) -> None:
    await stage.play("untrusted registry")
    page = console.page
    await console.open(IMAGES)
    await page.locator("label[for=choose-untrusted_registry]").click()
    await expect(page).to_have_url(f"{console.url}{IMAGES}?risk=untrusted_registry")
    row = console.row("Images", "tools/queue-exporter")
    await expect(row).to_contain_text("Untrusted Registry")
    await expect(row).not_to_contain_text("Integrity Violation")
    await row.get_by_role("link", name="queue-exporter").click()
    await expect_verdict(console, "Untrusted Registry")
    await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_count(0)
    for name, advice in (("Build Owner", "label"), ("Pushed By", "registry"), ("Owner", "owners map")):
        await expect(console.fact(name).first).to_contain_text("Unknown")
        await expect(console.fact(name).first).to_contain_text(advice)
    await expect(console.fact("Deployed By").first).to_contain_text("last written by kubectl")


async def test_a_malicious_package_bars_the_page_and_has_a_tab(console: Console, stage: Stage) -> None:
    await stage.play("malicious package", "advisory published", "package executes")
    page = console.page
    await console.open(await stage.path(catalogue.CAMPAIGNS_NEXT))
    await expect(page.get_by_text("This image contains a malicious package")).to_be_visible()
    await page.get_by_role("link", name="See Malicious Packages").click()
    await expect(console.row("Malicious Packages", "company-metrics")).to_contain_text("MAL-DEMO-company-metrics")


async def test_the_tabs_list_what_is_in_an_image_and_stand_in_the_address(console: Console, stage: Stage) -> None:
    page = console.page
    path = await stage.path(catalogue.THUMBNAILER)
    await console.open(path)
    await expect_verdict(console, "No Issues")
    await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_count(0)
    await page.get_by_role("link", name=re.compile("Critical & High CVEs")).click()
    finding = console.row("Vulnerabilities", "CVE-2023-50447")
    for text in ("Critical", "9.5.0", "10.2.0", "Applicable"):
        await expect(finding).to_contain_text(text)
    await console.open(f"{path}/vulnerabilities?cve=CVE-2023-50447")
    await expect(console.heading("CVE-2023-50447")).to_be_visible()
    await expect(console.fact("Contextual Analysis").first).to_contain_text("/app/main.py")
    await page.get_by_role("button", name="Close drawer panel").click()
    await page.get_by_role("tab", name="Packages", exact=True).click()
    await expect(page).to_have_url(f"{console.url}{path}/packages")
    await expect(page.get_by_role("link", name="Export SBOM (CycloneDX)")).to_have_attribute(
        "href", re.compile("sbom$")
    )
    await page.get_by_placeholder("Search").first.fill("pillow")
    await expect(console.row("Packages", "9.5.0")).to_contain_text("PIL/__init__.py")
    await page.get_by_role("tab", name="Workloads").click()
    await expect(console.row("Workloads", "demo-eu-production")).to_contain_text("thumbnailer")
    await page.get_by_role("tab", name="Clusters").click()
    await expect(console.row("Clusters", "demo-us-production")).to_contain_text("media")
    await page.get_by_role("tab", name="Exposures").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("None found")


@pytest.mark.req("I1", "I2", "I27")
async def test_what_is_put_right_closes_before_the_readers_eyes(console: Console, stage: Stage) -> None:
    page = console.page
    for image, steps in (
        (catalogue.CHECKOUT, ("acknowledged", "release restored")),
        (catalogue.INVOICES, ("image restored",)),
    ):
        await console.open(await stage.path(image))
        await expect(page.get_by_role("tab", name="Integrity Violation")).to_be_visible()
        await stage.play(*steps)
        await expect_verdict(console, "No Issues")
        await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_count(0)
    await console.open(f"{IMAGES}?search=storefront")
    await expect(console.row("Images", "web/storefront")).to_contain_text("Integrity Violation")
    await stage.play("redeployed", "rolled back")
    await expect(console.row("Images", "web/storefront")).not_to_contain_text("Integrity Violation")


@pytest.mark.req("I27", "I28", "I29")
async def test_a_registry_that_is_trusted_and_then_away_never_makes_anything_missing(
    console: Console, stage: Stage
) -> None:
    await console.open(await stage.path(catalogue.QUEUE_EXPORTER))
    await stage.play("registry trusted")
    await expect_verdict(console, "No Issues")
    await stage.play("registry away")
    await console.page.reload()
    await expect(console.region("Image integrity")).to_contain_text("The registry cannot be asked")
    await expect_verdict(console, "No Issues")
    assert not await stage.service.rows(
        "SELECT FROM violation JOIN image_tag ON image_tag.id = image_tag_id"
        f" WHERE image_tag.registry = '{catalogue.UNTRUSTED}'"
    )


@pytest.mark.req("F7", "F27", "I1", "I18")
async def test_every_risk_has_a_window_that_says_when_what_became_of_it(console: Console, stage: Stage) -> None:
    for workload, risk in (
        ("storefront", "integrity_violation"),
        ("invoices", "integrity_violation"),
        ("queue-exporter", "untrusted_registry"),
        ("campaign-sync", "malicious"),
    ):
        window = await stage.window(workload, risk)
        for name in ("opened_at", "detected_at", "notified_at", "closed_at"):
            assert window[name], f"{workload} has no {name}"
    window = await stage.window("checkout", "integrity_violation")
    await console.open(f"/runtime/exposure-windows/{window['id']}")
    for name, text in (
        ("State", "Closed"),
        ("Live since", "20"),
        ("Detected", "20"),
        ("Notified", "20"),
        ("Acknowledged", "by admin"),
        ("Closed", "now No Issues"),
        ("Build Owner", "Checkout team"),
        ("Deployed By", "Argo CD application shop"),
        ("Team", "Checkout"),
    ):
        await expect(console.fact(name).first).to_contain_text(text)
    await expect(console.row("History", "asks the registry who pushed that")).to_have_count(1)


@pytest.mark.req("I18")
async def test_a_violation_that_opens_again_keeps_its_history(console: Console, stage: Stage) -> None:
    await stage.play("the same again")
    await console.open(await stage.path(catalogue.CHECKOUT))
    await expect(console.fact("Opened before")).to_contain_text("Once, first")
    await console.page.get_by_role("tab", name="History").click()
    await expect(console.row("Violations of this image", "Digest Mismatch")).to_have_count(2)
    await expect(console.row("Violations of this image", "Now No Issues.")).to_have_count(1)
    await expect(console.row("Digests of the tag", "This image")).to_have_count(1)
    await expect(console.row("Digests of the tag", "In the registry")).not_to_contain_text("This image")


@pytest.mark.timeout(300)  # three dozen pages in both themes
async def test_no_page_bars_anybody_in_either_theme_or_moves_under_the_readers_hands(
    browser: Browser, session: StorageState, stage: Stage
) -> None:
    table = await addresses(stage)
    assert table.keys() == console_routes()
    door = table.pop("sign-in")
    inside = [path for paths in table.values() for path in paths]
    url = stage.service.url
    async with (
        open_console(browser, url, state=session) as one,
        open_console(browser, url, state=session) as other,
        open_console(browser, url) as outside,
    ):
        found = await asyncio.gather(look_at(one, inside[::2]), look_at(other, inside[1::2]), look_at(outside, door))
    assert [item for part in found for item in part] == []


@pytest.mark.parametrize("newest_first", [False, True])
async def test_answers_that_come_one_by_one_in_any_order_move_nothing(
    console: Console, stage: Stage, newest_first: bool
) -> None:
    for image in VIOLATED:
        await console.open_answer_by_answer(await stage.path(image), newest_first=newest_first)
        assert await console.shifts() <= 0.001, (image.reference, await console.moved())


@pytest.mark.req("F13", "F22", "R2", "R3", "R4", "R5", "R7", "R8")
async def test_a_round_ends_with_everything_put_right(stage: Stage) -> None:
    await stage.play("begin again")
    closed = """
        SELECT workload.name, violation.type, violation.severity, violation.close_reason FROM violation
        JOIN violation_location ON violation_location.violation_id = violation.id
        JOIN workload ON workload.id = violation_location.workload_id WHERE violation.closed_at IS NOT NULL
        """

    async def all_closed() -> bool:
        return {tuple(row) for row in await stage.service.rows(closed)} >= {
            ("storefront", "Post-Deployment Tag Update", "Medium", "no longer deployed"),
            ("checkout", "Digest Mismatch", "Critical", "now No Issues"),
            ("invoices", "Missing Source", "High", "now No Issues"),
            ("indexer-hotfix", "Digest Mismatch", "Critical", "no longer deployed"),
        }

    await eventually(all_closed)


@pytest.mark.req("F13", "F14", "F24")
async def test_every_alert_was_delivered_and_says_that_it_is_a_demonstration(stage: Stage) -> None:
    service = stage.service

    async def delivered() -> bool:
        return not await service.rows("SELECT id FROM alert WHERE status <> 'delivered'")

    await eventually(delivered)
    rows = await service.rows("SELECT event_type, body -> 'data' ->> 'demonstration' AS flag FROM alert")
    assert {row.flag for row in rows} == {"true"}
    assert {row.event_type for row in rows} == {
        "IntegrityViolationDetected",
        "IntegrityViolationClosed",
        "ThreatDetected",
        "UntrustedRegistryDetected",
        "VulnerabilitiesChanged",
        "WorkloadChanged",
    }
    concerned = await service.rows(
        """
        SELECT DISTINCT body -> 'data' -> 'workload' ->> 'name' AS name FROM alert
        WHERE body -> 'data' -> 'vulnerabilities_added' @> '[{"cve_id": "CVE-2023-50447"}]'
        """
    )
    assert {row.name for row in concerned} == {"thumbnailer"}


@pytest.mark.req("D16", "D17", "D18", "D19", "D20", "D21", "D22", "R16", "R33")
async def test_the_funnel_narrows_at_every_stage_to_what_executes(stage: Stage) -> None:
    service = stage.service
    counts = [item["count"] for item in (await service.get("/api/v1/funnel"))["stages"]]
    assert len(counts) == 5
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[1] > counts[2] >= counts[-1] > 0
    page = (await stage.path(catalogue.RECOMMENDER)).replace("/runtime/live/images", "/api/v1/image-tags")
    findings = (await service.get(f"{page}/vulnerabilities"))["vulnerabilities"]
    (joblib,) = (item for item in findings if item["vulnerability"] == "CVE-2022-21797")
    assert (joblib["applicability"], joblib["grade"], joblib["fix_version"]) == ("applicable", "opened", "1.2.0")
    assert joblib["evidence_path"].endswith("/joblib/__init__.py")
    answer = await service.post(
        "/runtime/api/v1/workloads", {"filters": {"workloads": [{"name": "storefront"}]}, "limit": 10}
    )
    processes = [process for workload in answer["workloads"] for process in workload["processes"]]
    assert {(process["path"], process["arguments"]) for process in processes} == {("/usr/sbin/nginx", "-g daemon off;")}


@pytest.mark.req("R1")
async def test_everything_carries_the_flag_and_what_the_team_signed_counts(stage: Stage) -> None:
    service = stage.service
    answer = await service.post("/runtime/api/v1/clusters", {"limit": 10})
    assert [(row["name"], row["demonstration"], row["controller_status"]) for row in answer["clusters"]] == [
        ("demo-eu-production", True, "running"),
        ("demo-us-production", True, "running"),
    ]
    for path in ("/api/v1/registries", "/api/v1/workers", "/api/v1/owners"):
        assert all(row["demonstration"] for row in await service.get(path))
    assert all(row["demonstration"] for row in (await service.get("/api/v1/image-tags?limit=100"))["image_tags"])
    for image, state in ((catalogue.CART, "verified"), (catalogue.GATEWAY, "unsigned")):
        attested = (await stage.path(image, "attestations")).replace(IMAGES, "/api/v1/image-tags")
        assert (await service.get(attested))["state"] == state


async def test_it_goes_on_as_a_process_of_its_own_and_doubles_nothing(
    console: Console, stage: Stage, service: RunningService, state: Path
) -> None:
    await console.page.goto("about:blank")
    things = """
        SELECT (SELECT count(*) FROM cluster), (SELECT count(*) FROM registry), (SELECT count(*) FROM worker),
               (SELECT count(*) FROM agent), (SELECT count(DISTINCT uid) FROM node),
               (SELECT count(*) FROM trusted_signer)
        """
    before = await service.rows(things)
    pods = {row.uid for row in await service.rows("SELECT uid FROM pod WHERE removed_at IS NULL")}
    refused = DemonstrationProcess(service, state)
    await refused.start()
    assert await refused.until_ended() == 1
    assert "already running" in refused.lines[0]
    await stage.end()
    again = DemonstrationProcess(service, state)
    await again.start()
    try:
        await again.until_said("every image is scanned")
        assert await service.rows(things) == before
        after = {row.uid for row in await service.rows("SELECT uid FROM pod WHERE removed_at IS NULL")}
        assert len(pods & after) > len(after) / 2
        removed = await service.request("DELETE", "/api/v1/demonstration")
        assert (removed["clusters"], removed["registries"]) == (2, 1)
        assert await again.until_ended() == 0
        assert "has been removed" in again.lines[-1]
    finally:
        await again.stop()


async def test_after_it_was_removed_nothing_of_it_is_left(service: RunningService) -> None:
    await service.settle()
    for table in (
        *("cluster", "node", "workload", "pod", "container", "image_tag", "agent", "registry", "worker", "alert"),
        *("violation", "verdict", "observation", "advisory", "vulnerability", "vulnerability_match"),
        *("exposure_window", "owner_rule", "trusted_signer"),
    ):
        ((count,),) = await service.rows(f"SELECT count(*) FROM {table}")
        assert count == 0, f"{count} rows of {table} are left"
