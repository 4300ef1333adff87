import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.advisories.advisory import Advisory, Affected, Boundary, BoundaryKind, Range
from deadlight.advisories.errors import AdvisoryError, InvalidAdvisoryError, NotSecurityError
from deadlight.advisories.osv import MAX_BOUNDARIES, READER_VERSION, parse_advisory
from deadlight.advisories.record import MAX_DOCUMENT_BYTES
from deadlight.model.vulnerability import Severity

COMPLETE = b"""{
  "schema_version": "1.7.0", "id": "GHSA-aaaa-bbbb-cccc", "modified": "2024-03-06T10:56:49.290Z",
  "published": "2024-03-05T12:00:00+02:00", "aliases": ["CVE-2024-1", "CVE-2024-1"], "related": ["CVE-2023-9"],
  "summary": "Template injection", "details": "Long \\u0000 story",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{
    "package": {"ecosystem": "PyPI", "name": "Foo_Bar", "purl": "pkg:pypi/foo-bar"},
    "ranges": [
      {"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
      {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}], "database_specific": {"x": [1]}}
    ],
    "versions": ["1.0", "1.1"]
  }],
  "references": [{"type": "WEB", "url": "https://example.org/a"}, {"type": "WEB", "url": "javascript:alert(1)"}],
  "credits": [{"name": "someone"}], "unknown": {"field": true}
}"""


def test_a_complete_record_becomes_an_advisory() -> None:
    advisory = parse_advisory(COMPLETE, "a.json")

    assert advisory.id == "GHSA-aaaa-bbbb-cccc"
    assert advisory.source == "GHSA"
    assert advisory.modified_at == datetime(2024, 3, 6, 10, 56, 49, 290000, tzinfo=UTC)
    assert advisory.published_at == datetime(2024, 3, 5, 10, tzinfo=UTC)
    assert not advisory.is_withdrawn
    assert advisory.aliases == ("CVE-2024-1",)
    assert advisory.related == ("CVE-2023-9",)
    assert (advisory.severity, advisory.cvss_score) == (Severity.CRITICAL, 9.8)
    assert advisory.cvss_vector == "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    assert advisory.content_hash == f"{READER_VERSION}:{hashlib.sha256(COMPLETE).hexdigest()}"
    assert advisory.affected == (
        Affected(
            "PyPI",
            "foo-bar",
            (Range((Boundary(BoundaryKind.INTRODUCED, ""), Boundary(BoundaryKind.FIXED, "1.2"))),),
            frozenset({"1.0", "1.1"}),
        ),
    )
    assert advisory.affected[0].fixed_versions == ("1.2",)
    assert advisory.buckets == {("PyPI", "foo-bar")}


def test_references_are_web_addresses_only_because_people_click_on_them() -> None:
    assert parse_advisory(COMPLETE, "a.json").references == ("https://example.org/a",)


def test_texts_lose_the_nul_that_a_database_cannot_store() -> None:
    assert parse_advisory(COMPLETE, "a.json").details == "Long  story"


@pytest.mark.req("D18")
def test_words_rate_a_record_without_a_vector(advisory) -> None:
    assert advisory(database_specific={"severity": "MODERATE"}).severity is Severity.MEDIUM
    urgent = {"package": {"ecosystem": "Debian:12", "name": "x"}, "ecosystem_specific": {"urgency": "high**"}}
    assert advisory(affected=[urgent]).severity is Severity.HIGH
    assert advisory(severity=[{"type": "Ubuntu", "score": "negligible"}]).severity is Severity.LOW
    assert advisory("ALSA-2024:1", summary="Important: kernel security update").severity is Severity.HIGH
    assert advisory("GHSA-1", summary="Important: not an erratum").severity is Severity.UNKNOWN


@pytest.mark.req("D18")
def test_a_severity_of_a_package_counts_when_the_record_has_none(advisory) -> None:
    entry = {
        "package": {"ecosystem": "Bitnami", "name": "minio"},
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:N/I:H/A:H"}],
    }
    assert advisory(affected=[entry]).cvss_score == 6.5


def test_cves_of_an_almalinux_erratum_stand_in_related(advisory) -> None:
    erratum = advisory("ALSA-2024:1", related=["CVE-2024-1", "CVE-2024-2", "ALSA-2023:9"])

    assert erratum.upstream == ("CVE-2024-1", "CVE-2024-2")
    assert erratum.related == ("ALSA-2023:9",)


def test_cves_related_to_any_other_record_only_resemble_it(advisory) -> None:
    assert advisory("GHSA-1", related=["CVE-2024-1"]).upstream == ()


@pytest.mark.parametrize("identifier", ["ALBA-2021:1099", "ALEA-2022:1"])
def test_errata_that_fix_no_vulnerability_are_set_apart(advisory, identifier: str) -> None:
    with pytest.raises(NotSecurityError, match=rf"test: {identifier}"):
        advisory(identifier, related=["CVE-2024-1"])


@pytest.mark.parametrize(("kind", "is_notice"), [("unmaintained", True), ("notice", True), ("unsound", False)])
def test_rustsec_notices_are_set_apart_but_unsoundness_is_a_flaw(advisory, kind: str, is_notice: bool) -> None:
    entry = {"package": {"ecosystem": "crates.io", "name": "x"}, "database_specific": {"informational": kind}}
    if is_notice:
        with pytest.raises(NotSecurityError):
            advisory("RUSTSEC-2022-1", affected=[entry])
    else:
        assert advisory("RUSTSEC-2022-1", affected=[entry]).affected


@pytest.mark.parametrize(("identifier", "aliases"), [("MAL-2024-1", []), ("PYSEC-2024-1", ["MAL-2024-1"])])
def test_records_of_the_malicious_packages_database_are_flagged(advisory, identifier: str, aliases: list[str]) -> None:
    assert advisory(identifier, aliases=aliases).is_malicious
    assert not advisory("GHSA-MAL-1").is_malicious


def test_a_withdrawn_advisory_is_in_no_bucket(advisory, affects) -> None:
    withdrawn = advisory(withdrawn="2024-02-01T00:00:00Z", affected=[affects("PyPI", "x", [{"introduced": "0"}])])

    assert withdrawn.is_withdrawn
    assert withdrawn.buckets == frozenset()


def test_entries_for_one_package_become_one(advisory, affects) -> None:
    first = affects("PyPI", "A.b", [{"introduced": "0"}, {"fixed": "1"}], versions=("0.5",))
    second = affects("PyPI", "a_B", [{"introduced": "2"}, {"fixed": "3"}], versions=("2.5",))
    (entry,) = advisory(affected=[first, second]).affected

    assert entry.bucket == ("PyPI", "a-b")
    assert entry.fixed_versions == ("1", "3")
    assert entry.versions == {"0.5", "2.5"}


def test_releases_of_a_distribution_stay_apart(advisory, affects) -> None:
    entries = [affects(f"Debian:{release}", "openssl", [{"introduced": "0"}]) for release in (11, 12)]
    assert advisory(affected=entries).buckets == {("Debian:11", "openssl"), ("Debian:12", "openssl")}


def test_the_address_of_a_repository_is_no_part_of_an_ecosystem(advisory, affects) -> None:
    entry = affects("Packagist:https://packages.drupal.org/8", "drupal/token", [{"introduced": "0"}])
    assert advisory(affected=[entry]).buckets == {("Packagist", "drupal/token")}


def test_an_entry_without_a_package_names_commits_only_and_is_passed_over(advisory) -> None:
    assert advisory(affected=[{"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}]).affected == ()


def test_fields_may_be_null_or_absent(advisory) -> None:
    nothing = advisory(published=None, aliases=None, affected=None, severity=None, references=None, summary=None)
    assert (nothing.aliases, nothing.affected, nothing.summary, nothing.published_at) == ((), (), "", None)


def test_the_zero_time_of_go_is_no_time(advisory) -> None:
    assert advisory(modified="0001-01-01T00:00:00Z").modified_at is None


def test_a_date_without_zone_is_utc(advisory) -> None:
    assert advisory(published="2022-08-31").published_at == datetime(2022, 8, 31, tzinfo=UTC)


def test_a_kind_of_event_from_the_future_is_ignored(advisory, affects) -> None:
    entry = affects("PyPI", "x", [{"introduced": "0"}, {"mitigated": "2"}, {"fixed": "3"}])
    assert advisory(affected=[entry]).affected[0].fixed_versions == ("3",)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "truncated"),
        (b"\xff\xfe\x00", "malformed"),
        (b'{"id": "A-1", "summary": "\xff"}', "utf-8"),
        (b'{"id": "A-1", "summary": "\\ud800"}', "truncated"),
        (b"<html>", "malformed"),
        (b"[]", "got `array`"),
        (b"{}", "missing required field `id`"),
        (b'{"id": 7}', "got `int`"),
        (b'{"id": "2015-08-06"}', "matching regex"),
        (b'{"id": "A-1\\n"}', "matching regex"),
        (b'{"id": "A-' + b"1" * 200 + b'"}', "<= 128"),
        (b'{"id": "A-1", "affected": {}}', "got `object`"),
        (b'{"id": "A-1", "affected": [{"package": {"name": "x"}}]}', "ecosystem"),
        (b'{"id": "A-1", "affected": [{"package": {"ecosystem": "npm", "name": "a\\u0000"}}]}', "matching regex"),
        (b'{"id": "A-1", "affected": [{"versions": [1]}]}', "got `int`"),
        (b'{"id": "A-1", "affected": [{"versions": ["' + b"1" * 300 + b'"]}]}', "<= 256"),
        (b'{"id": "A-1", "affected": [' + b"{}," * 10_000 + b"{}]}", "<= 10000"),
        (b'{"id": "A-1", "modified": "yesterday"}', "no time"),
        (b'{"id": "A-1", "withdrawn": "9999-12-31T23:59:59-14:00"}', "no time"),
        (b"[" * 100_000, "got `array`"),
        (b'{"id": "A-1", "extra": ' + b"[" * 1_000_000, "nested too deeply"),
        (b'{"id": "A-1", "database_specific": {"severity": ' + b"[" * 100_000 + b"}}", "nested too deeply"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "bytes"),
    ],
    ids=lambda value: value[:24].decode("ascii", "replace") if isinstance(value, bytes) else "",
)
def test_what_is_no_record_is_refused_with_its_origin_and_the_reason(document: bytes, reason: str) -> None:
    with pytest.raises(InvalidAdvisoryError, match=rf"all\.zip:x\.json: .*{reason}"):
        parse_advisory(document, "all.zip:x.json")


def test_an_event_that_says_two_things_is_refused(advisory, affects) -> None:
    with pytest.raises(InvalidAdvisoryError, match="an event with introduced and fixed in GHSA-test"):
        advisory(affected=[affects("PyPI", "x", [{"introduced": "1", "fixed": "2"}])])


def test_more_events_than_any_package_has_are_refused_however_they_are_spread(advisory, affects) -> None:
    pairs = [[{"introduced": "1"}, {"fixed": f"2.{number}"}] for number in range(MAX_BOUNDARIES // 2)]
    at_the_limit = [affects("PyPI", "x", *pairs[:2]), *(affects("PyPI", "x", pair) for pair in pairs[2:])]

    assert len(advisory(affected=at_the_limit).affected[0].fixed_versions) == MAX_BOUNDARIES // 2
    with pytest.raises(InvalidAdvisoryError, match="more than 1000 events for 'x'"):
        advisory(affected=[*at_the_limit, affects("PyPI", "x", [{"introduced": "3"}])])


def test_a_range_that_is_repeated_for_a_package_counts_once(advisory, affects) -> None:
    pair = [{"introduced": "1"}, {"fixed": "2"}]
    repeated = advisory(affected=[affects("PyPI", "x", pair, pair), affects("PyPI", "x", pair)] * MAX_BOUNDARIES)

    assert repeated.affected[0].fixed_versions == ("2",)


def test_an_advisory_survives_being_stored_as_json(advisory, affects) -> None:
    timeline = [{"introduced": "1"}, {"last_affected": "2"}, {"limit": "3"}]
    stored = advisory(
        published="2024-01-01T00:00:00Z",
        severity=[{"type": "CVSS_V2", "score": "AV:L/AC:M/Au:N/C:N/I:P/A:C"}],
        affected=[affects("PyPI", "x", timeline, versions=("1", "2"))],
    )
    assert msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(stored))), Advisory) == stored


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.lists(st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit", "x"]), JSON))
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "package": st.fixed_dictionaries(
            {"ecosystem": st.sampled_from(["PyPI", "Debian:12", ""]) | JSON, "name": JSON}
        ),
        "ranges": st.lists(st.fixed_dictionaries({"type": st.just("SEMVER") | JSON, "events": EVENTS}), max_size=2),
        "versions": st.lists(JSON, max_size=3),
        "severity": JSON,
        "ecosystem_specific": JSON,
        "database_specific": JSON,
    },
)
FIELDS = ("modified", "published", "withdrawn", "summary", "aliases", "upstream", "related", "references", "severity")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_the_rooms_own_error(document: bytes) -> None:
    with pytest.raises(AdvisoryError):
        parse_advisory(document, "fuzz")


@given(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["GHSA-1", "ALSA-2024:1", "MAL-1"]) | JSON},
        optional={"affected": st.lists(ENTRY, max_size=3)} | dict.fromkeys(FIELDS, JSON),
    )
)
def test_arbitrary_records_raise_nothing_but_the_rooms_own_error(fields: dict[str, object]) -> None:
    with suppress(AdvisoryError):
        parse_advisory(json.dumps(fields).encode(), "fuzz")
