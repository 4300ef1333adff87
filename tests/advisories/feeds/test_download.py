"""One file from a source: conditional, bounded, and whole or not at all."""

from collections.abc import Callable

import pytest
from aiohttp import web
from tests.support.feed_source import FeedSource

from deadlight.advisories.errors import AdvisoryError
from deadlight.advisories.feeds.download import MAX_RETRY_AFTER_SECONDS, download, download_each
from deadlight.advisories.feeds.feed import FeedUnavailableError, InvalidFeedError, Visit

Visits = Callable[..., Visit]
CONTENT = b"x" * 300_000


async def test_a_file_is_brought_once_and_then_only_if_it_changed(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = CONTENT
    first = visit("file")
    brought = await download(first, first.url, "copy", len(CONTENT))
    assert brought is not None
    assert (brought.path.read_bytes(), brought.size) == (CONTENT, len(CONTENT))
    assert await download(first, first.url, "copy", len(CONTENT), unless=brought.validators) is None
    source.files["file"] = b"changed"
    assert await download(first, first.url, "copy", len(CONTENT), unless=brought.validators) is not None


async def test_more_than_the_limit_is_not_kept(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = CONTENT
    with pytest.raises(InvalidFeedError, match="more than 299999 bytes"):
        await download(visit(), source.url / "file", "copy", len(CONTENT) - 1)


async def test_a_transfer_that_breaks_off_is_no_file(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = CONTENT
    source.cut.add("file")
    with pytest.raises(FeedUnavailableError, match="/file: "):
        await download(visit(), source.url / "file", "copy", len(CONTENT))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "99999999"}, MAX_RETRY_AFTER_SECONDS),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT"}, 120),
        ({"Date": "Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2025 07:30:00 GMT"}, 0),
    ],
)
async def test_a_source_that_will_not_is_named_with_the_pause_it_asks_for(
    source: FeedSource, visit: Visits, headers: dict[str, str], pause: float | None
) -> None:
    source.answers["file"] = [web.Response(status=503, headers=headers)]
    with pytest.raises(FeedUnavailableError, match="answered 503 Service Unavailable") as caught:
        await download(visit(), source.url / "file", "copy", 10)
    assert caught.value.retry_after == pause


async def test_a_source_that_answers_304_unasked_is_not_believed(source: FeedSource, visit: Visits) -> None:
    source.answers["file"] = [web.Response(status=304)]
    with pytest.raises(FeedUnavailableError, match="304"):
        await download(visit(), source.url / "file", "copy", 10)


async def test_redirects_are_followed_but_not_for_ever(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = b"here"
    source.answers["moved"] = [web.Response(status=302, headers={"Location": "/file"})]
    assert await download(visit(), source.url / "moved", "copy", 10) is not None
    source.answers["round"] = [web.Response(status=302, headers={"Location": "/round"}) for _ in range(20)]
    with pytest.raises(FeedUnavailableError):
        await download(visit(), source.url / "round", "copy", 10)


async def test_nobody_there_is_said_so(source: FeedSource, visit: Visits) -> None:
    with pytest.raises(FeedUnavailableError, match=r"http://127\.0\.0\.1:1/file: "):
        await download(visit(), source.url.with_port(1) / "file", "copy", 10)


async def test_how_to_sign_in_at_a_mirror_is_sent_to_it_and_shown_to_nobody(source: FeedSource, visit: Visits) -> None:
    url = source.url.with_user("mirror").with_password("s3cret")
    source.files["file"] = b"0123456789"
    assert await download(visit(), url / "file", "copy", 10) is not None
    problems = (download(visit(), url / "gone", "copy", 10), download(visit(), url / "file", "copy", 5))
    away = download(visit(), url.with_port(1) / "file", "copy", 5)
    for problem in (*problems, away):
        with pytest.raises(AdvisoryError, match=r"http://127\.0\.0\.1") as caught:
            await problem
        assert "s3cret" not in str(caught.value)


async def test_a_full_disk_is_a_problem_like_others(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = b"content"
    with pytest.raises(FeedUnavailableError, match="/file: "):
        await download(visit(), source.url / "file", "no such folder/copy", 10)


async def test_a_proxy_is_asked_in_the_sources_place(source: FeedSource, visit: Visits) -> None:
    source.files["file"] = b"through the proxy"
    asked = visit(proxy=str(source.url))
    brought = await download(asked, asked.url.with_host("osv.invalid").with_port(80) / "file", "copy", 100)
    assert brought is not None
    assert brought.path.read_bytes() == b"through the proxy"


async def test_of_many_files_those_that_are_there_are_brought_and_one_problem_is_enough(
    source: FeedSource, visit: Visits
) -> None:
    source.files |= {str(number): b"ten bytes." for number in range(30)}
    wanted = [(source.url / str(number), f"{number}.json") for number in range(31)]
    into = visit()
    assert await download_each(into, wanted, 10) == 300
    assert len(list(into.folder.iterdir())) == 30
    source.answers["7"] = [web.Response(status=500)]
    with pytest.raises(FeedUnavailableError, match="/7 answered 500"):
        await download_each(visit(), wanted, 10)
