"""What is Azure's own: applications of Entra, refresh tokens of the registry, and locks."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.registry.conftest import Clock
from tests.support.azure import APPLICATION, APPLICATION_SECRET, HOST, NOBODY, POD_TOKEN, READER, TENANT, Azure
from tests.support.images import text_image
from tests.support.registries import ServedRegistry
from tests.support.vendors import serve_vendor

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, UnavailableError
from deadlight.registry.types.azure.container_registry import connect
from deadlight.registry.types.registry_type import ArtifactFacts

AS_APPLICATION = Endpoint(HOST, username=APPLICATION, password=APPLICATION_SECRET)
AS_READER = Endpoint(HOST, username=READER.name, password=READER.password)
IN_TENANT = {"tenant_id": TENANT}
WEB = ImageReference(HOST, "shop/web", "1.0.0")


@pytest.fixture
async def stage() -> AsyncIterator[tuple[ServedRegistry, aiohttp.ClientSession, Azure]]:
    double = Azure()
    async with serve_vendor(double) as (served, http):
        yield served, http, double


async def test_an_application_gets_a_refresh_token_that_pulls_and_tells(stage, clock: Clock):
    served, http, double = stage
    pushed = await served.push(text_image("one"))
    api = connect(AS_APPLICATION, http, IN_TENANT, clock.timing(), {})
    client = RegistryClient(AS_APPLICATION, http, sign_in=api.sign_in, timing=clock.timing())
    assert (await client.head_manifest("shop/web", "1.0.0")).digest == pushed.digest
    assert (await api.fetch_facts(WEB, pushed.digest)).pushed_at is not None
    endpoint = await client.signed_in_endpoint()
    assert (endpoint.username, endpoint.password) == (NOBODY, "refresh-2")
    assert double.signed_in == ["secret"]
    clock.now += 3 * 3600
    assert (await api.sign_in()).password == "refresh-6"


async def test_without_a_user_name_the_application_of_the_pod_signs_in(stage, clock: Clock, tmp_path: Path):
    _, http, double = stage
    file = tmp_path / "token"
    file.write_text(POD_TOKEN)
    pod = {
        "AZURE_CLIENT_ID": APPLICATION,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
        "AZURE_AUTHORITY_HOST": "https://login.attacker.example",
    }
    await connect(Endpoint(HOST), http, {}, clock.timing(), pod).sign_in()
    assert double.signed_in == ["pod"]


async def test_an_application_with_another_secret_is_refused(stage, clock: Clock):
    _, http, _ = stage
    wrong = Endpoint(HOST, username=APPLICATION, password="s3cr3t-guess")
    with pytest.raises(UnavailableError, match=r"refuses our credentials \(401, invalid_client\)") as refused:
        await connect(wrong, http, IN_TENANT, clock.timing(), {}).sign_in()
    assert "s3cr3t-guess" not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint("registry.example.com", username="a", password="b"),
        Endpoint(HOST, "https://azurecr.io.attacker.example", username="a", password="b"),
        Endpoint(HOST, f"http://{HOST}", username="a", password="b"),
    ],
)
def test_tokens_of_a_tenant_go_to_azure_alone(session, clock: Clock, endpoint: Endpoint):
    with pytest.raises(InvalidEndpointError, match=r"under azurecr\.io"):
        connect(endpoint, session, IN_TENANT, clock.timing(), {})


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tenant_id": "../../common"}, "no tenant"), ({"resource_id": "acme"}, "begins with /subscriptions/")],
)
def test_options_that_cannot_work_are_refused(session, clock: Clock, options: dict[str, str], message: str):
    with pytest.raises(InvalidEndpointError, match=message):
        connect(AS_READER, session, options, clock.timing(), {})


@pytest.mark.req("I31")
async def test_a_locked_repository_holds_all_its_tags(stage, clock: Clock):
    served, http, double = stage
    pushed = await served.push(text_image("one"))
    api = connect(AS_READER, http, {}, clock.timing(), {})
    assert (await api.fetch_facts(WEB, pushed.digest)).tag_policy is None
    double.locked_repositories.add("shop/web")
    policy = (await api.fetch_facts(WEB, pushed.digest)).tag_policy
    assert policy is not None
    assert not policy.may_move
    assert "repository is locked" in policy.detail


async def test_without_an_account_nothing_is_asked(stage, clock: Clock):
    served, http, _ = stage
    api = connect(Endpoint(HOST), http, {}, clock.timing(), {})
    assert (await api.describe_product()).problems
    assert await api.fetch_facts(WEB, f"sha256:{'a' * 64}") == ArtifactFacts()
    assert served.asked == []
