import struct
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deadlight.advisories.document import Document, Rejected
from deadlight.advisories.errors import AdvisoryError, InvalidArchiveError
from deadlight.advisories.limits import Limits
from deadlight.advisories.zip_archive import iter_zip

LIMITS = Limits()
DIRECTORY_ENTRY = b"PK\x01\x02"


def write(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_only_json_members_are_documents(tmp_path: Path) -> None:
    path = write(tmp_path / "all.zip", {"a.json": b"{}", "README.md": b"#", "folder/": b""})
    assert list(iter_zip(path, LIMITS)) == [Document("all.zip:a.json", b"{}")]


def test_a_name_that_climbs_out_is_a_label_and_writes_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = write(inside / "all.zip", {"../../evil.json": b"{}", "/etc/evil.json": b"[]"})

    assert [document.origin for document in iter_zip(path, LIMITS)] == [
        "all.zip:../../evil.json",
        "all.zip:/etc/evil.json",
    ]
    assert sorted(tmp_path.rglob("*.json")) == []


def test_a_bomb_is_refused_by_archive_and_member(tmp_path: Path) -> None:
    path = write(tmp_path / "all.zip", {"a.json": b"{}", "bomb.json": b" " * 3_000_000})
    documents = iter_zip(path, LIMITS)

    assert isinstance(next(documents), Document)
    with pytest.raises(InvalidArchiveError, match=r"all\.zip:bomb\.json: expands from \d+ to 3000000 bytes"):
        next(documents)


def test_a_bomb_of_many_small_members_is_refused(tmp_path: Path) -> None:
    # Each stays below the size from which a ratio counts; together they do not.
    path = write(tmp_path / "all.zip", {f"{number}.json": b" " * 900_000 for number in range(4)})
    with pytest.raises(InvalidArchiveError, match=r"all\.zip:\d\.json: the collection expands to more than 500 times"):
        list(iter_zip(path, LIMITS))


def test_repetitive_records_are_no_bomb(tmp_path: Path) -> None:
    text = b"".join(b'{"package": {"ecosystem": "npm", "name": "p%05d"}},' % number for number in range(20_000))
    (document,) = iter_zip(write(tmp_path / "all.zip", {"a.json": text}), LIMITS)
    assert isinstance(document, Document)


def test_a_million_members_are_refused_before_the_directory_is_read(tmp_path: Path) -> None:
    # A directory of bare entries: unpacking its list would take 600 MB.
    path = tmp_path / "all.zip"
    with path.open("wb") as file:
        entry = DIRECTORY_ENTRY + bytes(42)
        for _ in range(10):
            file.write(entry * 100_001)
        file.write(b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 1_000_010 * 46, 0, 0))

    with pytest.raises(InvalidArchiveError, match="1000010 members, more than 1000000"):
        next(iter_zip(path, LIMITS))


def test_members_are_counted_across_the_borders_of_what_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(b"x" * (1024 * 1024 - 2) + DIRECTORY_ENTRY * 2)
    with pytest.raises(InvalidArchiveError, match="2 members, more than 1"):
        next(iter_zip(path, Limits(members=1)))


def test_a_broken_member_is_rejected_and_the_rest_follows(tmp_path: Path) -> None:
    path = write(tmp_path / "all.zip", {"a.json": b"AAAA", "b.json": b"{}"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"AAAB", 1))
    broken, intact = iter_zip(path, LIMITS)

    assert isinstance(broken, Rejected)
    assert "Bad CRC-32" in broken.reason
    assert isinstance(intact, Document)


def test_a_member_larger_than_it_declares_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "all.zip", {"a.json": b"A" * 1000})
    declared = struct.pack("<L", 1000)
    path.write_bytes(path.read_bytes().replace(declared, struct.pack("<L", 10)))
    (liar,) = iter_zip(path, LIMITS)

    assert isinstance(liar, Rejected)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_compression_are_rejected(tmp_path: Path, method: int) -> None:
    (document,) = iter_zip(write(tmp_path / "all.zip", {"a.json": b"{}"}, method), LIMITS)
    assert isinstance(document, Rejected)
    assert "deflate" in document.reason


def test_an_encrypted_member_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "all.zip", {"a.json": b"{}"})
    content = bytearray(path.read_bytes())
    content[content.index(DIRECTORY_ENTRY) + 8] |= 1
    path.write_bytes(content)
    (document,) = iter_zip(path, LIMITS)

    assert isinstance(document, Rejected)
    assert "encrypted" in document.reason


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_zip_archive_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(content)
    with pytest.raises(InvalidArchiveError, match=r"all\.zip: not a zip archive"):
        list(iter_zip(path, LIMITS))


@pytest.fixture(scope="module")
def sound_archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    members = {"a.json": b'{"id": "A-1"}' * 20, "ä.json": b"{}"}
    return write(tmp_path_factory.mktemp("zip") / "all.zip", members).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=4)), max_size=4), st.integers(0, 2000))
def test_damaged_archives_raise_nothing_but_the_rooms_own_error(
    tmp_path: Path, sound_archive: bytes, damages: list[tuple[int, bytes]], kept: int
) -> None:
    content = sound_archive[:kept]
    for position, damage in damages:
        content = content[:position] + damage + content[position + len(damage) :]
    path = tmp_path / "all.zip"
    path.write_bytes(content)
    with warnings.catch_warnings(), suppress(AdvisoryError):
        # zipfile warns of what it finds doubtful.
        warnings.simplefilter("ignore")
        list(iter_zip(path, LIMITS))
