import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rpm_databases import SCHEMA, header, sqlite_database, sqlite_database_with_log

from deadlight.ecosystems.rpm.budget import UnreadableDatabaseError
from deadlight.ecosystems.rpm.sqlite import iter_sqlite_headers


def blobs_of(count: int, largest: int, seed: int = 3) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(chance.choice((1, 40, 400, 5_000, largest))) for _ in range(count)]


def selected(content: bytes) -> list[bytes]:
    """What SQLite itself reads."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content)
        return [blob for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum")]
    finally:
        connection.close()


@pytest.mark.parametrize("page_size", [512, 1024, 4096, 65_536])
@pytest.mark.parametrize(("count", "largest"), [(0, 1), (1, 100), (300, 20_000), (3_000, 50)])
def test_rows_are_those_that_sqlite_reads(page_size, count, largest):
    content = sqlite_database(blobs_of(count, largest), page_size=page_size)
    found = list(iter_sqlite_headers(content))
    assert found == selected(content)
    assert len(found) == count


@pytest.mark.parametrize("length", [*range(440, 500), *range(935, 1030)])
def test_every_length_around_the_limits_of_a_page_is_read(length):
    """Where a cell stops fitting into a page of 512 bytes, and its rest into one more."""
    blob = bytes(index % 251 for index in range(length))
    assert list(iter_sqlite_headers(sqlite_database([blob, b"x", blob], page_size=512))) == [blob, b"x", blob]


def test_rows_that_were_deleted_are_gone():
    connection = sqlite3.connect(":memory:")
    connection.execute(SCHEMA)
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(bytes([n]) * 9_000,) for n in range(50)])
    connection.execute("DELETE FROM Packages WHERE hnum % 3 = 0")
    connection.commit()
    content = connection.serialize()
    connection.close()
    assert list(iter_sqlite_headers(content)) == selected(content)
    assert len(selected(content)) == 34


def test_packages_that_are_only_in_the_log_are_read(tmp_path):
    before, after = blobs_of(40, 9_000), blobs_of(60, 9_000, seed=4)
    content, log = sqlite_database_with_log(tmp_path, before, after)
    assert list(iter_sqlite_headers(content)) == before
    assert list(iter_sqlite_headers(content, log)) == before + after


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE VIEW Packages AS WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x FROM n) SELECT x, x FROM n",
        "CREATE TABLE Other (hnum, blob)",
        "CREATE VIRTUAL TABLE Packages USING fts5(hnum, blob)",
    ],
)
def test_a_schema_that_is_not_rpms_runs_nothing(definition):
    """A view without end would never answer a query; here it is only a row that is no table of packages."""
    connection = sqlite3.connect(":memory:")
    connection.execute(definition)
    connection.commit()
    content = connection.serialize()
    connection.close()
    with pytest.raises(UnreadableDatabaseError):
        list(iter_sqlite_headers(content))


def test_a_table_of_something_else_is_refused():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob)")
    connection.execute("INSERT INTO Packages (blob) VALUES (1.5)")
    connection.commit()
    content = connection.serialize()
    connection.close()
    with pytest.raises(UnreadableDatabaseError, match="no package"):
        list(iter_sqlite_headers(content))


SMALL = sqlite_database([header(), header("glibc"), bytes(range(256)) * 8], page_size=512)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an SQLite database"),
        (b"SQLite format 3\0" + bytes(84), "pages of 0 bytes"),
        (SMALL[:16] + b"\x02\x01" + SMALL[18:], "pages of 513 bytes"),
        (SMALL[:20] + b"\x40" + SMALL[21:], "too little room"),
        (SMALL[: len(SMALL) - 512 * 3], "refers to page"),
        (SMALL[:512], "refers to page"),
    ],
)
def test_a_damaged_database_is_refused(content, reason):
    with pytest.raises(UnreadableDatabaseError, match=reason):
        list(iter_sqlite_headers(content))


def test_pages_that_refer_to_each_other_in_a_circle_are_refused():
    content = bytearray(sqlite_database(blobs_of(400, 30), page_size=512))
    interior = [at for at in range(512, len(content), 512) if content[at] == 5]
    for at in interior:
        content[at + 8 : at + 12] = (at // 512 + 1).to_bytes(4, "big")
    with pytest.raises(UnreadableDatabaseError, match="twice"):
        list(iter_sqlite_headers(bytes(content)))


def test_cells_that_share_their_bytes_cannot_become_more_than_the_file():
    """One cell of 400 bytes, listed as often as a page can list it."""
    content = bytearray(sqlite_database([bytes(60_000)], page_size=65_536))
    leaf = 2 * 65_536 if content[2 * 65_536] == 13 else 65_536
    while content[leaf] != 13 or content[leaf + 3 : leaf + 5] != b"\0\x01":
        leaf += 65_536
    cell = content[leaf + 8 : leaf + 10]
    content[leaf + 3 : leaf + 5] = (2_000).to_bytes(2, "big")
    content[leaf + 8 : leaf + 8 + 4_000] = cell * 2_000
    with pytest.raises(UnreadableDatabaseError, match="overlap"):
        list(iter_sqlite_headers(bytes(content)))


@settings(max_examples=300)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, len(SMALL)),
)
def test_no_damage_makes_it_raise_anything_but_its_own_error(changes, cut):
    content = bytearray(SMALL)
    for at, to in changes:
        content[at] = to
    for candidate in (bytes(content), bytes(content[:cut])):
        try:
            found = list(iter_sqlite_headers(candidate))
            assert sum(map(len, found)) <= len(candidate)
        except UnreadableDatabaseError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
