import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ecosystems.program_builder import address_of, elf

from deadlight.ecosystems import UnreadableFileError
from deadlight.ecosystems.elf import find_in_memory, is_shared_object, parse_elf

PROGRAM = elf({".text": b"code", ".data": b"some data"})


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_sections_are_found_by_name_in_every_form(bits, order):
    sections = parse_elf(memoryview(elf({".text": b"code", ".data": b"some data"}, bits=bits, order=order)))
    assert bytes(sections[".data"].content) == b"some data"
    assert bytes(sections[".text"].content) == b"code"


def test_bytes_are_found_where_the_running_program_has_them():
    sections = parse_elf(memoryview(PROGRAM))
    address = address_of(PROGRAM, b"data")
    assert bytes(find_in_memory(sections, address, 4) or b"") == b"data"
    assert find_in_memory(sections, address, 4000) is None
    assert find_in_memory(sections, 1, 1) is None


def test_a_program_without_a_section_table_has_no_sections():
    stripped = bytearray(PROGRAM[:64])
    stripped[0x28:0x30] = bytes(8)
    assert parse_elf(memoryview(stripped)) == {}


@pytest.mark.parametrize("length", [4, 20, 63, 80, len(PROGRAM) - 1])
def test_a_program_that_was_cut_short_is_refused(length):
    with pytest.raises(UnreadableFileError, match=r"header|cut short"):
        parse_elf(memoryview(PROGRAM[:length]))


def test_a_section_outside_of_the_file_is_empty():
    data = bytearray(PROGRAM)
    row = len(PROGRAM) - 2 * 64
    data[row + 0x20 : row + 0x28] = b"\xff" * 8
    assert parse_elf(memoryview(data))[".data"].content.tobytes() == b""


@given(position=st.integers(0, len(PROGRAM) - 1), value=st.binary(min_size=1, max_size=8))
def test_damage_raises_nothing_but_the_readers_own_error(position, value):
    data = bytearray(PROGRAM)
    data[position : position + len(value)] = value
    try:
        sections = parse_elf(memoryview(data))
    except UnreadableFileError:
        return
    assert all(len(section.content) <= len(data) for section in sections.values())


@pytest.mark.parametrize(
    ("path", "expected"),
    [("usr/lib/libz.so", True), ("libz.so.1.2", True), ("a/_rust.abi3.so", True), ("a.so/b", False), ("also", False)],
)
def test_shared_objects_are_told_by_their_names(path, expected):
    assert is_shared_object(path) is expected
