"""Writes small ELF files, with section tables as the System V ABI lays them out."""

import struct

_HEADERS = {64: "16sHHIQQQIHHHHHH", 32: "16sHHIIIIIHHHHHH"}
_ROWS = {64: "IIQQQQIIQQ", 32: "IIIIIIIIII"}
ADDRESS = 0x400000


def elf(sections: dict[str, bytes], *, bits: int = 64, order: str = "<") -> bytes:
    """A program whose sections lie in memory, one after the other, as they do in the file, from `ADDRESS` on."""
    header = struct.Struct(order + _HEADERS[bits])
    row = struct.Struct(order + _ROWS[bits])
    contents = {
        "": b"",
        **sections,
        ".shstrtab": b"\0".join(name.encode() for name in ["", *sections, ".shstrtab", ""]),
    }
    names = contents[".shstrtab"]
    body = b""
    rows = []
    for name, content in contents.items():
        offset = header.size + len(body)
        start = names.index(b"\0" + name.encode() + b"\0") + 1 if name else 0
        rows.append(row.pack(start, 1 if name else 0, 2, ADDRESS + offset, offset, len(content), 0, 0, 1, 0))
        body += content
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    table = header.size + len(body)
    fields = (ident, 2, 62, 1, ADDRESS, 0, table, 0, header.size, 0, 0, row.size, len(rows), len(rows) - 1)
    return header.pack(*fields) + body + b"".join(rows)


def address_of(program: bytes, content: bytes) -> int:
    """Where bytes of a program lie in memory."""
    return ADDRESS + program.index(content)
