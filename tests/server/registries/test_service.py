"""Registries as rows, and the client behind each."""

from typing import Any

import pytest
from tests.support.fleet import Fleet

from deadlight.model.image import ImageReference
from deadlight.server.registries.schemas import RegistryIn
from deadlight.server.registries.service import (
    Registry,
    client_for,
    find_registry,
    note_answer,
    remove_demonstration_registries,
    save_registry,
)
from deadlight.server.services import Services


async def save(services: Services, host: str = "registry.example", **more: Any) -> Registry:
    async with services.engine.begin() as connection:
        await save_registry(connection, services.cipher, RegistryIn(host=host, **more))
        found = await find_registry(connection, host)
    assert found is not None
    return found


async def test_a_registry_is_found_by_the_host_of_references(services: Services) -> None:
    saved = await save(services, username="ada", password="secret", verify_tls=False)
    endpoint = saved.endpoint(services.cipher)
    assert (endpoint.host, endpoint.username, endpoint.password) == ("registry.example", "ada", "secret")
    assert not endpoint.verify_tls
    assert "secret" not in repr(saved) + repr(endpoint)
    async with services.engine.connect() as connection:
        assert await find_registry(connection, "other.example") is None


@pytest.mark.req("R5", "R7")
async def test_only_what_somebody_added_and_left_trusted_is_trusted(services: Services) -> None:
    assert (await save(services, "trusted.example")).trusts("shop/web")
    assert not (await save(services, "distrusted.example", trusted=False)).trusts("shop/web")
    partly = await save(
        services, "partly.example", trusted_repositories=["shop/*"], untrusted_repositories=["shop/playground/*"]
    )
    assert partly.trusts("shop/web")
    assert not partly.trusts("shop/playground/web")
    assert not partly.trusts("web")


async def test_what_a_cache_holds_has_an_origin(services: Services) -> None:
    cache = await save(services, "cache.example", origins=[{"prefix": "/hub/", "origin": "docker.io"}])
    origin = cache.origin_of(ImageReference.parse("cache.example/hub/nginx:1.27"))
    assert str(origin) == "docker.io/library/nginx:1.27"
    assert cache.origin_of(ImageReference.parse("cache.example/shop/web:1")) is None


async def test_a_registry_has_one_client_until_it_is_reached_otherwise(services: Services) -> None:
    first = await save(services, "a.example", username="ada", password="one")
    assert client_for(services, first) is client_for(services, first)
    other = await save(services, "b.example", username="ada", password="one")
    assert client_for(services, other) is not client_for(services, first)


async def test_answers_are_noted_where_they_are_news(services: Services, fleet: Fleet) -> None:
    await save(services)

    async def noted(problem: str) -> tuple[Any, str]:
        async with services.engine.begin() as connection:
            await note_answer(connection, "registry.example", problem)
        (row,) = await fleet.rows("SELECT asked_at, problem FROM registry")
        return row.asked_at, row.problem

    first = await noted("")
    assert await noted("") == first
    troubled = await noted("it failed")
    assert troubled[1] == "it failed"
    assert troubled[0] > first[0]
    await fleet.rows("UPDATE registry SET asked_at = asked_at - interval '61 seconds'")
    assert (await noted("it failed"))[0] > troubled[0]


async def test_the_demonstration_s_registries_are_forgotten_and_no_others(services: Services, fleet: Fleet) -> None:
    await save(services, "real.example")
    await save(services, "demo.example", demonstration=True)
    await fleet.forget_events()
    async with services.engine.begin() as connection:
        assert await remove_demonstration_registries(connection) == 1
    assert [row.host for row in await fleet.rows("SELECT host FROM registry")] == ["real.example"]
    assert await fleet.events() == [("RegistryChanged", {"host": "demo.example"})]


DIGEST = "sha256:" + "a" * 64


@pytest.mark.req("I11")
@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("registry.example", "", f"https://registry.example/v2/shop/web/manifests/{DIGEST}"),
        ("docker.io", "", f"https://registry-1.docker.io/v2/shop/web/manifests/{DIGEST}"),
        ("r:5000", "http://10.0.0.1:5000/base/", f"http://10.0.0.1:5000/base/v2/shop/web/manifests/{DIGEST}"),
    ],
)
async def test_an_artifact_is_at_its_manifest_unless_more_is_known(
    services: Services, host: str, url: str, expected: str
) -> None:
    assert (await save(services, host, url=url)).link_to("shop/web", DIGEST) == expected


@pytest.mark.req("I11")
async def test_the_page_that_the_registry_named_comes_first(services: Services) -> None:
    page = "https://registry.example/ui/repos/tree/shop/web"
    assert (await save(services)).link_to("shop/web", DIGEST, page) == page


@pytest.mark.parametrize("page", ["javascript:alert(1)", "", None, 3, "//evil.example", "data:text/html,x"])
async def test_what_is_no_web_address_is_no_link(services: Services, page: object) -> None:
    assert (await save(services)).link_to("shop/web", DIGEST, page).startswith("https://registry.example/v2/")
