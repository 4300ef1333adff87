"""An image tag's page in a real browser: all three violations explained, whom to ask, and what is in the image."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, StorageState, expect
from tests.server.integrity.conftest import MISSING, PUSHED, Judge, found
from tests.support.console import Console, look_at, open_console, running_browser
from tests.support.database import PASSWORD, fresh_database
from tests.support.fleet import REGISTRY, Fleet, Stored, digest, installed, package
from tests.support.images import LABELS, OWNER
from tests.support.osv import CRITICAL, LOW, import_records, osv
from tests.support.service import RunningService, running_service, service_settings

from deadlight.cli.embedded_postgres import EmbeddedPostgres
from deadlight.registry.attestations.builds import BuildProvenance
from deadlight.registry.attestations.evidence import (
    AttestationEvidence,
    Document,
    Provenance,
    Signature,
    SignatureState,
)
from deadlight.registry.types.registry_type import ArtifactFacts
from deadlight.server.attestations.store import ensure_attestation, store_evidence
from deadlight.server.findings.service import assess_image

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

DEPLOYER = "grace@example.com"
DEPLOYED = {"deadlight.io/deployed-by": DEPLOYER}
REGISTRY_PAGE = "https://registry.example/ui/shop/web"
RUNNING = f"https://registry.example/v2/shop/web/manifests/{digest(f'{REGISTRY}/shop/web:1.0.0')}"
DIFFERENCES = {
    "layers": {"common": 3, "only_running": [{"digest": digest("extra"), "size": 2048, "created_by": "RUN curl evil"}]},
    "config": [{"field": "User", "running": "root", "expected": "app"}],
}
STRANGER = Signature(
    SignatureState.UNTRUSTED, "keyless", "stranger@example.com", "https://issuer.example", is_logged=True
)
BUILD = BuildProvenance(
    predicate_type="https://slsa.dev/provenance/v1",
    builder="https://github.com/actions/runner",
    build_type="",
    source_url="https://github.com/acme/shop",
    revision="0123456789abcdef0123456789abcdef01234567",
    actor="jane",
    workflow="",
    run_url="https://github.com/acme/shop/actions/runs/1",
    started_at=None,
    finished_at=None,
)
ATTACHED = AttestationEvidence(
    SignatureState.UNTRUSTED,
    (STRANGER,),
    (Provenance(BUILD),),
    (Document("SBOM (SPDX)", "https://spdx.dev/Document", digest("sbom"), 2048),),
)
"""Of the image that is fine: signed by a stranger, with provenance that nobody vouches for."""


@dataclass(frozen=True)
class World:
    """An image for each kind of violation, and one that is fine."""

    service: RunningService
    mismatched: Stored
    missing: Stored
    moved: Stored
    fine: Stored

    def path(self, image: Stored, tab: str = "") -> str:
        """The address of a page, or of one of its tabs."""
        return f"/runtime/live/images/{image.image_tag_id}{tab and f'/{tab}'}"


async def build_world(service: RunningService) -> World:
    """Verdicts and evidence as the judge writes them; what registries and sensors say is told in their place."""
    fleet = Fleet(service.services.engine)
    await service.post("/api/v1/registries", {"name": "Shop", "host": REGISTRY})
    await import_records(
        fleet.engine,
        osv("CVE-2026-0001", severity=CRITICAL, fixed="9"),
        osv("CVE-2026-0002", "curl", severity=LOW),
        osv("MAL-2026-0001", "evil", severity="", ecosystem="PyPI"),
    )
    web = (installed(package()), installed(package("curl", "7.88")))
    mismatched = await fleet.add_image(*web, labels=LABELS)
    missing = await fleet.add_image(*web, installed(package("evil", "1.0", "PyPI")), tag="2.0.0")
    moved = await fleet.add_image(tag="latest")
    fine = await fleet.add_image(*web, tag="3.0.0")
    async with fleet.engine.begin() as connection:
        for image in (mismatched, missing, moved, fine):
            await assess_image(connection, image.image_id)
        await ensure_attestation(connection, fine.image_tag_id)
        await store_evidence(connection, fine.image_tag_id, ATTACHED)
    await fleet.add_cluster("production", provider="AWS", regions=["eu-central-1"])
    await fleet.deploy(mismatched.image_tag_id, cluster="production", kind="StatefulSet", annotations=DEPLOYED)
    for name, image in (("gone", missing), ("rolling", moved), ("fine", fine)):
        await fleet.deploy(image.image_tag_id, name=name)
    await Judge(fleet, "3.0.0").hear(found(PUSHED))
    await Judge(fleet, "3.0.0").hear(found(digest(f"{REGISTRY}/shop/web:3.0.0")))
    await Judge(fleet).hear(replace(found(PUSHED), facts=ArtifactFacts(link=REGISTRY_PAGE)))
    await Judge(fleet, "2.0.0").hear(MISSING)
    await Judge(fleet, "latest").hear(found(PUSHED))
    await fleet.rows(
        "UPDATE violation SET evidence = evidence || CAST(:more AS jsonb) WHERE image_tag_id = :id",
        more=msgspec.json.encode({"differences": DIFFERENCES}).decode(),
        id=mismatched.image_tag_id,
    )
    return World(service, mismatched, missing, moved, fine)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all windows."""
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    """A service that only answers: nothing changes while somebody reads."""
    with fresh_database(postgres) as url:
        async with running_service(service_settings(url), background=False) as service:
            yield await build_world(service)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(browser: Browser, world: World) -> StorageState:
    """The cookies of an administrator who is signed in."""
    async with open_console(browser, world.service.url) as console:
        await console.open("/sign-in")
        await console.sign_in("admin", PASSWORD)
        await expect(console.heading("Dashboard")).to_be_visible()
        return await console.page.context.storage_state()


@pytest_asyncio.fixture(loop_scope="module")
async def console(browser: Browser, world: World, session: StorageState) -> AsyncIterator[Console]:
    """The window of an administrator."""
    async with open_console(browser, world.service.url, state=session) as console:
        yield console


async def clipboard(console: Console) -> str:
    return str(await console.page.evaluate("navigator.clipboard.readText()"))


async def expect_steps(panel: Locator, severity: str, *words: str) -> None:
    """The severity, and one recommended step for each word."""
    await expect(panel).to_contain_text(f"severity {severity}")
    steps = panel.get_by_role("listitem")
    for word in words:
        await expect(steps.filter(has_text=word)).to_have_count(1)


@pytest.mark.req("F1", "F2", "F7", "F8", "F9")
async def test_the_info_card_names_the_image_and_its_people_who_can_be_told_at_once(
    console: Console, world: World
) -> None:
    page = console.page
    await console.open(world.path(world.mismatched))
    card = page.get_by_role("region", name="Image Tag Info")
    for name, text in (
        ("Runtime status", "running"),
        ("Vulnerabilities", "2"),
        ("No. of Workloads", "1"),
        ("No. of Clusters", "1"),
        ("Namespaces", "shop"),
        ("Cloud Providers", "AWS"),
        ("Registry name", REGISTRY),
        ("Repository Path", "shop/web"),
        ("Build Owner", OWNER),
        ("Deployed By", DEPLOYER),
    ):
        await expect(console.fact(name).first).to_contain_text(text)
    await card.get_by_role("button", name="Copy repository path").click()
    assert await clipboard(console) == "shop/web"
    await expect(page.get_by_role("link", name="Show in OCI registry")).to_have_attribute("href", RUNNING)
    for count in ("1 Critical & High CVEs", "2 Applicable CVEs", "2 Running CVEs"):
        await expect(page.get_by_role("link", name=count)).to_have_count(int(count.startswith("1")))
    builder = card.get_by_role("link", name=OWNER)
    address = await builder.get_attribute("href") or ""
    assert address.startswith("mailto:ada@example.com?subject=Digest%20Mismatch%20(Critical)")
    assert len(address) < 2000
    await page.get_by_role("button", name="Issue").click()
    for kind in ("Markdown", "JSON", "CSV"):
        await expect(page.get_by_role("menuitem", name=f"Download as {kind}")).to_be_visible()
    await page.get_by_role("menuitem", name="Copy as issue").click()
    await expect(page.get_by_text("Issue copied")).to_be_visible()
    text = await clipboard(console)
    assert f"- Build Owner: {OWNER}" in text
    assert f"- Deployed By: {DEPLOYER}" in text


@pytest.mark.req(
    *("I6", "I7", "I8", "I9", "I10", "I11", "I18", "I19", "I20", "I21", "I22", "I23", "I24", "I30"),
)
async def test_a_digest_mismatch_is_explained(console: Console, world: World) -> None:
    page = console.page
    await console.open(world.path(world.mismatched))
    verdict = page.get_by_role("region", name="Image integrity")
    for text in ("Invalid Image Integrity", "Digest Mismatch", "Critical"):
        await expect(verdict.get_by_text(text, exact=True)).to_be_visible()
    await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_attribute("aria-selected", "true")
    panel = page.get_by_role("tabpanel")
    for part, title in (
        ("Evidence", "What was found?"),
        ("Location", "Where is the Violation?"),
        ("Recommendations", "What Steps are Recommended?"),
    ):
        await expect(console.heading(title)).to_be_visible()
        await page.get_by_role("button", name=part).click()
        await expect(console.heading(title)).to_be_hidden()
        await page.get_by_role("button", name=part).click()
    running = digest(f"{REGISTRY}/shop/web:1.0.0")
    for name, label, expected in (
        ("Runtime Digest (Actual)", "Copy runtime digest", running),
        ("Registry Digest (Expected)", "Copy registry digest", PUSHED),
    ):
        await expect(panel).to_contain_text(name)
        await panel.get_by_role("button", name=label).click()
        assert await clipboard(console) == expected
    await expect(panel.get_by_role("link", name=PUSHED)).to_have_attribute("href", REGISTRY_PAGE)
    await expect(panel).to_contain_text("3 layers are in both.")
    await expect(console.row("Layers that differ", "RUN curl evil")).to_contain_text("Only in what runs")
    await expect(console.row("Settings that differ", "User")).to_contain_text("root")
    await expect(console.fact("First Detected").last).to_contain_text("20")
    place = console.row("Where the violation is", "production")
    for text in ("shop", "StatefulSet web", "node-1", DEPLOYER):
        await expect(place).to_contain_text(text)
    await expect_steps(panel, "Critical", "security incident", "Build Owner", "Isolate", "Force a redeploy")


@pytest.mark.req("I12", "I13", "I25", "I29")
async def test_a_missing_source_and_a_malicious_package_are_explained(console: Console, world: World) -> None:
    page = console.page
    await console.open(world.path(world.missing))
    await expect(page.get_by_role("region", name="Image integrity")).to_contain_text("Invalid Image Source")
    panel = page.get_by_role("tabpanel")
    await expect(panel.get_by_text("Artifact Not Found", exact=True)).to_be_visible()
    await panel.get_by_role("button", name="Copy registry path").click()
    assert await clipboard(console) == f"{REGISTRY}/shop/web:2.0.0"
    await expect(page.get_by_role("link", name="Show in OCI registry")).to_have_count(0)
    await expect_steps(panel, "High", "retention", "Shadow IT", "Trash Can", "terminate")
    await expect(page.get_by_text("This image contains a malicious package")).to_be_visible()
    await page.get_by_role("link", name="See Malicious Packages").click()
    await expect(console.row("Malicious Packages", "evil")).to_contain_text("MAL-2026-0001")


@pytest.mark.req("I14", "I15", "I16", "I17", "I26", "I30")
async def test_a_tag_that_moved_after_the_deployment_is_explained_by_its_timeline(
    console: Console, world: World
) -> None:
    page = console.page
    await console.open(world.path(world.moved))
    panel = page.get_by_role("tabpanel")
    timeline = panel.get_by_role("figure", name="Tag update timeline")
    for text in ("Deployment Time", "Tag Update Time", "Elapsed difference", "the deployment"):
        await expect(timeline).to_contain_text(text)
    assert await timeline.get_by_role("time").count() == 2
    below = panel.get_by_role("heading", name="Runtime Digest (Actual)")
    upper, lower = await timeline.bounding_box(), await below.bounding_box()
    assert upper
    assert lower
    assert upper["y"] < lower["y"]
    await expect(panel.get_by_role("link", name=PUSHED)).to_have_attribute(
        "href", f"https://{REGISTRY}/v2/shop/web/manifests/{PUSHED}"
    )
    await expect_steps(panel, "Medium", "your CI", "restart the workload", "immutable tags or digests")


async def test_tabs_filters_and_the_open_vulnerability_stand_in_the_address(console: Console, world: World) -> None:
    page = console.page
    await console.open(world.path(world.fine))
    await expect(page.get_by_role("region", name="Image integrity")).to_contain_text("No Issues")
    await expect(page.get_by_role("tab", name="Integrity Violation")).to_have_count(0)
    await page.get_by_role("link", name="1 Critical & High CVEs").click()
    await expect(console.row("Vulnerabilities", "CVE-2026-0001")).to_be_visible()
    await expect(console.row("Vulnerabilities", "CVE-2026-0002")).to_have_count(0)
    await expect(page.get_by_text("2 findings: 2 distinct vulnerabilities in 2 packages.")).to_be_visible()
    await console.open(world.path(world.fine, "vulnerabilities?fix=no&cve=CVE-2026-0002"))
    await expect(console.heading("CVE-2026-0002")).to_be_visible()
    await expect(console.row("Advisories", "CVE-2026-0002")).to_contain_text("Low")
    await console.open(world.path(world.fine, "packages?used=yes"))
    await expect(console.heading("Nothing matches")).to_be_visible()
    await page.get_by_role("button", name="Clear search and filters").click()
    await expect(console.row("Packages", "curl")).to_be_visible()
    sbom = await page.get_by_role("link", name="Export SBOM (CycloneDX)").get_attribute("href")
    assert sbom == f"/api/v1/image-tags/{world.fine.image_tag_id}/sbom"
    await page.get_by_role("tab", name="Clusters").click()
    await expect(console.row("Clusters", "test")).to_contain_text("shop")
    await page.get_by_role("tab", name="Exposures").click()
    await expect(console.heading("Exposures are not scanned in this version")).to_be_visible()
    await page.get_by_role("tab", name="History").click()
    await expect(console.row("Violations of this image", "Digest Mismatch")).to_contain_text("Now No Issues.")
    await expect(console.row("Digests of the tag", "This image")).to_contain_text("In the registry")


async def test_signatures_and_provenance_claim_no_more_than_was_proven(console: Console, world: World) -> None:
    page = console.page
    await console.open(world.path(world.fine))
    await expect(console.fact("Signature")).to_contain_text("Not verified")
    await page.get_by_role("link", name="See Signatures").click()
    signed = console.row("Signatures", "stranger@example.com")
    for text in ("Not verified", "vouched for by https://issuer.example", "Proof of its entry verified"):
        await expect(signed).to_contain_text(text)
    await expect(console.fact("Vouched for by")).to_contain_text("Nobody vouches for it")
    await expect(page.get_by_role("link", name=BUILD.revision)).to_have_attribute(
        "href", f"{BUILD.source_url}/commit/{BUILD.revision}"
    )
    await expect(console.row("Attachments", "SBOM (SPDX)")).to_contain_text("Not signed")
    await page.get_by_role("link", name="name who you trust").click()
    await expect(page).to_have_url(f"{world.service.url}/admin/signers/new")


async def test_no_tab_bars_anybody_in_either_theme(console: Console, world: World) -> None:
    violated = [world.path(image) for image in (world.mismatched, world.missing, world.moved)]
    tabs = ("vulnerabilities?cve=CVE-2026-0001", "packages", "history")
    more = [*(world.path(world.mismatched, tab) for tab in tabs), world.path(world.fine, "signatures")]
    assert await look_at(console, [*violated, *more]) == []
