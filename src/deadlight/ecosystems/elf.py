"""The sections of ELF files (System V ABI, "Sections"): programs and shared objects."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from deadlight.ecosystems.ecosystem import UnreadableFileError

ELF_MAGIC = b"\x7fELF"

_ORDERS = {1: "<", 2: ">"}
_NO_BITS = 8
"""A section that takes no place in the file, such as .bss."""
_MAX_NAME_BYTES = 64
"""Far above the names that are asked for."""
_MAX_NAMES_BYTES = 1024 * 1024
"""All names together, which share a section; 65,535 of them as long as those of real programs fit."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: where it lies in memory while the program runs (0 if nowhere), and its bytes in the file."""

    address: int
    content: memoryview


@dataclass(frozen=True, slots=True)
class _Class:
    """What differs between the 32-bit and the 64-bit form: where the header names the table, and the table's rows."""

    table_offset: tuple[int, str]
    row_size: int
    """Its two bytes; the number of rows and the row with the names follow."""
    row: str
    """Name, type, flags, address, offset and size."""


_CLASSES = {1: _Class((0x20, "I"), 0x2E, "IIIIII"), 2: _Class((0x28, "Q"), 0x3A, "IIQQQQ")}


def is_shared_object(path: str) -> bool:
    """Whether a file's name is that of a shared object: `libz.so`, `libz.so.1`, `_rust.abi3.so`."""
    if ".so" not in path:  # of most files
        return False
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def parse_elf(content: memoryview, sought: str = "") -> dict[str, Section]:
    """The sections by name; none where the file was stripped of their table, or surely has not the one `sought`.

    Raises:
        UnreadableFileError: no ELF file, or cut short.
    """
    order, kind = _ORDERS.get(_byte(content, 5), ""), _CLASSES.get(_byte(content, 4))
    if content[:4] != ELF_MAGIC or not order or kind is None or len(content) < kind.row_size + 6:
        raise UnreadableFileError("begins like an ELF file and has no valid header")
    (offset,) = struct.unpack_from(order + kind.table_offset[1], content, kind.table_offset[0])
    row_size, count, names_row = struct.unpack_from(f"{order}HHH", content, kind.row_size)
    row = struct.Struct(order + kind.row)
    if not (offset and count):
        return {}
    if row_size < row.size or offset + row_size * count > len(content):
        raise UnreadableFileError("is an ELF file that was cut short: its sections are not where its header says")
    names = b""
    if names_row < count:
        names = bytes(_content(content, row.unpack_from(content, offset + names_row * row_size))[:_MAX_NAMES_BYTES])
    if sought.encode() not in names:
        return {}
    return _named(content, [row.unpack_from(content, offset + number * row_size) for number in range(count)], names)


def _byte(content: memoryview, position: int) -> int:
    return content[position] if position < len(content) else 0


def _named(content: memoryview, rows: list[tuple[int, ...]], names: bytes) -> dict[str, Section]:
    sections: dict[str, Section] = {}
    for row in rows:
        name = names[row[0] : row[0] + _MAX_NAME_BYTES].partition(b"\0")[0].decode("latin-1")
        if name not in sections:
            sections[name] = Section(row[3], _content(content, row))
    return sections


def _content(content: memoryview, row: tuple[int, ...]) -> memoryview:
    offset, size = row[4], 0 if row[1] == _NO_BITS else row[5]
    return content[offset : offset + size] if offset + size <= len(content) else content[:0]


def find_in_memory(sections: Mapping[str, Section], address: int, size: int) -> memoryview | None:
    """The bytes at an address of the running program, if the file has them all."""
    for section in sections.values():
        start = address - section.address
        if section.address and start >= 0 and start + size <= len(section.content):
            return section.content[start : start + size]
    return None
