"""Layers over bad lines: dropped, resumed, lied about, too large."""

import asyncio
import itertools
import os
from contextlib import aclosing

import pytest
from tests.registry.conftest import HANG, error_reply, reply

from deadlight.registry import DigestMismatchError, Limits, NotFoundError, Timing, UnavailableError
from deadlight.registry.documents import digest_of

CONTENT = os.urandom(300_000)
DIGEST = digest_of(CONTENT)
BLOB = f"/v2/shop/api/blobs/{DIGEST}"


async def read(client, digest: str = DIGEST, size_limit: int = 1_000_000) -> bytes:
    async with aclosing(client.iter_blob("shop/api", digest, size_limit=size_limit)) as pieces:
        return b"".join([piece async for piece in pieces])


def dropped(first: int, end: int, *, partial: bool) -> bytes:
    """An answer that promises everything from `first` and breaks off at `end`."""
    headers = {"content_length": str(len(CONTENT) - first)}
    if partial:
        headers["content_range"] = f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"
    return reply(206 if partial else 200, CONTENT[first:end], **headers)


async def test_a_dropped_download_continues_where_it_broke(server, connect):
    server.answer(
        BLOB,
        dropped(0, 100_000, partial=False),
        dropped(100_000, 200_000, partial=True),
        dropped(200_000, 300_000, partial=True),
    )
    assert await read(connect(server)) == CONTENT
    assert [asked.headers.get("range") for asked in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


async def test_a_server_without_ranges_sends_it_all_again_and_the_reader_does_not_notice(server, connect):
    server.answer(BLOB, dropped(0, 100_000, partial=False), reply(200, CONTENT))
    assert await read(connect(server)) == CONTENT


async def test_a_connection_that_breaks_after_the_last_byte_loses_nothing(server, connect):
    unfinished = reply(200, f"{len(CONTENT):x}\r\n".encode() + CONTENT + b"\r\n", transfer_encoding="chunked")
    server.answer(BLOB, unfinished.replace(b"content-length", b"x-length"))
    assert await read(connect(server)) == CONTENT
    assert len(server.asked) == 1


async def test_a_download_that_keeps_breaking_is_given_up(server, connect):
    server.answer(BLOB, dropped(0, 1000, partial=False))
    with pytest.raises(UnavailableError, match="the connection broke"):
        await read(connect(server, limits=Limits(attempts=3)))
    assert len(server.asked) == 3


async def test_a_range_that_was_not_asked_for_is_refused(server, connect):
    server.answer(BLOB, dropped(0, 1000, partial=False), dropped(5000, 6000, partial=True))
    with pytest.raises(UnavailableError, match="another part of a blob"):
        await read(connect(server))


async def test_other_content_is_reported_at_the_end(server, connect):
    server.answer(BLOB, reply(200, b"something else"))
    with pytest.raises(DigestMismatchError, match=DIGEST):
        await read(connect(server))


async def test_more_than_the_limit_is_not_read(server, connect):
    server.answer(BLOB, reply(200, CONTENT))
    with pytest.raises(UnavailableError, match="larger than 1000 bytes"):
        await read(connect(server), size_limit=1000)
    assert await read(connect(server), size_limit=len(CONTENT)) == CONTENT


async def test_a_layer_that_trickles_is_given_up(server, connect):
    server.answer(BLOB, reply(200, CONTENT))
    seconds = itertools.count()
    timing = Timing(clock=lambda: float(next(seconds)))  # every look at it takes a second
    with pytest.raises(UnavailableError, match="too slowly"):
        await read(connect(server, limits=Limits(blob_seconds=0.5), timing=timing))


async def test_a_server_that_never_begins_to_answer_is_given_up(server, connect):
    server.answer(BLOB, HANG)
    with pytest.raises(UnavailableError, match="does not answer"):
        await read(connect(server, limits=Limits(request_seconds=0.05, attempts=2)))


async def test_a_reader_may_take_longer_than_a_request(server, connect):
    server.answer(BLOB, reply(200, CONTENT))
    client = connect(server, limits=Limits(request_seconds=0.05, attempts=1))
    async with aclosing(client.iter_blob("shop/api", DIGEST, size_limit=1_000_000)) as pieces:
        first = await anext(pieces)
        await asyncio.sleep(0.1)
        assert first + b"".join([piece async for piece in pieces]) == CONTENT


@pytest.mark.req("I29")
async def test_only_the_registry_can_say_that_a_blob_is_gone(server, start_server, connect):
    storage = await start_server()
    server.answer(BLOB, reply(307, location=f"{storage.url}/gone"))
    storage.answer("/gone", reply(404, "<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml"))
    with pytest.raises(UnavailableError, match="no registry answers there"):
        await read(connect(server))
    server.answer(BLOB, error_reply(404, "BLOB_UNKNOWN"))
    with pytest.raises(NotFoundError):
        await read(connect(server))


async def test_the_origin_continues_what_a_mirror_began(server, start_server, connect):
    mirror = await start_server()
    mirror.answer(BLOB, dropped(0, 100_000, partial=False))
    server.answer(BLOB, dropped(100_000, 300_000, partial=True))
    assert await read(connect(server, mirrors=(mirror.url,))) == CONTENT
    assert len(mirror.asked) == len(server.asked) == 1


@pytest.mark.parametrize("answer", [error_reply(404, "BLOB_UNKNOWN"), reply(500), reply(401)])
async def test_a_mirror_that_cannot_help_is_passed_over(server, start_server, connect, answer):
    mirror = await start_server()
    mirror.answer(BLOB, answer)
    server.answer(BLOB, reply(200, CONTENT))
    assert await read(connect(server, mirrors=(mirror.url,))) == CONTENT


async def test_what_a_lying_mirror_sent_is_never_believed(server, start_server, connect):
    mirror = await start_server()
    mirror.answer(BLOB, reply(200, b"evil", content_length="9"))
    server.answer(BLOB, dropped(4, 300_000, partial=True))
    with pytest.raises(DigestMismatchError):
        await read(connect(server, mirrors=(mirror.url,)))


async def test_stopping_early_gives_the_connection_back(server, connect, session):
    server.answer(BLOB, reply(200, CONTENT))
    async with aclosing(connect(server).iter_blob("shop/api", DIGEST, size_limit=1_000_000)) as pieces:
        await anext(pieces)
    assert session.connector is not None
    assert not session.connector._acquired


async def test_content_encodings_are_left_alone(server, connect):
    """Some object stores call a gzipped layer `Content-Encoding: gzip`; its digest is of the bytes as they are."""
    server.answer(BLOB, reply(200, CONTENT, content_encoding="gzip"))
    assert await read(connect(server)) == CONTENT
    assert server.asked[0].headers["accept-encoding"] == "identity"
