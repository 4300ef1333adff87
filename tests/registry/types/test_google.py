"""What is Google's own: keys that sign for tokens, names of projects, repositories and their former hosts."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from tests.registry.conftest import Clock
from tests.support.google import HOST, Google, service_account
from tests.support.images import text_image
from tests.support.registries import ServedRegistry
from tests.support.vendors import serve_vendor

from deadlight.registry import Endpoint, InvalidEndpointError, RegistryClient, UnavailableError
from deadlight.registry.types.google.artifact_registry import connect
from deadlight.registry.types.google.names import GoogleImage, parse_host

READER = service_account("reader")
WITH_KEY = Endpoint(HOST, username=READER.name, password=READER.password)


@pytest.fixture
async def stage() -> AsyncIterator[tuple[ServedRegistry, aiohttp.ClientSession, Google]]:
    double = Google()
    async with serve_vendor(double) as (served, http):
        yield served, http, double


async def test_a_key_signs_for_tokens_and_is_never_sent_itself(stage, clock: Clock):
    served, http, double = stage
    pushed = await served.push(text_image("one"), repository="acme/images/shop/web")
    api = connect(WITH_KEY, http, {}, clock.timing())
    client = RegistryClient(WITH_KEY, http, sign_in=api.sign_in, timing=clock.timing())
    assert (await client.head_manifest("acme/images/shop/web", "1.0.0")).digest == pushed.digest
    assert list(double.tokens) == ["ya29.token-1"]
    endpoint = await client.signed_in_endpoint()
    assert (endpoint.username, endpoint.password) == ("oauth2accesstoken", "ya29.token-1")
    clock.now += 3000
    assert (await api.sign_in()).password == "ya29.token-2"


async def test_a_key_may_be_given_in_base64(stage, clock: Clock):
    _, http, _ = stage
    encoded = Endpoint(HOST, username="_json_key_base64", password=b64encode(READER.password.encode()).decode())
    assert (await connect(encoded, http, {}, clock.timing()).sign_in()).username == "oauth2accesstoken"


async def test_a_key_that_google_does_not_know_is_refused(stage, clock: Clock):
    _, http, _ = stage
    unknown = service_account("unknown")
    api = connect(replace(WITH_KEY, password=unknown.password), http, {}, clock.timing())
    with pytest.raises(UnavailableError, match=r"refuses our credentials \(400, invalid_grant\)"):
        await api.sign_in()


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"},
        {"private_key": 7},
        {"client_email": None},
        {"universe_domain": "attacker.example"},
    ],
)
def test_what_is_no_key_of_google_is_said_so_without_repeating_it(session, clock: Clock, change: dict[str, object]):
    document = json.loads(READER.password) | change
    with pytest.raises(InvalidEndpointError, match="key") as refused:
        connect(replace(WITH_KEY, password=json.dumps(document)), session, {}, clock.timing())
    assert "BEGIN" not in str(refused.value)


def test_a_user_name_that_google_does_not_take_is_refused_before_anything_is_asked(session, clock: Clock):
    with pytest.raises(InvalidEndpointError, match="_json_key"):
        connect(Endpoint(HOST, username="ada", password="hunter2"), session, {}, clock.timing())


async def test_without_an_account_nothing_is_known(stage, clock: Clock):
    _, http, _ = stage
    assert (await connect(Endpoint(HOST), http, {}, clock.timing()).describe_product()).problems


@pytest.mark.parametrize(
    ("host", "repository", "image"),
    [
        (HOST, "acme/images/shop/web", GoogleImage("europe", "acme", "images", "shop/web")),
        ("us-central1-docker.pkg.dev", "acme/images/web", GoogleImage("us-central1", "acme", "images", "web")),
        (HOST, "example.com/acme/images/web", GoogleImage("europe", "example.com:acme", "images", "web")),
        ("gcr.io", "acme/web", GoogleImage("us", "acme", "gcr.io", "web")),
        ("eu.gcr.io", "acme/shop/web", GoogleImage("europe", "acme", "eu.gcr.io", "shop/web")),
        (HOST, "acme/images", None),
        (HOST, "acme", None),
    ],
)
def test_a_name_tells_project_repository_and_image(host: str, repository: str, image: GoogleImage | None):
    assert parse_host(host).find_image(repository) == image


@pytest.mark.parametrize("host", ["docker.pkg.dev", "x.gcr.io", "europe-docker.pkg.dev.attacker.example", "pkg.dev"])
def test_another_host_is_not_googles(host: str):
    with pytest.raises(InvalidEndpointError, match="not a Google Artifact Registry host"):
        parse_host(host)
