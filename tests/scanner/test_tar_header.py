import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadlight.scanner.errors import ArchiveError
from deadlight.scanner.tar_header import normalise_path, parse_number, parse_pax


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./", ""),
        ("/etc/passwd", "etc/passwd"),
        ("./a//b/./c/", "a/b/c"),
        ("a/../b", "b"),
        ("a/.hidden", "a/.hidden"),
        ("..a", "..a"),
    ],
)
def test_paths_are_relative_to_the_root(path, expected):
    assert normalise_path(path) == expected


@pytest.mark.parametrize("path", ["..", "../etc/passwd", "a/../../b", "/..", "./../x"])
def test_paths_out_of_the_root_are_refused(path):
    with pytest.raises(ArchiveError, match="out of the image"):
        normalise_path(path)


@given(st.text(alphabet="ab./", max_size=30))
def test_a_normalised_path_has_nothing_left_to_normalise(path):
    try:
        normal = normalise_path(path)
    except ArchiveError:
        return
    assert normalise_path(normal) == normal
    assert not {"", ".", ".."} & set(normal.split("/")) or normal == ""


@pytest.mark.parametrize(
    ("field", "expected"),
    [(b"0000755\0", 0o755), (b" 755 \0\0\0", 0o755), (b"\0" * 8, 0), (b"\x80" + b"\0" * 6 + b"\x07", 7)],
)
def test_numbers_are_octal_or_binary(field, expected):
    assert parse_number(field) == expected


@pytest.mark.parametrize("field", [b"-000755\0", b"0000799\0", b"0x00755\0", b"\xff" * 8, b"1_0\0\0\0\0\0"])
def test_impossible_numbers_are_refused(field):
    with pytest.raises(ArchiveError, match="number"):
        parse_number(field)


def test_pax_records_may_hold_any_text():
    records = b"16 path=a=b\nc\xc3\xa9\n" + b"11 size=12\n" + b"10 uid=10\n"
    assert parse_pax(records) == {"path": "a=b\nc\u00e9", "size": "12"}


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"9 uid=1\n", b"11 path=ab\n", b"0 =\n", b"99999999999 a"])).map(b"".join)
)
def test_pax_records_of_any_bytes_raise_nothing_but_an_archive_error(content):
    try:
        records = parse_pax(content)
    except ArchiveError:
        return
    assert all(isinstance(value, str) for value in records.values())
