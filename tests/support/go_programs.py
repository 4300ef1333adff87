"""Writes small ELF files with what Go's linker tells: modules, and the table of functions in each of its layouts."""

import struct
from collections.abc import Sequence

from tests.ecosystems.program_builder import elf

FIRST_LAYOUT, GO_1_16, GO_1_18, GO_1_20 = 0xFFFFFFFB, 0xFFFFFFFA, 0xFFFFFFF0, 0xFFFFFFF1
LAYOUTS = (FIRST_LAYOUT, GO_1_16, GO_1_18, GO_1_20)
SHOP = "path\texample.com/shop\nmod\texample.com/shop\tv1.4.0\ndep\texample.com/html\tv0.3.0\n"
_SENTINEL = bytes(range(16))


def go_program(
    functions: Sequence[str],
    *,
    modules: str = SHOP,
    toolchain: str = "go1.22.3",
    layout: int = GO_1_20,
    bits: int = 64,
    order: str = "<",
) -> bytes:
    """A program of these modules that these functions, as the linker names them, were linked into."""
    table = function_table(functions, layout=layout, bits=bits, order=order)
    return elf({".go.buildinfo": build_info(modules, toolchain), ".gopclntab": table}, bits=bits, order=order)


def build_info(modules: str = SHOP, toolchain: str = "go1.22.3") -> bytes:
    """As it is written since Go 1.18."""
    texts = [toolchain.encode(), _SENTINEL + modules.encode() + _SENTINEL]
    return b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + b"".join(_varint(len(text)) + text for text in texts)


def function_table(functions: Sequence[str], *, layout: int = GO_1_20, bits: int = 64, order: str = "<") -> bytes:
    """A pclntab that has nothing but names."""
    word = struct.Struct(order + ("Q" if bits == 64 else "I"))
    head = struct.pack(f"{order}I4B", layout, 0, 0, 1, word.size)
    names = b"".join(name.encode() + b"\0" for name in functions)
    if layout == FIRST_LAYOUT:
        return head + _rows(functions, names, word, order)
    words = {GO_1_16: 7, GO_1_18: 8, GO_1_20: 8}[layout]
    start = len(head) + words * word.size
    offsets = [start, start + len(names)]  # of the names, and of what follows them
    before = [len(functions), 0] if layout == GO_1_16 else [len(functions), 0, 0x401000]
    fields = [*before, *offsets, *[offsets[1]] * words][:words]
    return head + b"".join(map(word.pack, fields)) + names


def _rows(functions: Sequence[str], names: bytes, word: struct.Struct, order: str) -> bytes:
    """Addresses and descriptions of the first layout. A description is an address and where the name is."""
    first = 8 + word.size + (2 * len(functions) + 1) * word.size
    size = word.size + 4
    rows = b"".join(word.pack(0x401000 + row) + word.pack(first + row * size) for row in range(len(functions)))
    at = first + len(functions) * size
    descriptions = b""
    for row, name in enumerate(functions):
        descriptions += word.pack(0x401000 + row) + struct.pack(f"{order}I", at)
        at += len(name.encode()) + 1
    return word.pack(len(functions)) + rows + word.pack(0x402000) + descriptions + names


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
