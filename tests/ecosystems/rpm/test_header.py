import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rpm_databases import INT32, STRING, STRING_ARRAY, header, header_of

from deadlight.ecosystems.rpm.header import MAX_FILES, FileBounds, Header, Identity, InvalidHeaderError

FILES = ("/usr/bin/bash", "/usr/bin/sh", "/etc/skel/.bashrc", "/usr/share/doc/bash")


def test_a_header_says_which_package_it_is_of():
    blob = header(
        "nodejs",
        "14.17.5-1.module+el8",
        epoch=1,
        architecture="aarch64",
        source="nodejs-14.17.5-1.module+el8.src.rpm",
        module="nodejs:14:8040:522a0ee4",
    )
    assert Header(blob).identity() == Identity(
        name="nodejs",
        epoch=1,
        version="14.17.5",
        release="1.module+el8",
        architecture="aarch64",
        source_rpm="nodejs-14.17.5-1.module+el8.src.rpm",
        modularity_label="nodejs:14:8040:522a0ee4",
    )


def test_what_a_header_does_not_say_is_empty():
    assert Header(header_of([])).identity() == Identity("", 0, "", "", "", "", "")
    assert list(Header(header_of([])).iter_files(FileBounds())) == []


def test_files_are_names_in_folders():
    assert list(Header(header(files=FILES)).iter_files(FileBounds())) == list(FILES)


def test_packages_built_before_rpm_4_list_whole_paths():
    blob = header(extra=[(1027, STRING_ARRAY, ["/bin/ls", "/bin/cp"])])
    assert list(Header(blob).iter_files(FileBounds())) == ["/bin/ls", "/bin/cp"]


def test_of_two_entries_for_a_tag_the_signed_first_one_counts():
    assert Header(header(extra=[(1000, STRING, ["impostor"])])).identity().name == "bash"


def test_text_that_is_not_utf_8_is_still_text():
    blob = header(source="b\xe4sh").replace("b\xe4sh".encode(), b"b\xe4\xffsh")
    assert Header(blob).identity().source_rpm == "b\ufffd\ufffdsh"


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", "no beginning"),
        (struct.pack(">II", 2, 0), "more than it has"),
        (struct.pack(">II", 0, 9), "more than it has"),
        (struct.pack(">II", 1 << 31, 1 << 31), "more than it has"),
        (header_of([(1000, INT32, [7])]), "impossible entry for NAME"),
        (header_of([(1003, STRING, ["7"])]), "impossible entry for EPOCH"),
        (struct.pack(">IIIIII4s", 1, 4, 1000, 6, 0, 1, b"bash"), "ends within NAME"),
        (struct.pack(">IIIIII4s", 1, 4, 1000, 6, 5, 1, b"bas\0"), "impossible entry for NAME"),
        (struct.pack(">IIIIII4s", 1, 4, 1003, 4, 1, 1, b"bas\0"), "ends within EPOCH"),
    ],
)
def test_a_damaged_header_is_refused(blob, reason):
    with pytest.raises(InvalidHeaderError, match=reason):
        Header(blob).identity()


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([(1117, STRING_ARRAY, ["a", "b"]), (1116, INT32, [0]), (1118, STRING_ARRAY, ["/"])], "2 names of files in 1"),
        ([(1117, STRING_ARRAY, ["a"]), (1116, INT32, [1]), (1118, STRING_ARRAY, ["/"])], "of 1 folders"),
        ([(1117, STRING_ARRAY, ["a"]), (1116, INT32, [0]), (1118, STRING_ARRAY, ["/" * 5000])], "longer than a path"),
        ([(1117, STRING_ARRAY, ["a" * 5000]), (1116, INT32, [0]), (1118, STRING_ARRAY, ["/"])], "longer paths"),
    ],
)
def test_a_list_of_files_that_does_not_hold_together_is_refused(tags, reason):
    with pytest.raises(InvalidHeaderError, match=reason):
        list(Header(header_of(tags)).iter_files(FileBounds()))


def test_few_bytes_cannot_become_many_paths():
    """A short name in one long folder, a hundred thousand times: 1 MiB of header, 400 MB of paths."""
    count = 100_000
    blob = header_of(
        [
            (1117, STRING_ARRAY, [""] * count),
            (1116, INT32, [0] * count),
            (1118, STRING_ARRAY, ["/" * 4000]),
        ]
    )
    with pytest.raises(InvalidHeaderError, match="more files, or longer paths"):
        list(Header(blob).iter_files(FileBounds()))


def test_headers_of_one_database_share_the_bounds():
    bounds = FileBounds(files=6)
    list(Header(header(files=FILES)).iter_files(bounds))
    with pytest.raises(InvalidHeaderError, match="more files"):
        list(Header(header(files=FILES)).iter_files(bounds))


def test_a_claim_of_very_many_files_is_refused_before_they_are_looked_for():
    blob = struct.pack(">IIIIII4s", 1, 4, 1117, STRING_ARRAY, 0, MAX_FILES + 1, bytes(4))
    with pytest.raises(InvalidHeaderError, match="impossible entry for BASENAMES"):
        list(Header(blob).iter_files(FileBounds()))


GOOD = header(epoch=1, source="bash-5-1.src.rpm", module="bash:5:1:0", files=FILES)


@given(
    blob=st.binary(max_size=200),
    cut=st.integers(0, len(GOOD)),
    at=st.integers(0, len(GOOD) - 1),
    to=st.integers(0, 255),
)
def test_no_bytes_make_it_raise_anything_but_its_own_error(blob, cut, at, to):
    for candidate in (blob, GOOD[:cut], GOOD[:at] + bytes([to]) + GOOD[at + 1 :]):
        try:
            found = Header(candidate)
            assert isinstance(found.identity(), Identity)
            assert all(isinstance(path, str) for path in found.iter_files(FileBounds()))
        except InvalidHeaderError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
