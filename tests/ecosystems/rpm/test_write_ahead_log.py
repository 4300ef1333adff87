import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rpm_databases import sqlite_database_with_log

from deadlight.ecosystems.rpm.sqlite import iter_sqlite_headers
from deadlight.ecosystems.rpm.write_ahead_log import NO_CHANGES, read_log

AFTER = [bytes([number]) * 6_000 for number in range(1, 6)]


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> tuple[bytes, bytes]:
    """A database with one package, and a log of five transactions of one package each."""
    return sqlite_database_with_log(tmp_path_factory.mktemp("rpm"), [b"first"], AFTER)


def test_a_log_cut_anywhere_gives_the_transactions_before(database):
    content, log = database
    seen = set()
    for cut in (*range(0, len(log), 499), len(log)):
        found = list(iter_sqlite_headers(content, log[:cut]))
        assert found == [b"first", *AFTER][: len(found)]
        seen.add(len(found))
    assert seen == {1, 2, 3, 4, 5, 6}


def test_what_a_damaged_frame_leads_to_is_not_read(database):
    content, log = database
    for at in range(0, len(log), 397):
        found = list(iter_sqlite_headers(content, log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]))
        assert found == [b"first", *AFTER][: len(found)]
        assert 1 <= len(found) <= 6


def test_a_log_of_other_pages_or_of_nothing_changes_nothing(database):
    _, log = database
    assert read_log(log, 4096).page_count > 0
    assert read_log(log, 512) == NO_CHANGES
    assert read_log(bytes(64), 4096) == NO_CHANGES
    assert read_log(b"", 4096) == NO_CHANGES


@given(st.binary(max_size=200))
def test_any_bytes_are_a_log_or_none(content):
    assert read_log(content, 512).page_count >= 0
