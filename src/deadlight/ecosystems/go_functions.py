"""The functions that Go's linker put into a program, from the table the runtime unwinds stacks with (its pclntab).

The runtime cannot do without the table, so it outlives stripping. From Go 1.16 on it names inlined functions too, but
for those that left no instruction. Layout: https://go.dev/src/runtime/symtab.go (`pcHeader`), and of the first one
https://go.dev/s/go12symtab.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deadlight.ecosystems.ecosystem import UnreadableFileError
from deadlight.ecosystems.elf import parse_elf
from deadlight.ecosystems.go_build_info import BUILD_INFO, Build, read_build

MAX_NAMES_BYTES = 32 * 1024 * 1024
"""Of the names of one program; 150,000 functions have 14 MB."""
MAX_FUNCTIONS = 1_000_000
"""Of one program; the largest one known has 150,000."""
MAX_NAME_BYTES = 4096
"""Of one function; the linker shortens what may become long, which is type arguments."""
MAX_DEPTH = 32
"""Parts of the path of a module that another one stands in for; real ones have about six."""

UNKNOWN_MAIN = "main"
"""Stands for the import path of a program's own package where the program does not tell it."""

_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
_FIRST_LAYOUT = 0xFFFFFFFB
"""Go 1.2 to 1.15."""
_NAMES_WORDS = {0xFFFFFFFA: 2, 0xFFFFFFF0: 3, 0xFFFFFFF1: 3}
"""Go 1.16, 1.18 and 1.20: which word of the header says where the names begin. The next one says where they end."""
_HEADER_BYTES = 8
_POINTER_SIZE_AT = 7

_ARCHITECTURES = {3: "386", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
_ARCHITECTURES_LITTLE = {8: "mipsle", 21: "ppc64le", 258: "loong64"}
_WIDE = {"mips": "mips64", "mipsle": "mips64le"}
"""ELF's machine in Go's words (https://go.dev/doc/install/source#environment); one number stands for both widths."""

_ESCAPED = re.compile(r"%([0-9a-f]{2})")
_COMPILERS_OWN = ("type:", "type..", "go:")
_SYMBOL = re.compile(r"\(\*(\w+)\)\.(\w+)|(\w+)(?:\.(?!(?:func|gowrap|deferwrap)?[0-9])(\w+))?")
"""`(*Type).Method`, or `Function` or `Type.Method` without what the compiler appends for closures (`.func1`)."""


@dataclass(frozen=True, slots=True)
class LinkedFunctions:
    """What a Go program can run at all."""

    packages: Mapping[str, str]
    """By import path: `Function` and `Type.Method`, sorted, a line each.

    Type arguments are left out, and closures count as what they are in.
    """
    count: int
    """Names in the program's table."""
    complete: bool
    """Whether functions that exist only inlined are among them."""
    architecture: str
    """In Go's words: `amd64`. Empty where it has none for it."""


def list_linked_functions(content: memoryview) -> LinkedFunctions | None:
    """What a file's table names; None where it is no Go program.

    Raises:
        UnreadableFileError: the table is missing, damaged, of an unknown layout or beyond the bounds.
    """
    sections = parse_elf(content, BUILD_INFO)
    build = read_build(sections)
    if build is None:
        return None
    table = next((sections[name].content for name in _SECTIONS if name in sections), None)
    if table is None or len(table) < _HEADER_BYTES:
        raise UnreadableFileError("is a Go program without a table of its functions")
    names, complete = _read_names(table)
    return LinkedFunctions(_by_package(names, build), len(names), complete, _architecture(content))


def _read_names(table: memoryview) -> tuple[list[str], bool]:
    """All names, and whether those of inlined functions are among them."""
    for order in "<>":
        (magic,) = struct.unpack_from(f"{order}I", table)
        word = {4: f"{order}I", 8: f"{order}Q"}.get(table[_POINTER_SIZE_AT], "")
        if word and magic in _NAMES_WORDS:
            return _split_names(table, struct.Struct(word), _NAMES_WORDS[magic]), True
        if word and magic == _FIRST_LAYOUT:
            return _follow_names(table, struct.Struct(word)), False
    raise UnreadableFileError("is a Go program whose table of functions has an unknown layout")


def _split_names(table: memoryview, word: struct.Struct, number: int) -> list[str]:
    """The later layouts: names one after the other, each ended by a zero."""
    start, end = (_word(table, _HEADER_BYTES + (number + offset) * word.size, word) for offset in (0, 1))
    if not start < end <= len(table):
        raise UnreadableFileError("is a Go program with a damaged table of functions")
    if end - start > MAX_NAMES_BYTES:
        raise UnreadableFileError(f"is a Go program whose functions have more than {MAX_NAMES_BYTES} bytes of names")
    names = bytes(table[start:end])
    _check_count(names.count(0))
    found = [name for name in names.decode("utf-8", "replace").split("\0") if name]
    if len(max(found, key=len, default="")) > MAX_NAME_BYTES:
        raise UnreadableFileError(f"is a Go program with a function whose name is longer than {MAX_NAME_BYTES} bytes")
    return found


def _follow_names(table: memoryview, word: struct.Struct) -> list[str]:
    """The first layout: rows of an address and where the function's description is, which says where its name is."""
    count = _word(table, _HEADER_BYTES, word)
    _check_count(count)
    start = _HEADER_BYTES + word.size
    size = 0
    names = []
    for row in range(count):
        description = _word(table, start + (2 * row + 1) * word.size, word)
        at = _word(table, description + word.size, struct.Struct(word.format[0] + "I"))
        name, end, _ = bytes(table[at : at + MAX_NAME_BYTES]).partition(b"\0")
        size += len(name)
        if not end or size > MAX_NAMES_BYTES:
            raise UnreadableFileError("is a Go program with a damaged table of functions")
        names.append(name.decode("utf-8", "replace"))
    return names


def _check_count(count: int) -> None:
    if count > MAX_FUNCTIONS:
        raise UnreadableFileError(f"is a Go program of more than {MAX_FUNCTIONS} functions")


def _word(table: memoryview, position: int, word: struct.Struct) -> int:
    if position + word.size > len(table):
        raise UnreadableFileError("is a Go program whose table of functions ends too early")
    (number,) = word.unpack_from(table, position)
    return int(number)


def _by_package(names: Iterable[str], build: Build) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for package, symbol in _iter_symbols(names):
        found.setdefault(package, set()).add(symbol)
    packages = {_unescaped(package): "\n".join(sorted(symbols)) for package, symbols in sorted(found.items())}
    if build.main_path and UNKNOWN_MAIN in packages:
        packages[build.main_path] = packages.pop(UNKNOWN_MAIN)
    renamed = {name: symbols for path, symbols in packages.items() for name in _other_paths(path, build)}
    return packages | renamed


def _other_paths(path: str, build: Build) -> Iterator[str]:
    """Where the package lies in the module that stands in for the one it is imported from."""
    module = ""
    for part in path.split("/", MAX_DEPTH)[:MAX_DEPTH] if build.replaced else ():
        module += f"/{part}" if module else part
        if module in build.replaced:
            yield build.replaced[module] + path[len(module) :]


def _iter_symbols(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Import path, still escaped, and symbol of each name that has both: assembly may have neither."""
    for name in names:
        plain = _without_type_arguments(name) if "[" in name else name
        dot = plain.find(".", plain.rfind("/") + 1)
        symbol = _SYMBOL.match(plain, dot + 1)
        if dot > 0 and symbol and not name.startswith(_COMPILERS_OWN):
            type_, method, function, second = symbol.groups()
            yield plain[:dot], f"{type_}.{method}" if type_ else f"{function}.{second}" if second else function


def _without_type_arguments(name: str) -> str:
    """`Map[...].Load` -> `Map.Load`."""
    return name[: name.index("[")] + name[name.rfind("]") + 1 :]


def _unescaped(path: str) -> str:
    """The linker writes dots in the last part of a path as `%2e`, and other bytes that it cannot have likewise."""
    if "%" not in path:
        return path
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), path)


def _architecture(content: memoryview) -> str:
    little = content[5] == 1
    (machine,) = struct.unpack_from("<H" if little else ">H", content, 18)
    name = (_ARCHITECTURES_LITTLE.get(machine) if little else None) or _ARCHITECTURES.get(machine, "")
    return _WIDE.get(name, name) if content[4] == 2 else name
