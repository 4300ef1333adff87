"""What a registry's own API knows is asked once, kept, and missed aloud where it cannot be asked."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.fleet import Fleet
from tests.support.service import RunningService

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, UnavailableError
from deadlight.registry.types.registry_type import ArtifactFacts, BuildRecord, Feature, Product, RegistryType
from deadlight.registry.types.table import TYPES
from deadlight.server.registries.facts import FetchFacts, fetch_due_facts, fetch_facts
from deadlight.server.services import Services

HOST = "registry.example"
PUSHED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BUILD = BuildRecord("shop-web", "42", "ada", "https://ci.example/42", vcs_revision="1f2e3d", vcs_message="Fix\0 it")
FACTS = ArtifactFacts(
    "ci-robot", PUSHED, BUILD, origin=ImageReference("docker.io", "library/nginx", "1"), link="https://a"
)


class Product42:
    """The API of a product that knows what it is told to know."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.problem = ""
        self.facts = FACTS
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """What happens while it is asked."""

    async def describe_product(self) -> Product:
        return Product("Product 42")

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        self.asked.append((str(reference), digest))
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.problem:
            raise UnavailableError(HOST, self.problem)
        return self.facts


@pytest.fixture
def product() -> Product42:
    return Product42()


@pytest.fixture
async def services(service: RunningService, product: Product42) -> Services:
    """With a registry of a type that has an API."""
    await service.post("/api/v1/registries", {"host": HOST, "username": "deadlight", "password": "secret"})
    await Fleet(service.services.engine).rows("UPDATE registry SET type = 'product42'")

    def connect(endpoint: Endpoint, session: object, options: object, timing: object) -> Product42:
        assert (endpoint.host, endpoint.password, options) == (HOST, "secret", {})
        assert session
        assert timing
        return product

    known = frozenset({Feature.BUILD, Feature.PUSHED_BY})
    row = RegistryType("product42", "Product 42", "For tests.", connect, known)
    return replace(service.services, registry_types={**TYPES, row.key: row})


async def stored(service: RunningService) -> list[tuple[Any, int, str]]:
    rows = await service.rows("SELECT facts ->> 'pushed_by' AS who, failures, problem FROM artifact_facts")
    return [(row.who, row.failures, row.problem) for row in rows]


@pytest.mark.req("F1", "F7")
async def test_what_the_registry_has_on_record_is_on_the_images_page(
    service: RunningService, services: Services, product: Product42
) -> None:
    fleet = Fleet(services.engine)
    image = await fleet.add_image(labels={"maintainer": "base image people"})
    await fleet.deploy(image.image_tag_id)
    await fetch_facts(services, FetchFacts(image.image_tag_id))
    (row,) = await fleet.rows("SELECT digest FROM image_tag")
    assert product.asked == [("registry.example/shop/web:1.0.0", row.digest)]
    owners = await service.get(f"/api/v1/image-tags/{image.image_tag_id}/owners")
    built = owners["build_owner"]["known"]
    assert (built["value"], built["confidence"], built["link"], built["revision"], built["detail"]) == (
        "ada",
        "recorded",
        "https://ci.example/42",
        "1f2e3d",
        "Fix it",
    )
    assert [other["value"] for other in built["others"]] == ["build shop-web #42", "base image people"]
    pushed = owners["pushed_by"]["known"]
    assert (pushed["value"], pushed["at"], pushed["link"]) == ("ci-robot", "2026-11-01T12:00:00Z", "https://a")


async def test_a_registry_that_is_changed_while_it_is_asked_is_asked_again(
    service: RunningService, services: Services, product: Product42
) -> None:
    fleet = Fleet(services.engine)
    image_tag_id = await fleet.add_image_tag()

    async def put_right() -> None:
        await fleet.rows("UPDATE registry SET username = 'the right one' RETURNING id")
        product.meanwhile = None

    product.meanwhile = put_right
    await fetch_facts(services, FetchFacts(image_tag_id))
    assert len(product.asked) == 2
    await fetch_facts(services, FetchFacts(image_tag_id))
    assert len(product.asked) == 3
    assert await stored(service) == [("ci-robot", 0, "")]


async def test_a_registry_that_cannot_be_asked_keeps_what_it_said_and_says_why(
    service: RunningService, services: Services, product: Product42
) -> None:
    fleet = Fleet(services.engine)
    known, new = await fleet.add_image_tag(), await fleet.add_image_tag("shop/new")
    await fetch_facts(services, FetchFacts(known))
    product.problem = "401: the account may not"
    for image_tag_id in (known, new, new):
        await fetch_facts(services, FetchFacts(image_tag_id))
    assert sorted(await stored(service), key=str) == [
        ("ci-robot", 1, f"{HOST} cannot be asked: 401: the account may not"),
        (None, 2, f"{HOST} cannot be asked: 401: the account may not"),
    ]
    owners = await service.get(f"/api/v1/image-tags/{new}/owners")
    for name in ("build_owner", "pushed_by"):
        assert owners[name]["known"] is None
        assert "401: the account may not" in owners[name]["unknown"]


async def test_only_running_images_are_asked_about_again_when_due_or_when_their_registry_changes(
    services: Services, product: Product42
) -> None:
    fleet = Fleet(services.engine)
    running, gone = await fleet.add_image_tag(), await fleet.add_image_tag("shop/gone")
    await fleet.deploy(running)
    for image_tag_id in (running, gone):
        await fetch_facts(services, FetchFacts(image_tag_id))

    async def due() -> list[str]:
        await fleet.rows("DELETE FROM pgqueuer")
        await fetch_due_facts(services)
        return [row.payload.decode() for row in await fleet.rows("SELECT payload FROM pgqueuer")]

    assert await due() == []
    await fleet.rows("UPDATE artifact_facts SET next_fetch_at = now()")
    assert await due() == [f'{{"image_tag_id":{running}}}']
    assert await due() == [], "the next replica leaves it to the first"


async def test_a_registry_without_an_api_or_trust_is_not_asked(
    service: RunningService, services: Services, product: Product42
) -> None:
    image_tag_id = await Fleet(services.engine).add_image_tag()
    await fetch_facts(services, FetchFacts(image_tag_id))
    product.asked.clear()
    for change in ("type = 'oci'", "type = 'product42', trusted = false"):
        await Fleet(services.engine).rows(f"UPDATE registry SET {change}")
        await fetch_facts(services, FetchFacts(image_tag_id))
        assert (product.asked, await stored(service)) == ([], [])
    await fetch_facts(services, FetchFacts(999_999))
