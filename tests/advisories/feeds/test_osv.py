"""OSV's bucket: everything once, then what changed, and everything again where changes are not enough."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.feed_source import FeedSource, modified_ids
from tests.support.osv import osv

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.feeds import osv as osv_feed
from deadlight.advisories.feeds.feed import FeedUnavailableError, Fetched, InvalidFeedError, Visit
from deadlight.advisories.feeds.osv import FULL_COPY_EVERY, MAX_LINE_BYTES, fetch_osv, iter_modified
from deadlight.advisories.osv import READER_VERSION

Visits = Callable[..., Visit]

FIRST = osv("CVE-2026-0001", modified="2026-01-01T00:00:00Z")
SECOND = osv("CVE-2026-0002", modified="2026-01-02T00:00:00Z")
THIRD = osv("CVE-2026-0003", modified="2026-01-03T00:00:00.123456Z")


def identifiers(fetched: Fetched) -> list[str]:
    assert fetched.path is not None
    return sorted(item.id for item in read_advisories(fetched.path) if isinstance(item, Advisory))


@pytest.mark.req("R15")
async def test_at_first_a_whole_ecosystem_is_had_and_then_only_what_changed(source: FeedSource, visit: Visits) -> None:
    source.serve_osv("Rocky Linux", FIRST, SECOND)
    first = await fetch_osv(visit(part="Rocky Linux"))
    assert first.complete
    assert identifiers(first) == ["CVE-2026-0001", "CVE-2026-0002"]
    assert first.bytes_received == sum(
        len(source.files[f"Rocky Linux/{name}"]) for name in ("all.zip", "modified_id.csv")
    )
    assert source.take_asked() == ["Rocky Linux/all.zip", "Rocky Linux/modified_id.csv"]

    unchanged = await fetch_osv(visit(part="Rocky Linux", checkpoint=first.checkpoint))
    assert unchanged == Fetched(first.checkpoint)
    assert source.take_asked() == ["Rocky Linux/modified_id.csv"]

    source.serve_osv("Rocky Linux", FIRST, SECOND, THIRD)
    changed = await fetch_osv(visit(part="Rocky Linux", checkpoint=first.checkpoint))
    assert not changed.complete
    # What changed in the moment of the checkpoint is had again: others may have changed in it later.
    assert identifiers(changed) == ["CVE-2026-0002", "CVE-2026-0003"]
    assert "Rocky Linux/all.zip" not in source.take_asked()
    assert changed.checkpoint["newest"] == "2026-01-03T00:00:00.123456+00:00"


async def test_many_changes_are_had_as_a_whole_copy(
    source: FeedSource, visit: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.serve_osv("Debian", FIRST)
    first = await fetch_osv(visit(part="Debian"))
    source.serve_osv("Debian", FIRST, SECOND, THIRD)
    monkeypatch.setattr(osv_feed, "MAX_SINGLE_RECORDS", 2)
    assert (await fetch_osv(visit(part="Debian", checkpoint=first.checkpoint))).complete


async def test_now_and_then_a_whole_copy_is_had_although_nothing_is_listed_as_changed(
    source: FeedSource, visit: Visits
) -> None:
    source.serve_osv("Debian", FIRST)
    first = await fetch_osv(visit(part="Debian"))
    later = datetime(2026, 3, 1, tzinfo=UTC) + FULL_COPY_EVERY
    assert (await fetch_osv(visit(part="Debian", checkpoint=first.checkpoint, now=later))).complete
    sooner = later - timedelta(seconds=1)
    assert (await fetch_osv(visit(part="Debian", checkpoint=first.checkpoint, now=sooner))).path is None


async def test_a_raised_reader_starts_from_a_whole_copy(
    source: FeedSource, visit: Visits, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.serve_osv("Debian", FIRST)
    first = await fetch_osv(visit(part="Debian"))
    monkeypatch.setattr(osv_feed, "READER_VERSION", READER_VERSION + 1)
    again = await fetch_osv(visit(part="Debian", checkpoint=first.checkpoint))
    assert again.complete
    assert again.checkpoint["reader"] == str(READER_VERSION + 1)


async def test_a_record_that_went_after_it_was_listed_is_left_out(source: FeedSource, visit: Visits) -> None:
    source.serve_osv("Debian", FIRST)
    first = await fetch_osv(visit(part="Debian"))
    source.serve_osv("Debian", FIRST, SECOND)
    del source.files["Debian/CVE-2026-0002.json"]
    assert identifiers(await fetch_osv(visit(part="Debian", checkpoint=first.checkpoint))) == ["CVE-2026-0001"]


@pytest.mark.parametrize("missing", ["modified_id.csv", "all.zip"])
async def test_an_ecosystem_the_source_does_not_have_is_named(source: FeedSource, visit: Visits, missing: str) -> None:
    source.serve_osv("Debian", FIRST)
    del source.files[f"Debian/{missing}"]
    with pytest.raises(FeedUnavailableError, match=f"Debian/{missing}: there is no such file"):
        await fetch_osv(visit(part="Debian"))


@pytest.mark.parametrize(
    "listing",
    [
        b"",
        b"<html>Sign in</html>\n",
        b"2026-01-01T00:00:00Z\n",
        b"yesterday,CVE-2026-0001\n",
        b"2026-01-01T00:00:00Z,../../secret\n",
        b"2026-01-01T00:00:00Z,CVE-2026-1?x=%2e\n",
        b"2026-01-01T00:00:00Z,CVE-" + b"1" * MAX_LINE_BYTES + b"\n",
    ],
)
async def test_what_is_no_list_of_changes_is_refused(source: FeedSource, visit: Visits, listing: bytes) -> None:
    source.serve_osv("Debian", FIRST)
    source.files["Debian/modified_id.csv"] = listing
    with pytest.raises(InvalidFeedError, match=r"modified_id\.csv: "):
        await fetch_osv(visit(part="Debian"))


async def test_more_lines_than_there_can_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osv_feed, "MAX_LISTED", 2)
    with pytest.raises(InvalidFeedError, match="more than 2 lines"):
        list(iter_modified(io.BytesIO(modified_ids(FIRST, SECOND, THIRD))))


def test_the_list_for_all_ecosystems_is_read_too() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert list(iter_modified(io.BytesIO(b"2026-01-01T00:00:00Z,npm/MAL-2026-1\n"))) == [(at, "MAL-2026-1")]


@given(st.binary(max_size=600) | st.builds(lambda at, name: f"{at},{name}\n".encode(), st.datetimes(), st.text()))
def test_no_list_of_changes_makes_it_fail_otherwise(content: bytes) -> None:
    seen: list[Any] = []
    try:
        seen += iter_modified(io.BytesIO(content))
    except InvalidFeedError:
        return
    assert all(at.tzinfo is not None and "/" not in name for at, name in seen)
