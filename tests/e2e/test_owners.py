"""Who is behind what runs, in a real browser: the owners map, and everybody to ask about an image."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.console import Console
from tests.support.fleet import Fleet, digest
from tests.support.service import RunningService

from deadlight.registry.attestations.builds import BuildProvenance
from deadlight.registry.attestations.evidence import (
    AttestationEvidence,
    Document,
    Provenance,
    Signature,
    SignatureState,
)
from deadlight.server.attestations.store import ensure_attestation, store_evidence

pytestmark = [pytest.mark.needs_browser, pytest.mark.asyncio(loop_scope="module")]

REVISION = "1f2e3d4c5b6a79880102030405060708090a0b0c"
LABELS = {
    "org.opencontainers.image.authors": "Ada <ada@example.com>",
    "org.opencontainers.image.revision": REVISION,
    "org.opencontainers.image.source": "https://git.example.com/shop/web",
    "maintainer": "base image people",
}
DEPLOYER = {
    "user": "grace@example.com",
    "via": "admission",
    "at": "2026-11-01T12:00:00Z",
    "template": "t",
    "changed": ["image of web: web:1 -> web:2"],
}
TRACKING = {"argocd.argoproj.io/tracking-id": "lab:apps/Deployment:lab/api", "deadlight.io/last-writer": "argocd"}

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
"""Of an image of its own: signed by a stranger, with provenance that nobody vouches for."""


@dataclass(frozen=True)
class World:
    """The pages of an image that two workloads run, deployed in different ways, and of one that a stranger signed."""

    image_path: str
    signed_path: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(service: RunningService) -> World:
    """Written without agents."""
    fleet = Fleet(service.services.engine)
    image = await fleet.add_image(labels=LABELS)
    await service.post("/api/v1/registries", {"host": "registry.example"})
    await fleet.deploy(image.image_tag_id, deployer=DEPLOYER, template="t", annotations=TRACKING)
    await fleet.deploy(image.image_tag_id, name="api", namespace="lab", annotations=TRACKING)
    signed = await fleet.add_image_tag("shop/signed")
    await fleet.deploy(signed, name="signed")
    async with fleet.engine.begin() as connection:
        await ensure_attestation(connection, signed)
        await store_evidence(connection, signed, ATTACHED)
    images = "/runtime/live/images"
    return World(f"{images}/{image.image_tag_id}", f"{images}/{signed}")


@pytest.fixture
def console(window: Console) -> Console:
    return window


@pytest.mark.req("F1", "F2", "F7", "F8")
async def test_an_images_page_names_everybody_with_how_far_to_rely_on_it(console: Console, world: World):
    await console.open(world.image_path)
    built = console.fact("Build Owner")
    await expect(built).to_contain_text("Ada <ada@example.com>")
    await expect(built).to_contain_text("Stated")
    await expect(built).to_contain_text(f"revision {REVISION[:12]}")
    await expect(built.get_by_role("link", name="source")).to_have_attribute("href", "https://git.example.com/shop/web")
    address = await built.get_by_role("link", name="Ada <ada@example.com>").get_attribute("href")
    assert (address or "").startswith("mailto:ada@example.com?subject=")
    await built.get_by_role("button", name="1 other source").click()
    await expect(built).to_contain_text("base image people")
    await expect(console.fact("Pushed By")).to_contain_text("Artifactory and Harbor have it on record")
    deployed = console.fact("Deployed By")
    await expect(deployed).to_contain_text("grace@example.com")
    await expect(deployed).to_contain_text("Proven")
    await expect(deployed).to_contain_text("image of web: web:1 -> web:2")
    await expect(deployed).to_contain_text("For shop/web on test")
    await expect(deployed).to_contain_text("Argo CD application lab")
    await expect(console.fact("Owner")).to_contain_text("Build Owner: image label org.opencontainers.image.authors")


@pytest.mark.req("F8", "F23")
async def test_the_owners_map_is_kept_tried_and_carried_in_the_console(
    console: Console, world: World, service: RunningService
):
    page = console.page
    await console.open("/admin/owners")
    await expect(console.heading("The owners map has no rule yet")).to_be_visible()
    await page.get_by_role("link", name="Add rule").first.click()
    await expect(page.get_by_role("button", name="Add rule")).to_be_disabled()
    await page.get_by_label("Team").fill("platform")
    await page.get_by_label("On call").fill("not an address")
    await page.get_by_role("button", name="Add rule").click()
    await expect(page.get_by_text("must be an http:// or https:// address")).to_be_visible()
    console.troubles.clear()  # the refusal above
    await page.get_by_label("On call").fill("https://rota.example.com/platform")
    await page.get_by_role("button", name="Add rule").click()
    await expect(console.row("Owners map", "platform")).to_contain_text("Everything")
    await service.post("/api/v1/owners", {"namespace": "shop", "team": "shop", "email": "shop@example.com"})
    await console.open("/admin/owners")
    await page.get_by_role("button", name="Actions on rule 2").click()
    await page.get_by_role("menuitem", name="Move up").click()
    await expect(console.row("Owners map", "shop@example.com").get_by_role("gridcell").first).to_have_text("1")
    await page.get_by_label("Namespace").fill("lab")
    await page.get_by_role("button", name="Who is responsible?").click()
    compared = page.get_by_role("list", name="Rules that were compared").get_by_role("listitem")
    await expect(compared.nth(0)).to_contain_text("namespace lab does not match shop")
    await expect(compared.nth(1)).to_contain_text("Matches")
    await page.get_by_role("button", name="Import or export").click()
    document = page.get_by_label("Document")
    await expect(document).to_have_value(
        "owners:\n- namespace: shop\n  team: shop\n  email: shop@example.com\n"
        "- team: platform\n  on_call: https://rota.example.com/platform\n"
    )
    await document.fill("owners: [{namespace: shop, team: checkout}]")
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(console.row("Owners map", "checkout")).to_have_count(1)
    await expect(console.row("Owners map", "platform")).to_have_count(0)
    await console.open(world.image_path)
    await expect(console.fact("Owner")).to_contain_text("checkout")
    await expect(console.fact("Owner")).to_contain_text("owners map, rule 1")


async def test_signatures_and_provenance_claim_no_more_than_was_proven(console: Console, world: World) -> None:
    page = console.page
    await console.open(world.signed_path)
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
    await expect(page).to_have_url(f"{console.url}/admin/signers/new")
