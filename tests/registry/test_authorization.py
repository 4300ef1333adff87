"""The token flow, against servers that write down who showed them what."""

import asyncio
from base64 import b64decode
from dataclasses import replace

import pytest
from tests.registry.conftest import content_reply, error_reply, json_reply, manifest, reply

from deadlight.registry import Endpoint, Limits, RegistryClient, UnavailableError
from deadlight.registry.documents import OCI_MANIFEST

TAG = "/v2/shop/api/manifests/1"
FOUND = content_reply(manifest(), OCI_MANIFEST)
LOGIN = {"username": "robot", "password": "hunter2"}
BASIC = "Basic cm9ib3Q6aHVudGVyMg=="


def challenge(realm: str, **parameters: str) -> bytes:
    text = ",".join(f'{name}="{value}"' for name, value in {"realm": realm, **parameters}.items())
    return error_reply(401, "UNAUTHORIZED", www_authenticate=f"Bearer {text}")


def shown(server, path: str = "/") -> list[str]:
    """The `Authorization` headers of all requests under `path`, empty where there was none."""
    return [asked.headers.get("authorization", "") for asked in server.asked if asked.target.startswith(path)]


async def test_an_anonymous_token_is_fetched_for_the_repository_and_used_from_then_on(server, connect):
    server.answer_both(TAG, challenge(f"{server.url}/token", service="registry.test"), FOUND)
    server.answer("/token", json_reply({"token": "t1"}))
    client = connect(server)
    await client.head_manifest("shop/api", "1")
    await client.head_manifest("shop/api", "1")
    assert [asked.target for asked in server.asked] == [
        TAG,
        "/token?service=registry.test&scope=repository:shop/api:pull",
        TAG,
        TAG,
    ]
    assert shown(server) == ["", "", "Bearer t1", "Bearer t1"]


async def test_the_scope_that_the_registry_names_is_asked_for(server, connect):
    server.answer_both(TAG, challenge(f"{server.url}/token?account=x", scope="aws"), FOUND)
    server.answer("/token", json_reply({"access_token": "t1"}))
    await connect(server).head_manifest("shop/api", "1")
    assert server.asked[1].target == "/token?account=x&scope=aws"


async def test_credentials_go_to_the_token_server_and_only_the_token_to_the_registry(server, connect):
    server.answer_both(TAG, challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", json_reply({"token": "t1"}))
    await connect(server, **LOGIN).head_manifest("shop/api", "1")
    assert shown(server) == ["", BASIC, "Bearer t1"]


async def test_a_token_is_fetched_again_when_most_of_its_life_is_over(server, connect, clock):
    server.answer_both(TAG, challenge(f"{server.url}/token"), FOUND, challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", json_reply({"token": "t1", "expires_in": 300}), json_reply({"token": "t2"}))
    client = connect(server)
    await client.head_manifest("shop/api", "1")
    clock.now += 280
    await client.head_manifest("shop/api", "1")
    assert shown(server, TAG) == ["", "Bearer t1", "", "Bearer t2"]


async def test_a_refused_token_is_replaced_once(server, connect):
    again = challenge(f"{server.url}/token")
    server.answer_both(TAG, again, FOUND, again, FOUND)
    server.answer("/token", json_reply({"token": "t1"}), json_reply({"token": "t2"}))
    client = connect(server)
    await client.head_manifest("shop/api", "1")
    await client.head_manifest("shop/api", "1")
    assert shown(server, TAG) == ["", "Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.req("I29")
async def test_a_registry_that_refuses_even_a_fresh_token_is_unavailable(server, connect):
    server.answer_both(TAG, challenge(f"{server.url}/token"))
    server.answer("/token", json_reply({"token": "t1"}))
    with pytest.raises(UnavailableError, match="401"):
        await connect(server).head_manifest("shop/api", "1")
    assert server.count("GET", "/token") == 1
    assert server.count("HEAD") == 2


async def test_many_questions_about_one_repository_share_one_token(server, connect):
    server.answer_both(TAG, *[challenge(f"{server.url}/token")] * 10, FOUND)
    server.answer("/token", json_reply({"token": "t1"}))
    client = connect(server)
    await asyncio.gather(*(client.head_manifest("shop/api", "1") for _ in range(10)))
    assert server.count("GET", "/token") == 1


async def test_basic_credentials_are_shown_to_a_registry_that_asks_for_them(server, connect):
    server.answer_both(TAG, error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"'), FOUND)
    client = connect(server, **LOGIN)
    await client.head_manifest("shop/api", "1")
    await client.head_manifest("shop/api", "1")
    assert shown(server) == ["", BASIC, BASIC]


@pytest.mark.req("I29")
@pytest.mark.parametrize(
    ("header", "login", "reason"),
    [
        ('Basic realm="x"', {}, "wants a user name and password, and none are set"),
        ("Negotiate", LOGIN, "a login that we do not know (401, offers negotiate)"),
        ("", LOGIN, "offers nothing"),
        ('Bearer realm="file:///etc/passwd"', LOGIN, "not an http(s) URL"),
        ('Bearer realm="//token.test/"', LOGIN, "not an http(s) URL"),
        ('Bearer realm="http://[::1"', LOGIN, "not an http(s) URL"),
        ('Bearer realm="https://robot@token.test/"', LOGIN, "not an http(s) URL"),
        ('Bearer realm="http://token.test/"', LOGIN, "wants our password without TLS"),
    ],
)
async def test_a_login_that_cannot_or_must_not_be_answered_is_explained(server, connect, header, login, reason):
    server.answer_both(TAG, error_reply(401, "UNAUTHORIZED", www_authenticate=header))
    with pytest.raises(UnavailableError) as caught:
        await connect(server, **login).head_manifest("shop/api", "1")
    assert reason in caught.value.reason
    assert not any(shown(server))


async def test_refused_basic_credentials_are_not_shown_again_and_again(server, connect):
    server.answer_both(TAG, error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"'))
    client = connect(server, **LOGIN)
    with pytest.raises(UnavailableError, match="401"):
        await client.head_manifest("shop/api", "1")
    with pytest.raises(UnavailableError, match="refuses our user name and password"):
        await client.head_manifest("shop/api", "1")
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("token_reply", "reason"),
    [
        (json_reply({}), "gives no token"),
        (json_reply({"token": "a\r\nX-Evil: 1"}), "cannot be sent in a header"),
        (json_reply({"token": "é"}), "cannot be sent in a header"),
        (json_reply({"token": "x" * 100_000}), "cannot be sent in a header"),
        (json_reply([]), "token cannot be read"),
        (reply(200, "<html>Sign in</html>"), "token cannot be read"),
        (reply(200, "x" * 1_000_000), "sends more than 262144 bytes"),
        (error_reply(401, "UNAUTHORIZED"), "does not let us in (401 Scripted"),
        (error_reply(403, "DENIED"), "DENIED"),
        (reply(404), "404"),
    ],
)
async def test_a_token_server_that_gives_no_usable_token_makes_the_registry_unavailable(
    server, connect, token_reply, reason
):
    server.answer_both(TAG, challenge(f"{server.url}/token"))
    server.answer("/token", token_reply)
    with pytest.raises(UnavailableError) as caught:
        await connect(server).head_manifest("shop/api", "1")
    assert reason.replace("Scripted", "Unauthorized") in caught.value.reason


async def test_a_token_server_in_trouble_is_asked_again(server, connect):
    server.answer_both(TAG, challenge(f"{server.url}/token"), challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", reply(503), json_reply({"token": "t1"}))
    await connect(server).head_manifest("shop/api", "1")
    assert server.count("GET", "/token") == 2


async def test_lifetimes_written_as_text_or_out_of_range_are_put_right(server, connect, clock):
    server.answer_both(TAG, challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", json_reply({"token": "t1", "expires_in": "-7"}))
    client = connect(server)
    await client.head_manifest("shop/api", "1")
    clock.now += 50
    await client.head_manifest("shop/api", "1")
    assert shown(server, TAG) == ["", "Bearer t1", "Bearer t1"]


async def test_authorisation_stays_behind_at_a_redirect_to_another_host(server, start_server, connect):
    elsewhere = await start_server()
    server.answer(TAG, challenge(f"{server.url}/token"), reply(307, location=f"{elsewhere.url}/signed?q=a%2Fb%3D"))
    server.answer("/token", json_reply({"token": "t1"}))
    elsewhere.answer("/signed", FOUND)
    await connect(server, **LOGIN).fetch_manifest("shop/api", "1")
    assert shown(server, TAG) == ["", "Bearer t1"]
    assert [(asked.target, asked.headers.get("authorization")) for asked in elsewhere.asked] == [
        ("/signed?q=a%2Fb%3D", None)
    ]


async def test_authorisation_goes_along_within_the_registry(server, connect):
    server.answer(TAG, challenge(f"{server.url}/token"), reply(308, location="../../../../elsewhere"))
    server.answer("/token", json_reply({"token": "t1"}))
    server.answer("/elsewhere", FOUND)
    await connect(server).fetch_manifest("shop/api", "1")
    assert shown(server, "/elsewhere") == ["Bearer t1"]


async def test_another_host_cannot_ask_for_our_credentials(server, start_server, connect):
    elsewhere = await start_server()
    server.answer_both(TAG, reply(307, location=f"{elsewhere.url}/phish"))
    elsewhere.answer_both("/phish", error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"'))
    with pytest.raises(UnavailableError, match="does not let us in"):
        await connect(server, **LOGIN).head_manifest("shop/api", "1")
    assert shown(elsewhere) == [""]


async def test_a_token_server_cannot_pass_our_credentials_on(server, start_server, connect):
    elsewhere = await start_server()
    server.answer_both(TAG, challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", reply(302, location=f"{elsewhere.url}/token"))
    elsewhere.answer("/token", json_reply({"token": "t1"}))
    await connect(server, **LOGIN).head_manifest("shop/api", "1")
    assert shown(elsewhere) == [""]


async def test_a_mirror_never_sees_the_registry_s_credentials(server, start_server, connect):
    mirror = await start_server()
    mirror.answer_both(TAG, error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"'))
    server.answer_both(TAG, error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"'), FOUND)
    await connect(server, mirrors=(mirror.url,), **LOGIN).head_manifest("shop/api", "1")
    assert shown(mirror) == [""]
    assert shown(server) == ["", BASIC]


async def test_tokens_are_not_kept_for_ever_more_scopes(server, connect):
    client = connect(server, limits=Limits(tokens=1))
    server.answer("/token", json_reply({"token": "t"}))
    for repository in ("one", "two"):
        path = f"/v2/{repository}/manifests/1"
        server.answer_both(path, challenge(f"{server.url}/token"), FOUND, challenge(f"{server.url}/token"), FOUND)
        await client.head_manifest(repository, "1")
    await client.head_manifest("one", "1")
    assert shown(server, "/v2/one") == ["", "Bearer t", "", "Bearer t"]


async def test_a_registry_that_changes_from_basic_to_tokens_is_followed(server, connect):
    basic = error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="x"')
    server.answer_both(TAG, basic, FOUND, challenge(f"{server.url}/token"), FOUND)
    server.answer("/token", json_reply({"token": "t1"}))
    client = connect(server, **LOGIN)
    for _ in range(3):
        await client.head_manifest("shop/api", "1")
    assert shown(server, TAG) == ["", BASIC, BASIC, "Bearer t1", "Bearer t1"]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_lent_credentials_are_asked_for_each_time_and_the_own_ones_are_never_sent(
    server, session, clock, scheme: str
):
    refusal = error_reply(401, "UNAUTHORIZED", www_authenticate='Basic realm="cloud"')
    if scheme == "Bearer":
        refusal = challenge(f"{server.url}/token")
    server.answer_both(TAG, refusal, FOUND)
    server.answer("/token", json_reply({"token": "t1"}))
    own = Endpoint("registry.test", server.url, username="access-key", password="secret-key")
    lent = iter("abcdefgh")

    async def sign_in() -> Endpoint:
        return replace(own, username="lent", password=next(lent))

    client = RegistryClient(own, session, sign_in=sign_in, timing=clock.timing())
    await client.head_manifest("shop/api", "1")
    await client.head_manifest("shop/api", "1")
    sent = [header.removeprefix("Basic ") for header in shown(server) if header.startswith("Basic")]
    assert [b64decode(text).decode() for text in sent] == (["lent:a", "lent:b"] if scheme == "Basic" else ["lent:a"])
    assert (await client.signed_in_endpoint()).username == "lent"
