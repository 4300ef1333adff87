"""What every type of registry must do, held against each row of the table and a double of its product's API."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.support.images import text_image
from tests.support.registries import Handler, Trouble, answering, hanging_up, serve_registry, talking_nonsense
from tests.support.registry_stages import STAGES, TAG, Stage

from deadlight.demo.images import build_index
from deadlight.model.image import DOCKER_HUB, ImageReference
from deadlight.registry import RegistryError, UnavailableError
from deadlight.registry.limits import Timing
from deadlight.registry.types.registry_type import ArtifactFacts, Feature, RegistryApi, RegistryType
from deadlight.registry.types.table import TYPES

NOWHERE = f"sha256:{'d' * 64}"
FIELDS = {field.name for field in fields(ArtifactFacts)}


class Hurried:
    """Time that passes only while somebody sleeps, so that no test waits for a retry."""

    def __init__(self) -> None:
        self.now = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=lambda: self.now, sleep=self.sleep, chance=lambda: 0.5)


@dataclass(frozen=True)
class Scene:
    """A type with its registry, and a way to ask it."""

    type: RegistryType
    stage: Stage
    http: aiohttp.ClientSession

    def api(self, name: str = "", password: str = "") -> RegistryApi:
        """The API as the account that may see everything, or as another one."""
        reader = self.stage.reader
        if reader is not None and not name:
            name, password = reader.name, reader.password
        endpoint = self.stage.endpoint(name, password)
        return self.type.connect(endpoint, self.stage.http or self.http, self.stage.options, Hurried().timing())

    def stranger(self) -> RegistryApi:
        """The API as an account that may see nothing."""
        assert self.stage.stranger is not None
        return self.api(self.stage.stranger.name, self.stage.stranger.password)

    async def facts(self, digest: str, reference: ImageReference | None = None) -> ArtifactFacts:
        """What our account learns; checked to be nothing but what the type is said to give."""
        facts = await self.api().fetch_facts(reference or self.stage.name(), digest)
        told = {name for name in FIELDS - {"problems"} if getattr(facts, name)}
        assert told <= set(self.type.features)
        assert facts.problems == ()
        return facts

    @property
    def is_silent(self) -> bool:
        """Whether the type asks nothing to tell its facts."""
        return self.type.features <= {Feature.LINK}


@pytest.fixture(params=TYPES)
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with STAGES[request.param]() as stage, aiohttp.ClientSession() as http:
        yield Scene(TYPES[request.param], stage, http)


def those_that_tell(feature: Feature) -> pytest.MarkDecorator:
    """The types that claim a fact; `Scene.facts` proves of the others that they do not give it either."""
    return pytest.mark.parametrize("scene", [k for k, row in TYPES.items() if feature in row.features], indirect=True)


def test_every_type_of_the_table_is_on_stage():
    assert STAGES.keys() == TYPES.keys()


@pytest.mark.parametrize("row", TYPES.values(), ids=list(TYPES))
def test_a_row_says_what_people_need_to_choose_it(row: RegistryType):
    assert TYPES[row.key] is row
    assert row.label
    assert row.summary.endswith(".")
    assert row.expected_digest_label.endswith(" (Expected)")
    assert {feature.value for feature in row.features} <= FIELDS
    assert all(option.label and option.help.endswith(".") for option in row.options)
    assert len({option.name for option in row.options}) == len(row.options)


# --- what is told ---------------------------------------------------------------------------------------------


async def test_the_product_is_described(scene: Scene):
    product = await scene.api().describe_product()
    assert product.name == scene.stage.product
    assert product.problems == ()
    assert bool(product.version) is (scene.stage.has_version and not scene.is_silent)


@pytest.mark.req("F2")
@those_that_tell(Feature.PUSHED_BY)
async def test_who_pushed_an_image_and_when(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    facts = await scene.facts(pushed.digest)
    assert facts.pushed_by == scene.stage.pushed_by
    assert facts.pushed_at == scene.stage.last_push_at(pushed.digest)
    assert facts.pushed_at is not None


@those_that_tell(Feature.PUSHED_BY)
async def test_the_image_of_a_platform_was_pushed_with_its_index(scene: Scene):
    pushed = await scene.stage.push(build_index([text_image("amd64"), text_image("arm64")]))
    facts = await scene.facts(pushed.manifests[0])
    assert facts.pushed_by == scene.stage.pushed_by
    assert facts.pushed_at is not None


async def test_an_image_that_lost_its_tag_is_not_said_to_be_pushed_with_the_tags_new_image(scene: Scene):
    before = await scene.stage.push(text_image("one"))
    first = scene.stage.last_push_at(before.digest)
    after = await scene.stage.push(text_image("two"))
    told = (await scene.facts(before.digest)).pushed_at
    assert told in {None, first}
    assert (await scene.facts(after.digest)).pushed_at == scene.stage.last_push_at(after.digest)


@pytest.mark.req("F1")
@those_that_tell(Feature.BUILD)
async def test_the_build_that_made_it(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    expected = scene.stage.mark_build(pushed.digest)
    assert (await scene.facts(pushed.digest)).build == expected


@those_that_tell(Feature.TAG_POLICY)
async def test_whether_its_tag_may_move(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    free = (await scene.facts(pushed.digest)).tag_policy
    scene.stage.protect(TAG)
    held = (await scene.facts(pushed.digest)).tag_policy
    assert free is None or free.may_move
    assert held is not None
    assert held.may_move is False
    assert held.detail


@those_that_tell(Feature.ORIGIN)
async def test_what_a_cached_image_is_a_copy_of(scene: Scene):
    pushed = await scene.stage.push(text_image("nginx"), "1.27", scene.stage.cache)
    facts = await scene.facts(pushed.digest, scene.stage.name("1.27", scene.stage.cache))
    assert facts.origin == ImageReference(DOCKER_HUB, "library/nginx", "1.27", pushed.digest)
    assert (facts.pushed_by, facts.pushed_at) == ("", None), "whoever pulled it first has not pushed it"


@those_that_tell(Feature.RESTORABLE_FROM)
async def test_where_what_was_deleted_can_be_restored_from(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    await scene.stage.served.delete(TAG, scene.stage.repository)
    facts = await scene.facts(pushed.digest)
    assert scene.stage.repository in facts.restorable_from
    assert (facts.pushed_by, facts.link) == ("", "")


@those_that_tell(Feature.LINK)
async def test_a_page_to_look_at(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    pages = scene.stage.pages or f"{scene.stage.served.url}/"
    assert (await scene.facts(pushed.digest)).link.startswith(pages)


async def test_nothing_is_told_of_what_was_never_there(scene: Scene):
    facts = await scene.facts(NOWHERE)
    assert facts == ArtifactFacts(link=facts.link if scene.is_silent else "")


# --- what is not let in ---------------------------------------------------------------------------------------


@those_that_tell(Feature.PUSHED_AT)
async def test_an_account_without_rights_learns_nothing_but_why(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    scene.stage.mark_build(pushed.digest)
    facts = await scene.stranger().fetch_facts(scene.stage.name(), pushed.digest)
    assert facts == ArtifactFacts(problems=facts.problems)
    assert facts.problems


async def test_wrong_credentials_are_said_to_be_wrong(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    api = scene.api(scene.stage.any_user, "wrong")
    with pytest.raises(UnavailableError) as refused:
        await api.describe_product()
    assert "wrong" not in str(refused.value)
    if not scene.is_silent:
        with pytest.raises(UnavailableError):
            await api.fetch_facts(scene.stage.name(), pushed.digest)


# --- what cannot be asked, or answers nonsense ------------------------------------------------------------------


def saying(body: bytes, content_type: str = "application/json") -> Trouble:
    """200, and these bytes."""

    async def answer(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return answer


async def sending_without_end(request: web.Request, _handler: Handler) -> web.StreamResponse:
    """200, and more than anybody reads."""
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" " * 1_000_000)
            await asyncio.sleep(0)  # over TLS, a write to who has hung up neither fails nor waits
    except ConnectionError:
        pass
    return response


DOWN: dict[str, Trouble] = {
    "503": answering(503),
    "429": answering(429, Retry_After="120"),
    "500": answering(500),
    "hanging up": hanging_up,
    "a login page": talking_nonsense,
    "an endless answer": sending_without_end,
    "half a document": saying(b'{"results": ['),
    "a deep document": saying(b"[" * 100_000),
    "another document": saying(json.dumps({"harbor_version": 7, "version": [], "auth_mode": {}}).encode()),
}


LIKE_A_VERSION_CHECK = {"half a document", "a deep document", "another document"}
"""A registry that says so in its headers may answer `GET /v2/` with whatever it wants."""


@pytest.mark.req("I29")
@pytest.mark.parametrize("how", DOWN)
async def test_a_registry_that_cannot_be_asked_is_unavailable_and_nothing_else(scene: Scene, how: str):
    pushed = await scene.stage.push(text_image("one"))
    scene.stage.served.trouble = DOWN[how]
    if not (scene.is_silent and how in LIKE_A_VERSION_CHECK):
        with pytest.raises(UnavailableError):
            await scene.api().describe_product()
    if not scene.is_silent:
        with pytest.raises(UnavailableError):
            await scene.api().fetch_facts(scene.stage.name(), pushed.digest)


ODD: tuple[Any, ...] = (None, [], {}, "", 7, "\x00\u202e<script>", {"results": [{}]}, [{"username": 1}], {"digest": ""})


async def test_no_answer_makes_an_error_of_another_kind(scene: Scene):
    pushed = await scene.stage.push(text_image("one"))
    for odd in ODD:
        scene.stage.served.trouble = saying(json.dumps(odd).encode())
        for question in (scene.api().describe_product(), scene.api().fetch_facts(scene.stage.name(), pushed.digest)):
            try:
                await question
            except RegistryError as error:
                assert isinstance(error, UnavailableError)  # noqa: PT017 - either outcome is right


# --- where credentials go ---------------------------------------------------------------------------------------


@asynccontextmanager
async def a_listener() -> AsyncIterator[tuple[str, list[str]]]:
    """Another host: its address, and the `Authorization` of every request that it gets."""
    heard: list[str] = []

    class Listener:
        def application(self) -> web.Application:
            async def listen(request: web.Request) -> web.Response:
                heard.append(request.headers.get("Authorization", ""))
                return web.json_response({})

            application = web.Application()
            application.router.add_route("*", "/{path:.*}", listen)
            return application

    async with serve_registry(Listener()) as served:
        yield served.url.replace("127.0.0.1", "localhost"), heard


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_credentials_do_not_follow_a_redirect(scene: Scene, status: int):
    pushed = await scene.stage.push(text_image("one"))
    async with a_listener() as (elsewhere, heard):
        scene.stage.served.trouble = answering(status, Location=f"{elsewhere}/api")
        for question in (scene.api().describe_product(), scene.api().fetch_facts(scene.stage.name(), pushed.digest)):
            try:
                await question
            except UnavailableError as error:
                assert "redirects" in str(error)  # noqa: PT017 - silent types ask nothing
        assert not any(heard)


async def test_credentials_are_in_no_error_and_no_representation(scene: Scene):
    scene.stage.served.trouble = answering(500)
    api = scene.api(scene.stage.any_user, "s3cr3t-w0rd")
    with pytest.raises(UnavailableError) as failed:
        await api.describe_product()
    assert "s3cr3t-w0rd" not in f"{failed.value!r} {failed.value} {vars(api)!r}"
