import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.archive import iter_documents, read_advisories
from deadlight.advisories.document import Document, Rejected, RejectionCause, origin_label
from deadlight.advisories.errors import InvalidArchiveError
from deadlight.advisories.limits import Limits

Collect = Callable[[Path, dict[str, bytes]], Path]


def as_folder(parent: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        path = parent / "advisories" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return parent / "advisories"


def as_zip(parent: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(parent / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return parent / "all.zip"


def as_json_lines(parent: Path, members: dict[str, bytes]) -> Path:
    path = parent / "all.jsonl"
    path.write_bytes(b"\n".join(members.values()))
    return path


def as_compressed_json_lines(parent: Path, members: dict[str, bytes]) -> Path:
    path = parent / "all.jsonl.zst"
    path.write_bytes(zstandard.compress(b"\r\n".join([*members.values(), b""])))
    return path


every_form = pytest.mark.parametrize("collect", [as_folder, as_zip, as_json_lines, as_compressed_json_lines])


@every_form
def test_one_bad_record_never_stops_the_rest(tmp_path: Path, record, collect: Collect) -> None:
    members = {
        "a.json": record("GHSA-a"),
        "b.json": b"<html>502 Bad Gateway</html>",
        "c.json": record("ALBA-2024:1"),
        "sub/d.json": record("GHSA-d"),
    }
    good, broken, not_security, last = read_advisories(collect(tmp_path, members))

    assert isinstance(good, Advisory)
    assert good.id == "GHSA-a"
    assert isinstance(broken, Rejected)
    assert broken.cause is RejectionCause.INVALID
    assert broken.reason.startswith(broken.origin + ": not OSV")
    assert isinstance(not_security, Rejected)
    assert not_security.cause is RejectionCause.NOT_SECURITY
    assert isinstance(last, Advisory)
    assert last.id == "GHSA-d"


@every_form
def test_a_record_too_large_to_be_one_is_rejected_and_the_rest_follows(tmp_path: Path, collect: Collect) -> None:
    path = collect(tmp_path, {"a.json": b"1" * 101, "b.json": b"{}"})
    large, small = iter_documents(path, Limits(document=100))

    assert isinstance(large, Rejected)
    assert "100" in large.reason
    assert isinstance(small, Document)
    assert small.content.strip() == b"{}"


@every_form
def test_too_many_documents_are_refused(tmp_path: Path, collect: Collect) -> None:
    path = collect(tmp_path, {f"{number}.json": b"{}" for number in range(4)})

    assert len(list(iter_documents(path, Limits(members=4)))) == 4
    with pytest.raises(InvalidArchiveError, match=r"(advisories|all).*more than 3"):
        list(iter_documents(path, Limits(members=3)))


@every_form
def test_too_many_bytes_are_refused(tmp_path: Path, collect: Collect) -> None:
    path = collect(tmp_path, {f"{number}.json": b'"%040d"' % number for number in range(4)})
    with pytest.raises(InvalidArchiveError, match="expands to more than 100 bytes"):
        list(iter_documents(path, Limits(total=100)))


def test_a_single_record_is_a_collection_of_one(tmp_path: Path, record) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(record("GHSA-a"))
    assert list(iter_documents(path)) == [Document("one.json", record("GHSA-a"))]


def test_a_folder_is_read_in_order_and_without_hidden_folders(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, dict.fromkeys(["b/2.json", "a/1.json", "0.json", "README.md", ".git/x.json"], b"{}"))
    origins = [document.origin for document in iter_documents(folder)]
    assert origins == ["advisories:0.json", "advisories:a/1.json", "advisories:b/2.json"]


def test_a_pipe_and_a_dangling_link_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, {"a.json": b"{}"})
    os.mkfifo(folder / "pipe.json")
    (folder / "link.json").symlink_to("nowhere.json")

    assert [document.origin for document in iter_documents(folder)] == ["advisories:a.json"]


@pytest.mark.parametrize("name", ["all.tar.gz", "all.7z", "all"])
def test_another_kind_of_file_is_refused_with_what_is_possible(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArchiveError, match=r"not a folder, \.json, \.zip, \.jsonl, \.jsonl\.zst"):
        list(iter_documents(tmp_path / name))


@pytest.mark.parametrize("name", ["all.zip", "all.jsonl", "all.jsonl.zst"])
def test_a_missing_collection_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArchiveError, match=rf"{name}: cannot be read: No such file"):
        list(iter_documents(tmp_path / name))


def test_a_missing_record_is_rejected(tmp_path: Path) -> None:
    (missing,) = iter_documents(tmp_path / "one.json")
    assert isinstance(missing, Rejected)
    assert "No such file" in missing.reason


def test_a_label_is_printable_and_bounded_whatever_a_member_is_called() -> None:
    assert origin_label("all.zip", "a\x1b[31m\n.json") == "all.zip:a?[31m?.json"
    assert len(origin_label("all.zip", "x" * 10_000)) < 300
