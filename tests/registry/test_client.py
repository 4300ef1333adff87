"""What the client makes of registries that are slow, broken, hostile or no registries at all."""

import asyncio
import ssl

import aiohttp
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.conftest import (
    DIGEST,
    HANG,
    content_reply,
    error_reply,
    json_reply,
    manifest,
    reply,
)

from deadlight.model.image import InvalidReferenceError
from deadlight.registry import (
    DigestMismatchError,
    Endpoint,
    Limits,
    Manifest,
    NotFoundError,
    RegistryClient,
    RegistryError,
    Timing,
    UnavailableError,
)
from deadlight.registry.documents import OCI_MANIFEST, digest_of

TAG = "/v2/shop/api/manifests/1"
FOUND = content_reply(manifest(), OCI_MANIFEST, etag='"e"')


def path_of(digest: str, kind: str = "manifests") -> str:
    return f"/v2/shop/api/{kind}/{digest}"


# --- existence, answered truthfully ---------------------------------------------------------------------------


@pytest.mark.req("I29")
@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"])
async def test_a_registry_s_own_404_is_not_found(server, connect, code):
    server.answer_both(TAG, error_reply(404, code))
    with pytest.raises(NotFoundError, match="has no manifest shop/api:1"):
        await connect(server).head_manifest("shop/api", "1")


@pytest.mark.req("I29")
async def test_a_404_without_words_is_not_found_where_v2_is_a_registry(server, connect):
    server.answer("/v2/", json_reply({}))
    with pytest.raises(NotFoundError):
        await connect(server).head_manifest("shop/api", "1")


@pytest.mark.req("I29")
@pytest.mark.parametrize(
    "version_check",
    [reply(404), reply(200, "<html>It works!</html>", content_type="text/html"), reply(403), reply(500)],
)
async def test_a_404_of_something_that_is_no_registry_is_unavailable(server, connect, version_check):
    server.answer("/v2/", version_check)
    with pytest.raises(UnavailableError, match="no registry answers there"):
        await connect(server).head_manifest("shop/api", "1")


@pytest.mark.req("I29")
async def test_a_web_page_saying_404_is_unavailable_even_where_v2_is_a_registry(server, connect):
    server.answer("/v2/", json_reply({}))
    server.answer_both(TAG, reply(404, "<html>", content_type="text/html"))
    with pytest.raises(UnavailableError, match=r"404 Not Found, text/html"):
        await connect(server).head_manifest("shop/api", "1")


@pytest.mark.req("I29")
@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 504, 400, 418])
async def test_no_other_status_claims_that_an_image_is_missing(server, connect, status):
    server.answer_both(TAG, error_reply(status, "MANIFEST_UNKNOWN"))
    with pytest.raises(UnavailableError, match=str(status)):
        await connect(server).fetch_source_record("shop/api", "1")


@pytest.mark.req("I29")
async def test_a_registry_that_is_not_there_is_unavailable(server, connect):
    server.port = 1  # nothing listens there
    with pytest.raises(UnavailableError, match="Connection refused") as caught:
        await connect(server).head_manifest("shop/api", "1")
    assert caught.value.registry == "127.0.0.1:1"


@pytest.mark.req("I29")
async def test_a_registry_that_does_not_answer_in_time_is_unavailable(server, connect):
    server.answer_both(TAG, HANG)
    with pytest.raises(UnavailableError, match=r"does not answer within 0\.05 s"):
        await connect(server, limits=Limits(request_seconds=0.05, attempts=2)).head_manifest("shop/api", "1")
    assert server.count("HEAD") == 2


# --- trying again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [reply(502), reply(503), reply(504)])
async def test_passing_trouble_is_tried_through(server, connect, clock, trouble):
    server.answer_both(TAG, trouble, FOUND)
    await connect(server).head_manifest("shop/api", "1")
    assert clock.slept == [0.25]


async def test_a_truncated_manifest_is_asked_for_again(server, connect):
    server.answer(TAG, FOUND[:-10], FOUND)
    assert isinstance(await connect(server).fetch_manifest("shop/api", "1"), Manifest)


async def test_patience_ends_after_the_last_attempt(server, connect, clock):
    server.answer_both(TAG, reply(503))
    with pytest.raises(UnavailableError, match="out of order"):
        await connect(server).head_manifest("shop/api", "1")
    assert server.count("HEAD") == 4
    assert clock.slept == [0.25, 0.5, 1.0]


async def test_patience_ends_at_the_deadline(server, connect, clock):
    server.answer_both(TAG, reply(503, retry_after="4"))
    with pytest.raises(UnavailableError) as caught:
        await connect(server, limits=Limits(deadline_seconds=9.0)).head_manifest("shop/api", "1")
    assert clock.slept == [4, 4]
    assert caught.value.retry_after_seconds == 4


async def test_a_short_retry_after_is_waited_for(server, connect, clock):
    server.answer_both(TAG, error_reply(429, "TOOMANYREQUESTS", retry_after="3"), FOUND)
    await connect(server).head_manifest("shop/api", "1")
    assert clock.slept == [3]


async def test_a_long_retry_after_is_reported_and_kept_to(server, connect, clock):
    server.answer_both(TAG, error_reply(429, "TOOMANYREQUESTS", retry_after="600"), FOUND)
    client = connect(server)
    with pytest.raises(UnavailableError, match="limits our requests") as caught:
        await client.head_manifest("shop/api", "1")
    assert caught.value.retry_after_seconds == 600
    clock.now += 500
    with pytest.raises(UnavailableError, match="limits our requests") as caught:
        await client.head_manifest("shop/web", "1")
    assert caught.value.retry_after_seconds == 100
    assert (len(server.asked), clock.slept) == (1, [])
    clock.now += 100
    await client.head_manifest("shop/api", "1")


async def test_a_used_up_pull_limit_does_not_hide_tags_that_move(server, connect):
    """Docker Hub counts GET, not HEAD, and says 429 without saying for how long."""
    server.answer(TAG, error_reply(429, "TOOMANYREQUESTS"))
    server.answer(TAG, FOUND.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", method="HEAD")
    client = connect(server)
    with pytest.raises(UnavailableError) as caught:
        await client.fetch_source_record("shop/api", "1")
    assert caught.value.retry_after_seconds == 60
    await client.head_manifest("shop/api", "1")


async def test_no_more_questions_are_under_way_than_allowed(server, connect, clock):
    server.answer_both(TAG, reply(503), FOUND)
    gate = asyncio.Event()
    timing = Timing(clock=lambda: clock.now, sleep=lambda _seconds: gate.wait())
    client = connect(server, limits=Limits(concurrency=1), timing=timing)
    first, second = (asyncio.create_task(client.head_manifest("shop/api", "1")) for _ in range(2))
    done, _ = await asyncio.wait({first, second}, timeout=0.2)
    assert not done, "the second may not overtake the first, which waits to ask again"
    gate.set()
    await asyncio.gather(first, second)


# --- answers that are none --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(200, "<html>Sign in</html>", content_type="text/html"), "a web page instead of a manifest (text/html)"),
        (reply(200, "<!DOCTYPE html>", content_type=OCI_MANIFEST), "a web page"),
        (reply(200, "x", content_type="text/html\xa0\x7f" + "x" * 1000), "a web page"),
        (reply(200, "hello", content_type="text/plain"), "cannot be read"),
        (reply(200, "{}", content_type="application/json"), "something else than an image manifest"),
        (content_reply(manifest()[:-9], OCI_MANIFEST), "a document that cannot be read"),
        (content_reply(manifest(), OCI_MANIFEST, docker_content_digest=DIGEST), f"its digest header says {DIGEST}"),
        (content_reply(b" " * (4 * 2**20 + 1), OCI_MANIFEST), "sends more than 4194304 bytes"),
        (reply(200, b'{"schemaVersion":1}', content_type="application/json"), "schema 1"),
        (reply(304), "unexpected answer (304"),
        (reply(204), "unexpected answer (204"),
        (reply(200, manifest(), x="y" * 100_000), "not acceptable HTTP"),
        (reply(200, manifest(), **{f"x{number}": "y" for number in range(1000)}), "not acceptable HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not acceptable HTTP"),
        (b"\0" * 100_000, "not acceptable HTTP"),
        (reply(302), "redirects to nowhere"),
        (reply(302, location="file:///etc/passwd"), "redirects to nowhere"),
        (reply(302, location="http://[::1"), "redirects to nowhere"),
        (reply(302, location="http://robot:x@127.0.0.1/"), "redirects to nowhere"),
        (reply(302, location=TAG), "redirects more than 5 times"),
    ],
)
async def test_garbage_is_unavailable_and_named(server, connect, answer, reason):
    server.answer_both(TAG, answer)
    with pytest.raises(UnavailableError) as caught:
        await connect(server).fetch_manifest("shop/api", "1")
    assert reason in caught.value.reason
    assert len(caught.value.reason) < 250
    assert caught.value.reason.isprintable()


async def test_content_under_a_digest_must_be_that_content(server, connect):
    server.answer_both(path_of(DIGEST), content_reply(manifest(), OCI_MANIFEST, docker_content_digest=DIGEST))
    with pytest.raises(DigestMismatchError, match=DIGEST):
        await connect(server).fetch_manifest("shop/api", DIGEST)


async def test_sha512_digests_are_verified_as_such(server, connect):
    digest = digest_of(manifest(), "sha512")
    server.answer(path_of(digest), reply(200, manifest(), content_type=OCI_MANIFEST))
    read = await connect(server).fetch_manifest("shop/api", digest)
    assert isinstance(read, Manifest)
    assert read.digest == digest


@pytest.mark.parametrize("status", [400, 404, 405, 501])
async def test_where_head_is_not_supported_get_answers(server, connect, status):
    server.answer(TAG, FOUND)
    server.answer(TAG, reply(status), method="HEAD")
    head = await connect(server).head_manifest("shop/api", "1")
    assert (head.digest, head.etag, head.size) == (digest_of(manifest()), '"e"', len(manifest()))


@pytest.mark.parametrize(
    "head",
    [
        reply(200, content_type=OCI_MANIFEST),
        reply(200, content_type=OCI_MANIFEST, docker_content_digest="md5:1"),
        reply(200, content_type="text/html", docker_content_digest=DIGEST),
    ],
)
async def test_where_head_says_too_little_get_answers(server, connect, head):
    server.answer(TAG, FOUND)
    server.answer(TAG, head, method="HEAD")
    assert (await connect(server).head_manifest("shop/api", "1")).digest == digest_of(manifest())


async def test_a_head_that_answers_with_another_digest_than_asked_for_is_checked(server, connect):
    server.answer_both(path_of(DIGEST), content_reply(manifest(), OCI_MANIFEST))
    with pytest.raises(DigestMismatchError):
        await connect(server).head_manifest("shop/api", DIGEST)


@pytest.mark.parametrize(
    ("repository", "reference"),
    [("shop/../../admin", "1"), ("shop/api", "../../x"), ("shop/api", "1?x=y"), ("Shop", "1"), ("", "1"), ("a", "")],
)
async def test_names_that_would_change_the_url_are_refused(server, connect, repository, reference):
    with pytest.raises(InvalidReferenceError):
        await connect(server).head_manifest(repository, reference)
    with pytest.raises(InvalidReferenceError):
        await anext(connect(server).iter_blob(repository, reference, size_limit=1))
    assert server.asked == []


@settings(max_examples=60)
@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_on_the_wire_break_the_client(raw: bytes, as_body: bool):
    """Whatever comes back, the answer is one of our errors, and never that the image is missing."""
    answer = reply(200, raw, content_type=OCI_MANIFEST) if as_body else b"HTTP/1.1 " + raw

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, aiohttp.ClientSession() as session:
            client = RegistryClient(Endpoint("registry.test", url=url), session, limits=Limits(attempts=1))
            with pytest.raises(UnavailableError):
                await client.fetch_manifest("shop/api", "1")

    asyncio.run(ask())


# --- TLS --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def tls_server(start_server, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await start_server(context)
    server.answer_both(TAG, FOUND)
    return server


async def test_an_unknown_authority_is_not_trusted_and_not_tried_again(tls_server, connect, clock):
    with pytest.raises(UnavailableError, match="no trusted TLS connection"):
        await connect(tls_server).head_manifest("shop/api", "1")
    assert clock.slept == []


async def test_a_given_authority_is_trusted(tls_server, connect, tmp_path):
    await connect(tls_server, ca_file=str(tmp_path / "ca.pem")).head_manifest("shop/api", "1")


async def test_certificates_can_be_left_unchecked(tls_server, connect):
    await connect(tls_server, verify_tls=False).head_manifest("shop/api", "1")


async def test_https_to_a_plain_port_is_unavailable(server, connect):
    client = connect(server, url=server.url.replace("http:", "https:"), limits=Limits(request_seconds=0.1, attempts=1))
    with pytest.raises(UnavailableError):
        await client.head_manifest("shop/api", "1")


async def test_encryption_is_not_given_up_at_a_redirect(tls_server, server, connect):
    tls_server.answer_both(TAG, reply(307, location=f"{server.url}/plain"))
    with pytest.raises(UnavailableError, match="from https to plain http"):
        await connect(tls_server, verify_tls=False).head_manifest("shop/api", "1")
    assert server.asked == []


# --- mirrors ----------------------------------------------------------------------------------------------------


async def test_a_mirror_is_asked_first(server, start_server, connect):
    mirror = await start_server()
    mirror.answer_both(f"/docker-remote{TAG}", FOUND)
    await connect(server, mirrors=(f"{mirror.url}/docker-remote",)).head_manifest("shop/api", "1")
    assert server.asked == []


@pytest.mark.req("I29")
@pytest.mark.parametrize(
    "answer",
    [
        error_reply(404, "MANIFEST_UNKNOWN"),
        reply(404),
        reply(401),
        reply(429),
        reply(503),
        reply(200, "<html>"),
        content_reply(manifest(), OCI_MANIFEST, docker_content_digest=DIGEST),
    ],
)
async def test_a_mirror_that_fails_or_lacks_it_leaves_the_answer_to_the_origin(server, start_server, connect, answer):
    mirror = await start_server()
    mirror.answer(TAG, answer)
    client = connect(server, mirrors=(mirror.url,))
    server.answer(TAG, FOUND)
    assert isinstance(await client.fetch_manifest("shop/api", "1"), Manifest)
    server.answer(TAG, reply(500))
    with pytest.raises(UnavailableError, match="500"):
        await client.fetch_manifest("shop/api", "1")
    server.answer(TAG, error_reply(404, "MANIFEST_UNKNOWN"))
    with pytest.raises(NotFoundError):
        await client.fetch_manifest("shop/api", "1")


async def test_a_mirror_in_trouble_is_left_alone_for_a_while(server, start_server, connect, clock):
    mirror = await start_server()
    mirror.answer(TAG, reply(503))
    server.answer(TAG, FOUND)
    client = connect(server, mirrors=(mirror.url,))
    for _ in range(3):
        await client.fetch_manifest("shop/api", "1")
    assert (len(mirror.asked), clock.slept) == (1, [])
    clock.now += 30
    await client.fetch_manifest("shop/api", "1")
    assert len(mirror.asked) == 2


async def test_every_error_of_the_room_is_a_registry_error():
    for error in (NotFoundError, UnavailableError, DigestMismatchError):
        assert issubclass(error, RegistryError)
    assert not issubclass(NotFoundError, UnavailableError)


@pytest.mark.req("I29")
async def test_a_digest_that_is_gone_is_never_called_unmodified(server, connect):
    """As distribution would: 304 to a digest's own ETag, whether it still has it or not."""
    digest = digest_of(manifest())
    server.answer_both(path_of(digest), FOUND)
    client = connect(server)
    record = await client.fetch_pinned_record("shop/api", digest)
    server.answer_both(path_of(digest), error_reply(404, "MANIFEST_UNKNOWN"))
    with pytest.raises(NotFoundError):
        await client.fetch_pinned_record("shop/api", digest, previous=record)
    assert all("if-none-match" not in asked.headers for asked in server.asked)


async def test_what_was_sent_and_received_is_counted_until_it_is_taken(server, connect):
    server.answer_both(TAG, FOUND)
    client = connect(server)
    for _ in range(2):
        await client.head_manifest("shop/api", "1")
    traffic = client.traffic.take()
    assert traffic.requests == server.count("HEAD") == 2
    assert traffic.bytes_received > 100
    assert client.traffic.requests == 0
