"""What Go's linker writes into every program: its toolchain and the modules it was built from (debug/buildinfo)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Document,
    Excerpt,
    InvalidVersionError,
    UnreadableFileError,
    each_by_itself,
    is_plausible_version,
)
from deadlight.ecosystems.elf import ELF_MAGIC, Section, find_in_memory, is_shared_object, parse_elf
from deadlight.ecosystems.go_versions import module_version_of_toolchain
from deadlight.ecosystems.language_package import catalogue_inside, language_package

UNKNOWN_VERSION = "(devel)"
"""Go's own word for a module that was built from a folder: it has no place in the order of versions."""

BUILD_INFO = ".go.buildinfo"
"""The section that every program of Go's linker has."""
_MAGIC = b"\xff Go buildinf:"
_POINTER_SIZE_AT, _FLAGS_AT, _POINTERS_AT, _TEXTS_AT = 14, 15, 16, 32
_BIG_ENDIAN, _INLINE = 1, 2
_SENTINEL_BYTES = 16
"""Before and after the module list, so that it can also be found in memory."""

_MAX_TEXT_BYTES = 4 * 1024 * 1024
"""The toolchain's name or the module list; Kubernetes' list has 40 KB."""
_MAX_MODULES = 10_000
_MODULE_LINES = ("mod\t", "dep\t", "=>\t")
_PATH, _REPLACEMENT = "path", "=>"
_BUILT_FROM_FILES = "command-line-arguments"
_MODULE_PATH = re.compile(r"(?=.{1,512}\Z)[A-Za-z0-9._~+-]+(?:/[A-Za-z0-9._~+-]+)*")
"""https://go.dev/ref/mod#go-mod-file-ident, with the plus that old paths have."""
_ByteOrder: TypeAlias = Literal["big", "little"]
_IN_A_FOLDER = ("./", "../", "/")
"""How the replacement of a module begins that is no module itself (https://go.dev/ref/mod#go-mod-file-replace)."""


def _take(content: memoryview) -> bytes | None:
    """The toolchain's line, then those of the modules without their checksums.

    The build's settings are left out: secrets are handed to the linker as flags.
    """
    texts = _read_texts(parse_elf(content, BUILD_INFO))
    if texts is None:
        return None
    toolchain, lines = texts
    kept = ["\t".join(line.split("\t")[:3]) for line in lines if line.startswith(_MODULE_LINES)]
    return "\n".join([toolchain.replace("\n", " "), *kept]).encode()


@dataclass(frozen=True, slots=True)
class Build:
    """How the import paths in a program differ from what its modules say."""

    main_path: str
    """Of its package `main`; empty where it was built from files or without modules."""
    replaced: Mapping[str, str]
    """Modules that stand in for another one, whose import path they then have: theirs by that of the other."""


def read_build(sections: Mapping[str, Section]) -> Build | None:
    """What Go's linker wrote of the build; None where it wrote nothing.

    Raises:
        UnreadableFileError: it is damaged.
    """
    texts = _read_texts(sections)
    if texts is None:
        return None
    rows = [(*line.split("\t"), "")[:2] for line in texts[1][:_MAX_MODULES]]
    path = next((path for kind, path in rows if kind == _PATH), "")
    pairs = ((before[1], row[1]) for before, row in pairwise(rows) if row[0] == _REPLACEMENT)
    replaced = {old: new for old, new in pairs if old != new and not new.startswith(_IN_A_FOLDER)}
    return Build("" if path == _BUILT_FROM_FILES else path, replaced)


def _read_texts(sections: Mapping[str, Section]) -> tuple[str, list[str]] | None:
    """The toolchain, and the lines about modules; None where Go's linker wrote nothing."""
    section = sections.get(BUILD_INFO)
    if section is None:
        return None
    info = section.content
    if info[: len(_MAGIC)] != _MAGIC or len(info) < _POINTERS_AT:
        raise UnreadableFileError(f"is a Go program with a damaged {BUILD_INFO}")
    toolchain, modules = _inline_texts(info) if info[_FLAGS_AT] & _INLINE else _texts_by_pointer(info, sections)
    framed = len(modules) > 2 * _SENTINEL_BYTES and modules[-_SENTINEL_BYTES - 1 :][:1] == b"\n"
    lines = modules[_SENTINEL_BYTES:-_SENTINEL_BYTES].decode("utf-8", "replace").split("\n") if framed else []
    return toolchain.decode("utf-8", "replace"), lines


def _inline_texts(info: memoryview) -> tuple[bytes, bytes]:
    """From Go 1.18: two texts, each after its length."""
    toolchain, end = _counted_text(info, _TEXTS_AT)
    modules, _ = _counted_text(info, end)
    return toolchain, modules


def _counted_text(info: memoryview, start: int) -> tuple[bytes, int]:
    """A text after its length (a varint, seven bits a byte from the lowest), and where the text ends."""
    length = shift = 0
    for position in range(start, min(start + 5, len(info))):
        length |= (info[position] & 0x7F) << shift
        shift += 7
        if info[position] < 0x80:
            end = position + 1 + length
            if length > _MAX_TEXT_BYTES or end > len(info):
                break
            return bytes(info[position + 1 : end]), end
    raise UnreadableFileError(f"is a Go program whose {BUILD_INFO} ends too early")


def _texts_by_pointer(info: memoryview, sections: Mapping[str, Section]) -> tuple[bytes, bytes]:
    """Before Go 1.18: the addresses of two strings, each of which is an address and a length."""
    size = info[_POINTER_SIZE_AT]
    if size not in {4, 8}:
        raise UnreadableFileError(f"is a Go program with a damaged {BUILD_INFO}: pointers of {size} bytes")
    order: _ByteOrder = "big" if info[_FLAGS_AT] & _BIG_ENDIAN else "little"
    toolchain, modules = (info[at : at + size] for at in (_POINTERS_AT, _POINTERS_AT + size))
    return _string_at(toolchain, sections, order), _string_at(modules, sections, order)


def _string_at(pointer: memoryview, sections: Mapping[str, Section], order: _ByteOrder) -> bytes:
    size = len(pointer)
    string = find_in_memory(sections, int.from_bytes(pointer, order), 2 * size)
    if string is not None:
        length = int.from_bytes(string[size:], order)
        if length == 0:
            return b""
        text = find_in_memory(sections, int.from_bytes(string[:size], order), length)
        if text is not None and length <= _MAX_TEXT_BYTES:
            return bytes(text)
    raise UnreadableFileError(f"is a Go program whose {BUILD_INFO} points outside of the file")


def _catalogue_program(location: str, document: Document) -> Catalogue:
    toolchain, *lines = document.content.decode("utf-8", "replace").split("\n")
    modules = dict.fromkeys(_modules(lines[:_MAX_MODULES]))
    valid = [module for module in modules if _is_valid(*module)]
    problems = [
        f"{path[:80]!r} with version {version[:80]!r} is no Go module"
        for path, version in modules
        if not _is_valid(path, version)
    ]
    if len(lines) > _MAX_MODULES:
        problems.append(f"lists more than {_MAX_MODULES} Go modules: those after them are unknown")
    linked = [("stdlib", _library_version(toolchain)), *valid]
    packages = [language_package("Go", "golang", *module) for module in linked]
    return catalogue_inside(location, document, packages, problems)


def _modules(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and version of each module as it was linked: `=>` after a module says by what it was replaced."""
    module: tuple[str, str] | None = None
    for line in lines:
        kind, path, version = (*line.split("\t"), "", "")[:3]
        linked = (path, version or UNKNOWN_VERSION)
        if kind != "=>":
            if module:
                yield module
            module = linked
        elif module:
            module = (module[0], UNKNOWN_VERSION) if path.startswith(_IN_A_FOLDER) else linked
    if module:
        yield module


def _is_valid(path: str, version: str) -> bool:
    return _MODULE_PATH.fullmatch(path) is not None and is_plausible_version(version)


def _library_version(toolchain: str) -> str:
    try:
        return module_version_of_toolchain(toolchain)
    except InvalidVersionError:
        return UNKNOWN_VERSION


GO_PROGRAMS = Cataloguer(
    name="go",
    version=1,
    wants=is_shared_object,
    catalogue=each_by_itself(_catalogue_program),
    operating_system=False,
    excerpt=Excerpt(take=_take, magic=ELF_MAGIC, executables=True),
)
