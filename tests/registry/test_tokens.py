"""Tokens of clouds' token servers."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.registry.conftest import Clock, ScriptedServer, error_reply, json_reply, reply
from yarl import URL

from deadlight.registry import Endpoint, UnavailableError
from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.tokens import LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, TokenServer, stated_life

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def token(claims: object) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


@pytest.fixture
def asked(server: ScriptedServer, session, clock: Clock) -> TokenServer:
    return TokenServer(URL(server.url), session, trust=TlsTrust.of(Endpoint("registry.test")), timing=clock.timing())


async def test_a_refusal_gives_its_code_and_nothing_that_was_sent(server: ScriptedServer, asked: TokenServer):
    server.answer("/token", json_reply({"error": "invalid_grant", "error_description": "hunter2"}, 400), method="POST")
    with pytest.raises(UnavailableError, match=r"400, invalid_grant\)$") as refused:
        await asked.post_form("token", {"client_secret": "hunter2"})
    assert "hunter2" not in str(refused.value)


async def test_a_redirect_is_not_followed(server: ScriptedServer, asked: TokenServer):
    server.answer("/token", reply(307, location=f"{server.url}/elsewhere"), method="POST")
    with pytest.raises(UnavailableError, match="redirects"):
        await asked.post_form("token", {"client_secret": "hunter2"})
    assert server.count("POST", "/elsewhere") == 0


@pytest.mark.parametrize(
    "answer", [reply(200, "<html>"), reply(200, "[]"), reply(200, "{"), error_reply(418, "TEAPOT")]
)
async def test_anything_but_a_grant_is_unavailable(server: ScriptedServer, asked: TokenServer, answer: bytes):
    server.answer("/token", answer, method="POST")
    with pytest.raises(UnavailableError):
        asked.grant(await asked.post_json("token", {}))


@pytest.mark.parametrize("text", ["", "two words", "line\nbreak", "é", "x" * 16385])
def test_a_token_that_cannot_be_sent_is_refused(asked: TokenServer, text: str):
    with pytest.raises(UnavailableError, match="token"):
        asked.lease(text)


@pytest.mark.parametrize(
    ("stated", "seconds"), [(3599, 3599), (1, SHORTEST_LIFE_SECONDS), (10**9, LONGEST_LIFE_SECONDS), (None, 300)]
)
def test_a_life_is_kept_within_bounds(asked: TokenServer, stated: float | None, seconds: float):
    assert asked.lease("opaque", stated).seconds == seconds


def test_a_token_may_state_its_own_end():
    assert stated_life(token({"exp": NOW.timestamp() + 90}), NOW) == 90
    assert stated_life(token({"exp": NOW.timestamp() - 1}), NOW) is None


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(token))
def test_no_token_breaks_the_reading_of_its_end(text: str):
    life = stated_life(text, NOW)
    assert life is None or life > 0
