"""The CVE list: asked for the records that are needed, by name."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.feed_source import FeedSource, cve_record, zipped
from tests.support.osv import HIGH

from deadlight.advisories.cve_record import CveRating
from deadlight.advisories.document import Rejected
from deadlight.advisories.feeds import cve_records
from deadlight.advisories.feeds.cve_records import fetch_cve_records, read_cve_ratings, record_path
from deadlight.advisories.feeds.feed import FeedUnavailableError, Visit
from deadlight.advisories.feeds.files import find_feed


async def test_records_are_asked_for_by_name_and_those_without_are_told(
    source: FeedSource, visit: Callable[..., Visit]
) -> None:
    source.files["cves/2026/12xxx/CVE-2026-12345.json"] = json.dumps(cve_record("CVE-2026-12345", HIGH)).encode()
    names = ["CVE-2026-0001", "CVE-2026-12345"]
    fetched = await fetch_cve_records(visit(names=names))
    assert (fetched.asked, fetched.complete) == (names, False)
    assert fetched.path is not None
    (rated,) = read_cve_ratings(fetched.path)
    assert isinstance(rated, CveRating)
    assert (rated.cve, rated.rating.cvss_vector) == ("CVE-2026-12345", HIGH)
    assert source.take_asked() == ["cves/2026/0xxx/CVE-2026-0001.json", "cves/2026/12xxx/CVE-2026-12345.json"]


async def test_nothing_is_asked_where_nothing_is_needed_and_no_more_at_once_than_is_kind(
    source: FeedSource, visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await fetch_cve_records(visit())).path is None
    assert source.take_asked() == []
    monkeypatch.setattr(cve_records, "MAX_RECORDS", 2)
    fetched = await fetch_cve_records(visit(names=[f"CVE-2026-000{number}" for number in range(5)]))
    assert len(fetched.asked) == len(source.take_asked()) == 2


async def test_a_source_that_is_away_is_said_so(visit: Callable[..., Visit], source: FeedSource) -> None:
    away = replace(visit(names=["CVE-2026-0001"]), url=source.url.with_port(1))
    with pytest.raises(FeedUnavailableError):
        await fetch_cve_records(away)


@pytest.mark.parametrize("name", ["CVE-2026-1", "cve-2026-0001", "CVE-2026-0001/..", "CVE-2026-0001\n"])
def test_only_identifiers_become_addresses(name: str) -> None:
    with pytest.raises(ValueError, match="no CVE identifier"):
        record_path(name)


def test_an_archive_is_read_and_what_is_no_record_is_named(tmp_path) -> None:
    path = tmp_path / "2026-01-01_delta_CVEs"
    path.write_bytes(zipped({"cves/a.json": cve_record("CVE-2026-0001"), "cves/delta.json": []}))
    rated, rejected = read_cve_ratings(path)
    assert isinstance(rated, CveRating)
    assert isinstance(rejected, Rejected)
    assert "delta.json" in rejected.reason
    assert find_feed(path) is None
