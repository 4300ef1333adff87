import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rpm_databases import header, ndb_database

from deadlight.ecosystems.rpm.budget import UnreadableDatabaseError
from deadlight.ecosystems.rpm.ndb import iter_ndb_headers

BLOBS = [header(), header("glibc", files=["/lib64/libc.so.6"]), *(bytes(length) for length in range(1, 40))]
GOOD = ndb_database(BLOBS)


@pytest.mark.parametrize("slot_pages", [1, 3])
def test_blobs_of_every_length_are_read(slot_pages):
    assert list(iter_ndb_headers(ndb_database(BLOBS, slot_pages=slot_pages))) == BLOBS
    assert list(iter_ndb_headers(ndb_database([], slot_pages=slot_pages))) == []


def test_what_a_slot_no_longer_names_is_gone():
    """rpm clears the slot of an erased package and leaves its bytes."""
    content = bytearray(GOOD)
    content[36:40] = bytes(4)
    assert list(iter_ndb_headers(bytes(content))) == BLOBS[1:]


def damaged(at: int, to: bytes) -> bytes:
    return GOOD[:at] + to + GOOD[at + len(to) :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (damaged(0, b"RpmX"), "not an ndb database"),
        (damaged(4, b"\1"), "of version 0"),
        (damaged(12, b"\xff\xff"), "pages of slots"),
        (damaged(32, b"None"), "damaged slot"),
        (damaged(40, b"\xff\xff\xff\x7f"), "cut short"),
        (damaged(44, b"\1\0\0\0"), "cut short"),
        (damaged(4096, b"Nope"), "something else"),
        (damaged(4096 + 40, b"\xff"), "wrong checksum"),
        (GOOD[:-8], "cut short"),
    ],
)
def test_a_damaged_database_is_refused(content, reason):
    with pytest.raises(UnreadableDatabaseError, match=reason):
        list(iter_ndb_headers(content))


def test_slots_that_share_a_blob_cannot_become_more_than_the_file():
    content = bytearray(ndb_database([bytes(60_000)]))
    content[32:4096] = content[32:48] * 254
    with pytest.raises(UnreadableDatabaseError, match="overlap"):
        list(iter_ndb_headers(bytes(content)))


def test_packages_before_the_damage_are_read():
    reader = iter_ndb_headers(GOOD[:-8])
    assert [next(reader) for _ in BLOBS[:-1]] == BLOBS[:-1]
    with pytest.raises(UnreadableDatabaseError, match="cut short"):
        next(reader)


@settings(max_examples=200)
@given(changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4)), max_size=3))
def test_no_damage_makes_it_raise_anything_but_its_own_error(changes):
    content = GOOD
    for at, to in changes:
        content = content[:at] + to + content[at + len(to) :]
    try:
        assert all(isinstance(blob, bytes) for blob in iter_ndb_headers(content))
    except UnreadableDatabaseError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@given(st.binary(max_size=100), st.integers(0, 0xFFFFFFFF))
def test_any_bytes_are_a_database_or_refused(content, pages):
    for candidate in (content, struct.pack("<4sIII16x", b"RpmP", 0, 1, pages) + content):
        try:
            assert list(iter_ndb_headers(candidate)) == []
        except UnreadableDatabaseError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
