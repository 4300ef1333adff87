"""What the answers of a product's API mean, and what is asked in the first place."""

import msgspec
import pytest
from tests.registry.conftest import ScriptedServer, json_reply, reply
from yarl import URL

from deadlight.registry.endpoint import TlsTrust
from deadlight.registry.errors import NotFoundError, UnavailableError, WithheldError
from deadlight.registry.rest import Inquiry, RestApi, part


class Thing(msgspec.Struct):
    """A document."""

    name: str


@pytest.fixture
def ask(session, clock, server):
    def ask(authorization: str = "Basic xyz", path: str = "api/thing", **more):
        api = RestApi(
            URL(server.url), session, trust=TlsTrust(None), authorization=authorization, timing=clock.timing()
        )
        return api.fetch(path, Thing, **more)

    return ask


async def test_a_document_comes_with_its_headers(server: ScriptedServer, ask):
    server.answer("/api/thing", json_reply({"name": "x", "more": 1}, x_total_count="7"))
    answer = await ask(query={"q": "a=b,c=~d"})
    assert (answer.value, answer.headers["X-Total-Count"]) == (Thing("x"), "7")
    assert server.asked[0].target == "/api/thing?q=a%3Db,c%3D~d"
    assert server.asked[0].headers["authorization"] == "Basic xyz"


async def test_a_query_is_posted_as_text(server: ScriptedServer, ask):
    server.answer("/api/thing", json_reply({"name": "x"}), method="POST")
    await ask(text="items.find()")
    assert server.asked[0].headers["content-type"] == "text/plain"


async def test_nobody_sends_no_credentials(server: ScriptedServer, ask):
    server.answer("/api/thing", json_reply({"name": "x"}))
    await ask("")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "authorization", "meaning"),
    [
        (reply(404), "Basic x", NotFoundError),
        (json_reply({"errors": []}, 404), "Basic x", NotFoundError),
        (reply(404, "<html>", content_type="text/html"), "Basic x", UnavailableError),
        (reply(401), "Basic x", UnavailableError),
        (reply(401), "", WithheldError),
        (reply(403), "Basic x", WithheldError),
        (reply(400), "Basic x", WithheldError),
        (reply(501), "Basic x", WithheldError),
        (reply(500), "Basic x", UnavailableError),
        (reply(302, location="/login"), "Basic x", UnavailableError),
        (reply(200, "<html>", content_type="text/html"), "Basic x", UnavailableError),
        (json_reply({"name": 7}), "Basic x", UnavailableError),
        (reply(200, b"x" * 3_000_000), "Basic x", UnavailableError),
    ],
)
async def test_answers_mean_what_they_say(server: ScriptedServer, ask, answer: bytes, authorization: str, meaning):
    server.answer("/api/thing", answer)
    with pytest.raises(meaning):
        await ask(authorization)


async def test_a_passing_failure_is_asked_again(server: ScriptedServer, ask):
    server.answer("/api/thing", reply(503), json_reply({"name": "x"}))
    assert (await ask()).value == Thing("x")


async def test_an_inquiry_goes_on_and_remembers_what_it_may_not_see(server: ScriptedServer, session, clock):
    server.answer("/a", reply(403))
    server.answer("/b", reply(404))
    server.answer("/c", json_reply({"name": "x"}))
    api = RestApi(URL(server.url), session, trust=TlsTrust(None), authorization="Basic x", timing=clock.timing())
    inquiry = Inquiry(api)
    found = [await inquiry.find(path, Thing, needs=f"right {path}") for path in ("a", "b", "c", "a")]
    assert found == [None, None, Thing("x"), None]
    assert inquiry.problems == (f"{api.name} does not show us a (403): right a",)


def test_a_part_of_a_path_stays_one():
    assert part("a/b?c#d%2F..") == "a%2Fb%3Fc%23d%252F.."
    assert part("sha256:ab") == "sha256:ab"
