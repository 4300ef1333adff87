"""FIRST's scores: all of a file or none of it."""

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.feed_source import FeedSource, epss

from deadlight.advisories.feeds import epss as epss_feed
from deadlight.advisories.feeds.epss import MAX_LINE_BYTES, Prediction, fetch_epss, parse_epss, read_epss
from deadlight.advisories.feeds.feed import FeedUnavailableError, Fetched, InvalidFeedError, Visit

HEAD = "#model_version:v4,score_date:2026-02-03T00:00:00+0000\ncve,epss,percentile\n"
SCORES = {"CVE-2026-0001": (0.5, 0.99), "CVE-2026-0002": (0.00012, 0.01)}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that many examples may share."""
    return tmp_path_factory.mktemp("epss") / "scores"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes a file."""

    def write(content: bytes) -> Path:
        path = tmp_path / "epss.csv.gz"
        path.write_bytes(content)
        return path

    return write


async def test_the_scores_are_had_once_and_then_only_if_they_changed(
    source: FeedSource, visit: Callable[..., Visit]
) -> None:
    source.files["epss.csv.gz"] = epss(SCORES)
    first = await fetch_epss(visit("epss.csv.gz"))
    assert first.path is not None
    assert [item.cve for item in read_epss(first.path)] == list(SCORES)
    assert await fetch_epss(visit("epss.csv.gz", checkpoint=first.checkpoint)) == Fetched(first.checkpoint)
    with pytest.raises(FeedUnavailableError, match="there is no such file"):
        await fetch_epss(visit("gone.csv.gz"))


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_score_has_a_probability_a_percentile_and_the_days_date(file, unpacked: bool) -> None:
    content = epss(SCORES)
    read = list(read_epss(file(gzip.decompress(content) if unpacked else content)))
    assert read == [Prediction(cve, *values, date(2026, 2, 3)) for cve, values in SCORES.items()]


def test_columns_are_found_by_name() -> None:
    text = HEAD.splitlines()[0] + "\r\n\r\nnew,percentile,cve,epss\r\nx,0.9,CVE-2026-0001,0.1"
    assert list(parse_epss([text.encode()], "epss")) == [Prediction("CVE-2026-0001", 0.1, 0.9, date(2026, 2, 3))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "cve,epss,percentile\nCVE-2026-0001,0.1,0.1\n",
        HEAD.replace("epss,", ""),
        HEAD.replace("2026-02-03", "2026-02-33"),
        HEAD + "CVE-2026-0001,0.1\n",
        HEAD + "CVE-2026-0001,0.1,1.1\n",
        HEAD + "CVE-2026-0001,nan,0.1\n",
        HEAD + "CVE-2026-0001,-0.1,0.1\n",
        HEAD + "GHSA-1,0.1,0.1\n",
        HEAD + "CVE-2026-0001,0.1,0.1\n" + "x" * (MAX_LINE_BYTES + 1),
    ],
)
def test_a_file_with_anything_wrong_in_it_is_refused(text: str) -> None:
    with pytest.raises(InvalidFeedError, match=r"\Aepss: "):
        list(parse_epss([text.encode()], "epss"))


def test_a_file_that_is_cut_short_is_refused(file) -> None:
    content = epss({f"CVE-2026-{number:04}": (0.1, 0.1) for number in range(2_000)})
    with pytest.raises(InvalidFeedError, match="cut short"):
        list(read_epss(file(content[:-10])))
    with pytest.raises(InvalidFeedError, match="not gzip"):
        list(read_epss(file(content[:50] + b"\0" * 50 + content[100:])))


def test_a_bomb_is_refused_before_it_fills_anything(file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epss_feed, "MAX_EXPANDED_BYTES", 1024 * 1024)
    with pytest.raises(InvalidFeedError, match="more than 1048576 bytes"):
        list(read_epss(file(gzip.compress(b"\n" * 50_000_000))))


@given(st.lists(st.binary(max_size=100) | st.text("0123456789.,-eCVE\n", max_size=80).map(str.encode), max_size=6))
def test_no_text_makes_it_fail_otherwise(parts: list[bytes]) -> None:
    try:
        scores = list(parse_epss([HEAD.encode(), *parts], "epss"))
    except InvalidFeedError:
        return
    assert all(0 <= score.probability <= 1 and score.cve.startswith("CVE-") for score in scores)


@given(st.binary(max_size=200), st.booleans())
def test_no_compressed_bytes_make_it_fail_otherwise(scratch: Path, content: bytes, whole: bool) -> None:
    scratch.write_bytes(gzip.compress(content) if whole else epss_feed.GZIP_MAGIC + content)
    try:
        list(read_epss(scratch))
    except InvalidFeedError:
        return
