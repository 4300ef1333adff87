import random
import shutil
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rpm_databases import berkeley_database, header

from deadlight.ecosystems.rpm.berkeley import iter_berkeley_headers
from deadlight.ecosystems.rpm.budget import UnreadableDatabaseError

LOADER = shutil.which("db5.3_load") or shutil.which("db_load")


def blobs_of(count: int) -> list[bytes]:
    chance = random.Random(9)
    return [chance.randbytes(chance.choice((20, 90, 700, 5_000, 30_000))) for _ in range(count)]


BLOBS = [header(), header("glibc", files=["/lib64/libc.so.6"]), *blobs_of(30)]
GOOD = berkeley_database(BLOBS, page_size=512)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("page_size", [512, 4096, 65_536 // 2])
def test_small_and_large_values_are_read_in_both_byte_orders(page_size, order):
    content = berkeley_database(BLOBS, page_size=page_size, order=order)
    assert list(iter_berkeley_headers(content)) == BLOBS


def test_a_database_without_packages_has_none():
    assert list(iter_berkeley_headers(berkeley_database([]))) == []


@pytest.mark.skipif(LOADER is None, reason="neither db5.3_load nor db_load is installed: Berkeley DB cannot be asked")
@pytest.mark.parametrize("page_size", [512, 4096])
def test_what_berkeley_db_writes_is_read(tmp_path, page_size):
    blobs = blobs_of(400)
    entries = [(0, struct.pack("<I", len(blobs))), *enumerate(blobs, 1)]
    lines = [f" {struct.pack('<I', number).hex()}\n {blob.hex()}\n" for number, blob in entries]
    head = f"VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize={page_size}\nHEADER=END\n"
    path = tmp_path / "Packages"
    dump = "".join((head, *lines, "DATA=END\n"))
    subprocess.run([str(LOADER), str(path)], input=dump, text=True, check=True)
    assert sorted(iter_berkeley_headers(path.read_bytes())) == sorted(blobs)


def damaged(at: int, to: bytes) -> bytes:
    return GOOD[:at] + to + GOOD[at + len(to) :]


OVERFLOW = next(at for at in range(512, len(GOOD), 512) if GOOD[at + 25] == 7)
ENTRIES = next(at for at in range(512, len(GOOD), 512) if GOOD[at + 25] == 13)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (bytes(512), "not a hash file"),
        (damaged(12, b"\0"), "not a hash file"),
        (damaged(25, b"\x09"), "not a hash file"),
        (damaged(24, b"\1"), "encrypted"),
        (damaged(20, b"\0\3"), "pages of 768 bytes"),
        (damaged(OVERFLOW + 25, b"\1"), "leads to something else"),
        (damaged(OVERFLOW + 22, b"\xff\xff"), "leads to something else"),
        (damaged(OVERFLOW + 16, b"\xff\xff"), "refers to page"),
        (damaged(OVERFLOW + 16, struct.pack("<I", OVERFLOW // 512)), "twice"),
        (damaged(OVERFLOW + 22, b"\1\0"), "bytes of a header"),
        (damaged(ENTRIES + 20, b"\xff\xff"), "claims 65535 items"),
        (damaged(ENTRIES + 26, b"\0\0"), "out of order"),
        (GOOD[: len(GOOD) - 512], "cut short"),
    ],
)
def test_a_damaged_database_is_refused(content, reason):
    with pytest.raises(UnreadableDatabaseError, match=reason):
        list(iter_berkeley_headers(content))


@settings(max_examples=200)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4)), max_size=4),
    cut=st.integers(0, len(GOOD)),
)
def test_no_damage_makes_it_raise_anything_but_its_own_error(changes, cut):
    content = GOOD
    for at, to in changes:
        content = content[:at] + to + content[at + len(to) :]
    for candidate in (content, content[:cut]):
        try:
            assert sum(map(len, iter_berkeley_headers(candidate))) <= len(candidate)
        except UnreadableDatabaseError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
