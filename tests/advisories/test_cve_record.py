"""CVE records: how severe a CVE is said to be, and by whom."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.feed_source import cve_record
from tests.support.osv import CRITICAL, HIGH, LOW, osv

from deadlight.advisories.cve_record import MAX_METRICS, is_cve_record, parse_cve_record
from deadlight.advisories.errors import InvalidAdvisoryError
from deadlight.advisories.record import MAX_DOCUMENT_BYTES
from deadlight.model.vulnerability import Severity

CVE = "CVE-2026-0001"


def parse(record: Any):
    return parse_cve_record(json.dumps(record).encode(), "a record")


def test_the_authority_that_assigned_it_counts_before_others() -> None:
    rated = parse(cve_record(CVE, LOW, adp={"CISA-ADP": CRITICAL}))
    assert (rated.cve, rated.rating.severity, rated.source) == (CVE, Severity.LOW, "mitre")
    assert rated.updated_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_where_it_gives_none_the_worst_of_the_others_counts() -> None:
    rated = parse(cve_record(CVE, adp={"CVE": LOW, "CISA-ADP": HIGH}))
    assert (rated.rating.severity, rated.rating.cvss_vector, rated.source) == (Severity.HIGH, HIGH, "CISA-ADP")


@pytest.mark.parametrize(
    "metric",
    [
        {"other": {"type": "Red Hat severity rating", "content": {"value": "Important", "namespace": "..."}}},
        {"other": {"type": "text", "content": {"text": "high"}}},
        {"cvssV3_1": {"vectorString": "?", "baseSeverity": "HIGH"}},
        {"cvssV4_0": {"baseSeverity": "HIGH"}},
    ],
)
def test_a_word_of_the_authority_is_better_than_nothing(metric: dict[str, Any]) -> None:
    record = cve_record(CVE)
    record["containers"]["cna"]["metrics"] = [metric]
    assert (parse(record).rating.severity, parse(record).source) == (Severity.HIGH, "mitre")


def test_a_rejected_cve_and_one_that_nobody_rated_are_not_severe() -> None:
    for record in (cve_record(CVE, CRITICAL, state="REJECTED"), cve_record(CVE)):
        assert (parse(record).rating.severity, parse(record).source) == (Severity.UNKNOWN, "")


def test_what_is_no_time_is_no_reason_to_refuse_a_rating() -> None:
    assert parse(cve_record(CVE, HIGH, dateUpdated="soon")).updated_at is None


def test_a_record_is_told_by_what_it_says_it_is() -> None:
    assert is_cve_record(json.dumps(cve_record(CVE)).encode())
    for other in (json.dumps(osv(CVE, summary="CVE_RECORD")).encode(), b"CVE_RECORD", b"[" * 100_000 + b"CVE_RECORD"):
        assert not is_cve_record(other)


@pytest.mark.parametrize(
    "record",
    [
        {},
        [],
        osv(CVE),
        {**cve_record(CVE), "dataType": "CVE_RECORDS"},
        cve_record("CVE-1"),
        cve_record("../../CVE-2026-0001"),
        {**cve_record(CVE), "containers": {"cna": {"metrics": [{}] * (MAX_METRICS + 1)}}},
        {**cve_record(CVE), "containers": {"adp": {}}},
    ],
)
def test_what_is_no_record_is_refused(record: Any) -> None:
    with pytest.raises(InvalidAdvisoryError, match=r"\Aa record: not a CVE record"):
        parse(record)


def test_a_record_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(InvalidAdvisoryError, match="not a CVE record"):
        parse_cve_record(b'{"dataType":"CVE_RECORD","x":' + b"[" * 200_000, "a record")
    with pytest.raises(InvalidAdvisoryError, match="more than"):
        parse_cve_record(b" " * (MAX_DOCUMENT_BYTES + 1), "a record")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from([CRITICAL, LOW]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metrics", "cvssV3_1", "vectorString", "other", "content", "value", "providerMetadata"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(_VALUES, _VALUES)
def test_no_record_makes_it_fail_otherwise(cna: Any, adp: Any) -> None:
    try:
        rated = parse({**cve_record(CVE), "containers": {"cna": cna, "adp": [adp]}})
    except InvalidAdvisoryError:
        return
    assert rated.source.isprintable()


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(content: bytes) -> None:
    assert isinstance(is_cve_record(content + b"CVE_RECORD"), bool)
    with pytest.raises(InvalidAdvisoryError):
        parse_cve_record(content, "a record")
