"""A signed image runs: who signed it and which build made it is told, as far as that person or key is trusted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from tests.support.attestations import GITHUB_ISSUER, WORKFLOW, push_artifact, simple_signature, statement
from tests.support.fleet import Fleet
from tests.support.images import text_image
from tests.support.registries import Handler, ServedRegistry, answering, serve_registry
from tests.support.service import RunningService, service_settings
from tests.support.sigstore_instance import SigstoreInstance, new_key, public_pem

from deadlight.registry.attestations.attached import Kind
from deadlight.server.attestations.jobs import CheckAttestations, check_attestations, check_due_attestations
from deadlight.server.attestations.signers import covers
from deadlight.server.attestations.store import ensure_attestation, find_attestation
from deadlight.server.composition import open_services
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import save_registry
from deadlight.server.services import Services

WEB = text_image("running")
DIGEST = WEB.manifest.digest
KEY = new_key()


@dataclass
class Looking:
    """Looks at `shop/web:1.0.0` in a registry on loopback."""

    services: Services
    registry: ServedRegistry
    fleet: Fleet
    image_tag_id: int

    async def look(self) -> Any:
        """Look, and read what is known then."""
        async with self.services.engine.begin() as connection:
            await ensure_attestation(connection, self.image_tag_id)
        await check_attestations(self.services, CheckAttestations(self.image_tag_id))
        async with self.services.engine.connect() as connection:
            return await find_attestation(connection, self.image_tag_id)

    async def attach(self, kind: Kind, content: bytes, annotations: dict[str, str], suffix: str = "sig") -> None:
        """Push it where cosign does."""
        registry, tag = self.registry, f"{DIGEST.replace(':', '-')}.{suffix}"
        await push_artifact(registry.http, registry.url, "shop/web", tag, [(kind.value, content, annotations)])

    async def trust(self, **signer: Any) -> None:
        """Trust a signer."""
        columns = ", ".join(["name", "repositories", *signer])
        values = ", ".join(["'release'", "'{*}'", *(f":{name}" for name in signer)])
        await self.fleet.rows(f"INSERT INTO trusted_signer ({columns}) VALUES ({values})", **signer)


@pytest.fixture(scope="module")
def sigstore() -> SigstoreInstance:
    return SigstoreInstance()


@pytest.fixture
async def looking(
    database_url: str, fleet: Fleet, sigstore: SigstoreInstance, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Looking]:
    root = sigstore.write_trusted_root(tmp_path_factory.mktemp("sigstore") / "root.json")
    settings = service_settings(database_url, sigstore_trusted_root=str(root))
    async with serve_registry() as registry, open_services(settings) as services:
        await registry.push(WEB)
        async with services.engine.begin() as connection:
            await save_registry(connection, services.cipher, RegistryIn(host=registry.host, url=registry.url))
        image_tag_id = await fleet.add_image_tag(tag="1.0.0", digest=DIGEST, registry=registry.host)
        await fleet.deploy(image_tag_id, name="web")
        yield Looking(services, registry, fleet, image_tag_id)


async def test_an_image_nobody_signed_is_unsigned(looking: Looking) -> None:
    assert (await looking.look()).state == "unsigned"


async def test_a_key_counts_once_it_is_trusted(looking: Looking) -> None:
    payload, annotations = simple_signature(KEY, DIGEST)
    await looking.attach(Kind.SIMPLE_SIGNATURE, payload, annotations)
    assert (await looking.look()).state == "untrusted"
    await looking.trust(key_pem=public_pem(KEY))
    known = await looking.look()
    assert (known.state, known.evidence["signatures"][0]["signer"]) == ("verified", "release")


async def test_who_comes_to_be_trusted_while_signatures_are_looked_for_counts_at_once(looking: Looking) -> None:
    payload, annotations = simple_signature(KEY, DIGEST)
    await looking.attach(Kind.SIMPLE_SIGNATURE, payload, annotations)

    async def trust_meanwhile(request: web.Request, handler: Handler) -> web.StreamResponse:
        looking.registry.trouble = None
        await looking.trust(key_pem=public_pem(KEY))
        return await handler(request)

    looking.registry.trouble = trust_meanwhile
    assert (await looking.look()).state == "verified"


async def test_a_keyless_signature_brings_its_build(looking: Looking, sigstore: SigstoreInstance) -> None:
    predicate = {
        "buildDefinition": {"internalParameters": {"github": {"actor": "jane"}}},
        "runDetails": {"builder": {"id": "https://github.com/actions/runner"}},
    }
    bundle = sigstore.sign(statement(DIGEST, predicate), WORKFLOW, GITHUB_ISSUER)
    await looking.attach(Kind.BUNDLE, bundle, {}, "att")
    await looking.trust(identity="https://github.com/acme/*", issuer=GITHUB_ISSUER)
    known = await looking.look()
    assert known.state == "verified"
    assert known.evidence["provenance"][0]["build"]["actor"] == "jane"


async def test_a_registry_that_cannot_be_asked_leaves_what_was_known(looking: Looking) -> None:
    payload, annotations = simple_signature(KEY, DIGEST)
    await looking.trust(key_pem=public_pem(KEY))
    await looking.attach(Kind.SIMPLE_SIGNATURE, payload, annotations)
    await looking.look()
    looking.registry.trouble = answering(503)
    known = await looking.look()
    assert (known.state, known.failures) == ("verified", 1)
    assert "out of order" in known.problem


async def test_an_untrusted_registry_is_not_asked(looking: Looking) -> None:
    await looking.fleet.rows("UPDATE registry SET trusted = false")
    looking.registry.asked.clear()
    known = await looking.look()
    assert known.state is None
    assert "not trusted" in known.problem
    assert looking.registry.asked == []


async def test_images_that_run_are_looked_at_when_their_time_has_come(looking: Looking) -> None:
    await looking.look()
    await check_due_attestations(looking.services)
    queued = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check_attestations'"
    assert (await looking.fleet.rows(queued))[0][0] == 0
    await looking.fleet.rows("UPDATE attestation SET next_check_at = now()")
    await check_due_attestations(looking.services)
    assert (await looking.fleet.rows(queued))[0][0] == 1


@pytest.mark.parametrize(
    ("patterns", "covered"),
    [(["*"], True), (["registry.test/shop/*"], True), (["registry.test/bank/*"], False), ([], False)],
)
def test_a_signer_counts_for_the_repositories_it_names(patterns: list[str], *, covered: bool) -> None:
    assert covers(patterns, "registry.test/shop/web") is covered


async def test_signers_are_entered_and_what_cannot_sign_is_refused(service: RunningService) -> None:
    signer = {"name": "release", "key_pem": public_pem(KEY)}
    added = await service.post("/api/v1/signers", signer)
    assert [item["name"] for item in await service.get("/api/v1/signers")] == ["release"]
    await service.request("POST", "/api/v1/signers", signer, expect=409)
    for wrong in (
        {"name": "nothing"},
        {"name": "both", "key_pem": public_pem(KEY), "identity": "x", "issuer": "y"},
        {"name": "anybody's", "identity": "jane@example.com"},
        {"name": "no key", "key_pem": "nonsense"},
    ):
        answer = await service.request("POST", "/api/v1/signers", wrong, expect=400)
        assert answer["message"]
    changed = {"name": "release", "identity": "jane@example.com", "issuer": "https://accounts.example.com"}
    await service.request("PUT", f"/api/v1/signers/{added['id']}", changed)
    await service.request("DELETE", f"/api/v1/signers/{added['id']}")
    await service.request("DELETE", f"/api/v1/signers/{added['id']}", expect=404)
    await service.request("PUT", f"/api/v1/signers/{added['id']}", changed, expect=404)
    assert await service.get("/api/v1/signers") == []
