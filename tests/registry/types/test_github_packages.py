"""What is GitHub's own: owners of two kinds, versions in pages, and a limit that looks like a refusal."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.registry.conftest import Clock
from tests.support.github import HOST, READER, STRANGER, GitHub
from tests.support.images import text_image
from tests.support.registries import ServedRegistry
from tests.support.vendors import serve_vendor

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, InvalidEndpointError, UnavailableError
from deadlight.registry.types.github_packages import api_url, connect
from deadlight.registry.types.registry_type import ArtifactFacts

WEB = ImageReference(HOST, "shop/web", "1.0.0")


def as_account(password: str) -> Endpoint:
    return Endpoint(HOST, username="ada", password=password)


@pytest.fixture
async def stage() -> AsyncIterator[tuple[ServedRegistry, aiohttp.ClientSession, GitHub]]:
    double = GitHub()
    async with serve_vendor(double) as (served, http):
        yield served, http, double


async def test_a_persons_packages_are_found_like_an_organisations(stage, clock: Clock):
    served, http, double = stage
    pushed = await served.push(text_image("one"))
    double.owners["shop"] = "users"
    facts = await connect(as_account(READER.password), http, {}, clock.timing()).fetch_facts(WEB, pushed.digest)
    assert facts.pushed_at == double.pushes.last_push_at(pushed.digest)


async def test_versions_are_looked_through_page_by_page_up_to_a_bound(stage, clock: Clock):
    served, http, double = stage
    pushed = await served.push(text_image("one"))
    now = double.pushes.images["shop/web", pushed.digest]
    api = connect(as_account(READER.password), http, {}, clock.timing())
    double.pushes.images |= {("shop/web", f"sha256:{number:064x}"): now for number in range(250)}
    assert (await api.fetch_facts(WEB, pushed.digest)).pushed_at == now
    assert len(double.asked) == 3
    double.pushes.images |= {("shop/web", f"sha256:{number:064x}"): now for number in range(600)}
    assert await api.fetch_facts(WEB, pushed.digest) == ArtifactFacts()
    assert len(double.asked) == 3 + 5


async def test_a_limit_that_is_reached_is_kept_to(stage, clock: Clock):
    _, http, double = stage
    double.remaining = 0
    api = connect(as_account(READER.password), http, {}, clock.timing())
    with pytest.raises(UnavailableError, match="limits our requests") as limited:
        await api.describe_product()
    assert limited.value.retry_after_seconds == pytest.approx(600, abs=2)
    asked = len(double.asked)
    with pytest.raises(UnavailableError, match="limits our requests"):
        await api.fetch_facts(WEB, f"sha256:{'a' * 64}")
    assert len(double.asked) == asked


async def test_a_token_without_the_scope_is_told_so(stage, clock: Clock):
    _, http, _ = stage
    product = await connect(as_account(STRANGER.password), http, {}, clock.timing()).describe_product()
    assert product.problems == ("the token lacks the scope read:packages",)


async def test_without_a_token_nothing_is_asked(stage, clock: Clock):
    _, http, double = stage
    api = connect(Endpoint(HOST), http, {}, clock.timing())
    assert (await api.describe_product()).problems
    assert await api.fetch_facts(WEB, f"sha256:{'a' * 64}") == ArtifactFacts()
    assert double.asked == []


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("ghcr.io", "https://api.github.com"),
        ("containers.acme.ghe.com", "https://api.acme.ghe.com"),
        ("containers.github.example.com", "https://github.example.com/api/v3"),
    ],
)
def test_every_edition_has_its_api(host: str, url: str):
    assert str(api_url(host)) == url


@pytest.mark.parametrize("host", ["docker.io", "containers.", "ghcr.io.attacker.example"])
def test_another_host_is_not_githubs(host: str):
    with pytest.raises(InvalidEndpointError, match="GitHub"):
        api_url(host)
