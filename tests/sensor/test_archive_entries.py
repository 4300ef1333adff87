"""Which entry of an archive a position lies in."""

import contextlib
import io
import struct
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.sensor.archive_entries import MAX_DIRECTORY_BYTES, ArchiveError, find_entry, proves_use

MANIFEST = "META-INF/MANIFEST.MF"
CLASSES = {MANIFEST: b"Manifest-Version: 1.0\n", "org/a/A.class": b"a" * 300, "org/b/B.class": b"bc" * 900}


def archive(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as written:
        for name, content in files.items():
            written.writestr(name, content)
    return out.getvalue()


def ends(content: bytes) -> Iterator[tuple[str, int]]:
    """Each file of an archive and where its content ends, as the standard library reads it."""
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        for file in read.infolist():
            name, extra = struct.unpack_from("<2H", content, file.header_offset + 26)
            yield file.filename, file.header_offset + 30 + name + extra + file.compress_size


def entry_at(content: bytes, position: int) -> str | None:
    return find_entry(lambda offset, length: content[offset : offset + length], len(content), position)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_entry_whose_content_was_read_is_told_by_where_the_reading_ended(method):
    content = archive(CLASSES, method)

    assert [entry_at(content, end) for _, end in ends(content)] == list(CLASSES)
    assert [entry_at(content, end - 1) for _, end in ends(content)] == list(CLASSES)


def test_a_position_in_the_directory_or_behind_a_header_tells_of_no_entry(  # as right after a JVM opened the archive
):
    content = archive(CLASSES)
    (_, end), *_ = ends(content)

    assert [entry_at(content, position) for position in (4, 30, end + 4, end + 30, len(content))] == [None] * 5
    assert entry_at(content, len(content) - 30) is None


def test_a_program_may_stand_before_the_archive():
    content = archive(CLASSES)

    assert entry_at(b"#!/bin/sh\n" * 9 + content, 90 + dict(ends(content))["org/a/A.class"]) == "org/a/A.class"


def test_an_archive_in_the_archive_is_looked_into():
    inner = archive(CLASSES)
    content = archive({MANIFEST: b"", "BOOT-INF/lib/a.jar": inner, "BOOT-INF/lib/b.jar": inner}, zipfile.ZIP_STORED)
    begin = dict(ends(content))["BOOT-INF/lib/b.jar"] - len(inner)

    found = {name: entry_at(content, begin + end) for name, end in ends(inner)}

    assert found == {name: f"BOOT-INF/lib/b.jar!/{name}" for name in CLASSES}
    assert entry_at(content, begin + len(inner)) is None


def test_numbers_that_only_zip64_holds_are_read():
    name = b"org/a/A.class"
    data = struct.pack("<4s22x2H", b"PK\3\4", len(name), 0) + name + b"x" * 50
    extra = struct.pack("<2H3Q", 1, 24, 50, 50, 0)
    large = 0xFFFFFFFF
    row = struct.pack("<4s6xH8x2L3H8xL", b"PK\1\2", 0, large, large, len(name), len(extra), 0, large) + name + extra
    end_64 = struct.pack("<4s36x2Q", b"PK\6\6", len(row), len(data))
    locator = struct.pack("<4s4xQ4x", b"PK\6\7", len(data) + len(row))
    content = data + row + end_64 + locator + struct.pack("<4s8x2LH", b"PK\5\6", large, large, 0)

    assert entry_at(content, len(data)) == name.decode()
    assert entry_at(content, len(data) + 1) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\n",
        archive(CLASSES)[:-30],
        struct.pack("<4s8x2LH", b"PK\5\6", 46, 0, 0),
        b"\0" * 99 + struct.pack("<4s8x2LH", b"PK\5\6", 50, 0, 0),
        b"\0" * MAX_DIRECTORY_BYTES + b"\0" + struct.pack("<4s8x2LH", b"PK\5\6", MAX_DIRECTORY_BYTES + 1, 0, 0),
        struct.pack("<4s8x2LH", b"PK\5\6", 0xFFFFFFFF, 0, 0),
    ],
)
def test_what_is_no_archive_or_too_large_a_one_is_refused(content):
    with pytest.raises(ArchiveError):
        entry_at(content, 1)


def test_a_directory_in_many_pieces_is_read_to_its_end():
    content = archive({f"{'d' * 200}/{number}.class": b"" for number in range(3_000)} | CLASSES)

    assert entry_at(content, dict(ends(content))["org/b/B.class"]) == "org/b/B.class"


@given(st.data())
def test_no_bytes_raise_anything_but_our_own_error(data):
    content = bytearray(archive({"a.jar": archive(CLASSES)} | CLASSES, zipfile.ZIP_STORED))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=30)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        found = entry_at(bytes(content[cut:]), data.draw(st.integers(0, 2**63)))
    except ArchiveError:
        return
    assert found is None or isinstance(found, str)


@given(st.binary(max_size=200), st.integers(0, 2**63))
def test_an_end_after_any_bytes_raises_nothing_but_our_own_error(junk, position):
    with contextlib.suppress(ArchiveError):
        entry_at(junk + struct.pack("<4s8x2LH", b"PK\5\6", 46, 0, 0), position)


@pytest.mark.parametrize(
    ("entry", "proof"),
    [
        ("org/a/A.class", True),
        ("application.yml", True),
        ("META-INF/versions/11/org/a/A.class", True),
        ("META-INF/resources/webjars/jquery.js", True),
        ("META-INF/native/libnetty.so", True),
        ("BOOT-INF/lib/b.jar!/org/a/A.class", True),
        (MANIFEST, False),
        ("META-INF/services/java.sql.Driver", False),
        ("META-INF/MAIN.RSA", False),
        ("module-info.class", False),
        ("META-INF/versions/9/module-info.class", False),
        ("BOOT-INF/lib/b.jar!/META-INF/MANIFEST.MF", False),
    ],
)
def test_what_is_read_of_every_archive_proves_nothing(entry, proof):
    assert proves_use(entry) is proof
