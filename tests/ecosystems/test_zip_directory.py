import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.archive_builder import archive

from deadlight.ecosystems import UnreadableFileError
from deadlight.ecosystems.zip_directory import open_zip

FILES: dict[str, bytes | str] = {"a": b"first", "b/c": b"second" * 100, "é": b""}
ZIP = archive(FILES)


def contents(data: bytes, limit: int = 1000) -> dict[str, bytes]:
    directory = open_zip(memoryview(data))
    return {file.name: bytes(directory.read(file, limit)) for file in directory}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_was_written_is_read(method):
    assert contents(archive(FILES, method=method)) == FILES


def test_a_program_may_stand_before_an_archive():
    assert contents(b"#!/bin/sh\nexec java -jar $0\n" + ZIP) == FILES


def test_no_more_is_unpacked_than_is_asked_for():
    assert contents(ZIP, 3) == {"a": b"fir", "b/c": b"sec", "é": b""}


def test_an_archive_without_files_is_empty():
    assert contents(archive({})) == {}


@pytest.mark.parametrize("data", [b"", b"PK", ZIP[:-30], b"PK\x05\x06", ZIP[50:]])
def test_what_is_no_archive_or_was_cut_is_refused(data):
    with pytest.raises(UnreadableFileError):
        contents(data)


def test_another_method_than_deflate_is_refused():
    with pytest.raises(UnreadableFileError, match="another method"):
        contents(archive({"a": b"x" * 100}, method=zipfile.ZIP_BZIP2))


@given(data=st.data())
def test_damage_raises_nothing_but_the_readers_own_error(data):
    content = bytearray(ZIP)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = contents(bytes(content))
    except UnreadableFileError:
        return
    assert all(len(text) <= 1000 for text in found.values())
