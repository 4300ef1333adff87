import contextlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scanner.layer_builder import LayerBuilder

from deadlight.scanner.decompression import open_layer
from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.tar import Kind, Member, TarReader

KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARD_LINK,
}

names = st.text(alphabet="abé漢", min_size=1, max_size=6)
paths = st.lists(names | st.sampled_from(["x" * 90, "y" * 150]), min_size=1, max_size=3).map("/".join)
members = st.tuples(paths, st.sampled_from(list(KINDS)), st.binary(max_size=1200), paths)


def read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[tuple[Member, bytes]]:
    archive = TarReader(open_layer(io.BytesIO(data), limits), limits)
    return [(member, archive.read() if member.kind is Kind.FILE else b"") for member in archive]


@settings(max_examples=150)
@given(st.lists(members, max_size=8), st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_members_are_what_tarfile_reads_from_the_same_bytes(written, form):
    builder = LayerBuilder(form)
    for path, kind, content, target in written:
        builder.member(path, kind, content if kind == tarfile.REGTYPE else b"", target=target)
    data = builder.to_tar()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [
            (
                info.name,
                KINDS[info.type],
                info.linkname if info.issym() or info.islnk() else "",
                (archive.extractfile(info) or io.BytesIO()).read() if info.isreg() else b"",
            )
            for info in archive
        ]
    assert [(m.path, m.kind, m.target, content) for m, content in read(data)] == expected


def test_content_that_nobody_reads_is_skipped():
    data = LayerBuilder().file("a", b"x" * 1000).file("b", b"y").to_tar()
    archive = TarReader(open_layer(io.BytesIO(data), DEFAULT_LIMITS), DEFAULT_LIMITS)
    assert [member.path for member in archive] == ["a", "b"]


def test_a_folder_of_the_oldest_format_is_known_by_its_slash():
    data = bytearray(LayerBuilder(tarfile.USTAR_FORMAT).file("etc/").to_tar())
    data[156] = 0
    header = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\0 " % sum(header)
    assert [(m.path, m.kind) for m, _ in read(bytes(data))] == [("etc", Kind.DIRECTORY)]


def test_ustar_prefixes_belong_to_the_path():
    path = "/".join(["a" * 60] * 3)
    assert read(LayerBuilder(tarfile.USTAR_FORMAT).file(path).to_tar())[0][0].path == path


def test_sizes_beyond_octal_digits_are_understood():
    info = tarfile.TarInfo("big")
    info.size = 9 * 1024**3
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = TarReader(open_layer(io.BytesIO(info.tobuf(form)), DEFAULT_LIMITS), DEFAULT_LIMITS)
        assert next(iter(archive)).size == 9 * 1024**3


def test_a_sparse_file_of_gnu_tar_is_marked_and_its_map_passed_over():
    info = tarfile.TarInfo("holes")
    info.type = tarfile.GNUTYPE_SPARSE
    info.size = 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1
    header[148:156] = b"%06o\0 " % sum(bytes(header[:148]) + b" " * 8 + bytes(header[156:]))
    data = bytes(header) + bytes(512) + b"d" * 512 + LayerBuilder().file("after").to_tar()
    (holes, _), (after, _) = read(data)
    assert (holes.path, holes.sparse, after.path) == ("holes", True, "after")


def test_a_sparse_file_of_pax_has_its_real_name():
    builder = LayerBuilder()
    info = tarfile.TarInfo("GNUSparseFile.1/holes")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "holes", "GNU.sparse.realsize": "9000"}
    builder._tar.addfile(info)
    member = read(builder.to_tar())[0][0]
    assert (member.path, member.sparse) == ("holes", True)


@pytest.mark.parametrize("kept", [0, 100, 512, 900, 1024, 1100])
def test_a_plain_tar_without_its_end_is_cut_short(kept):
    data = LayerBuilder().file("a", b"x" * 600).to_tar()
    with pytest.raises(ArchiveError, match="cut short"):
        read(data[:kept])


@settings(max_examples=200)
@given(st.data())
def test_damage_raises_nothing_but_an_archive_error(data):
    archive = bytearray(
        LayerBuilder().file("é" * 80, b"x" * 300).symlink("l", "t" * 120).directory("d").to_tar()[:5120]
    )
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(archive) - 1))
        archive[position] = data.draw(st.integers(0, 255))
        start = position - position % 512
        header = archive[start : start + 512]
        if data.draw(st.booleans()):
            # A header that adds up, so that the damage gets past the checksum.
            archive[start + 148 : start + 156] = b"%06o\0 " % sum(bytes(header[:148]) + b" " * 8 + bytes(header[156:]))
    with contextlib.suppress(ArchiveError):
        read(bytes(archive))


@given(st.binary(max_size=2000))
def test_any_bytes_raise_nothing_but_an_archive_error(data):
    with contextlib.suppress(ArchiveError):
        read(data)


def test_what_is_no_tar_is_called_so():
    with pytest.raises(ArchiveError, match="not a tar"):
        read(b"%PDF-1.7" * 100)


def test_an_extended_header_may_not_fill_the_memory():
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 10 * 1024**3
    with pytest.raises(ArchiveError, match="extended header of 10737418240 bytes"):
        read(info.tobuf(tarfile.GNU_FORMAT))


def test_extended_headers_without_end_are_refused():
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    with pytest.raises(ArchiveError, match="extended headers for one file"):
        read(info.tobuf(tarfile.GNU_FORMAT) * 20)


@pytest.mark.parametrize("build", [lambda b: b.file("a" * 5000), lambda b: b.symlink("a", "b" * 5000)])
def test_paths_longer_than_linux_allows_are_refused(build):
    with pytest.raises(ArchiveError, match="path of 5000 characters"):
        read(build(LayerBuilder()).to_tar())


def test_paths_deeper_than_any_real_one_are_refused():
    with pytest.raises(ArchiveError, match="more than 256 folders deep"):
        read(LayerBuilder().file("/".join("a" * 300)).to_tar())


def test_a_path_with_a_zero_byte_is_refused():
    builder = LayerBuilder()
    info = tarfile.TarInfo("x")
    info.pax_headers = {"path": "a\0b"}
    builder._tar.addfile(info)
    with pytest.raises(ArchiveError, match="zero byte"):
        read(builder.to_tar())
