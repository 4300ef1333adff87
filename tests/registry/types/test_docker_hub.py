"""What is Docker Hub's own: tokens of minutes, tags as they are now, and rules that are foreign expressions."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.registry.conftest import Clock
from tests.support.docker_hub import HOST, PUSHER, READER, DockerHub
from tests.support.images import text_image
from tests.support.registries import Handler, ServedRegistry
from tests.support.vendors import serve_vendor

from deadlight.model.image import ImageReference
from deadlight.registry import Endpoint, InvalidEndpointError, UnavailableError
from deadlight.registry.types.docker_hub.hub import connect
from deadlight.registry.types.docker_hub.rules import MAX_RULE_CHARACTERS, tag_policy

WEB = ImageReference(HOST, "shop/web", "1.0.0")
AS_READER = Endpoint(HOST, username=READER.name, password=READER.password)


@pytest.fixture
async def stage() -> AsyncIterator[tuple[ServedRegistry, aiohttp.ClientSession, DockerHub]]:
    double = DockerHub()
    async with serve_vendor(double) as (served, http):
        yield served, http, double


async def test_of_an_image_that_lost_its_tag_nobody_is_said_to_have_pushed_it(stage, clock: Clock):
    served, http, _ = stage
    before = await served.push(text_image("one"))
    after = await served.push(text_image("two"))
    api = connect(AS_READER, http, {}, clock.timing())
    lost, held = await api.fetch_facts(WEB, before.digest), await api.fetch_facts(WEB, after.digest)
    assert (lost.pushed_by, lost.pushed_at, lost.link) == ("", None, "")
    assert (held.pushed_by, held.link) == (PUSHER, "https://hub.docker.com/r/shop/web/tags?name=1.0.0")


async def test_a_token_is_renewed_before_the_end_that_it_states(stage, clock: Clock):
    served, http, double = stage
    await served.push(text_image("one"))
    api = connect(AS_READER, http, {}, clock.timing())
    for seconds in (0, 400, 100):
        clock.now += seconds
        await api.fetch_facts(WEB, f"sha256:{'a' * 64}")
    assert len(double.tokens) == 2


async def test_a_limit_is_kept_to_for_as_long_as_docker_hub_says(stage, clock: Clock):
    served, http, _ = stage

    async def limit(_request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=429, headers={"X-Retry-After": str(int(time.time()) + 300)})

    served.trouble = limit
    api = connect(AS_READER, http, {}, clock.timing())
    with pytest.raises(UnavailableError, match="limits our requests") as limited:
        await api.fetch_facts(WEB, f"sha256:{'a' * 64}")
    assert limited.value.retry_after_seconds == pytest.approx(300, abs=2)


def test_another_host_is_not_docker_hub(session, clock: Clock):
    with pytest.raises(InvalidEndpointError, match="not Docker Hub"):
        connect(Endpoint("ghcr.io"), session, {}, clock.timing())


@pytest.mark.req("I31")
@pytest.mark.parametrize(
    ("rules", "may_move"),
    [
        ([".*"], False),
        ([r"^[0-9]+\.[0-9]+\.[0-9]+$"], False),
        (["^v.*$", r"^1\.4"], None),
        (["^v.*$"], True),
        (["latest", "1.4.2"], False),
        (["4"], None),
        ([], True),
        (["("], None),
        (["(", "1.4.2"], False),
        (["(a+)+$"], None),
        (["x" * (MAX_RULE_CHARACTERS + 1)], None),
        (["v"] * 9, None),
    ],
)
def test_rules_say_which_tags_stay(rules: list[str], may_move: bool | None):
    policy = tag_policy(rules, "1.4.2")
    assert (policy.may_move if policy else None) is may_move


ATTACKS = [
    "(a+)+$",
    "(a|a)" * 50 + "$",
    "a?" * 80 + "a" * 80,
    "(.*)*b",
    r"(a)\1*b",
    ".*.*.*x",
    "(?:a*)*b",
    "[a-z]*" * 40,
]


@pytest.mark.parametrize("rule", ATTACKS)
def test_no_rule_takes_long(rule: str):
    tag_policy([rule], "a" * 128)  # would run into the test's time limit if it were tried carelessly


@given(st.lists(st.text(alphabet=r"a1.*+?|()[]{}^$\-,", max_size=30), max_size=4))
def test_no_rule_breaks_the_reading_of_rules(rules: list[str]):
    tag_policy(rules, "a1-a" * 20)
