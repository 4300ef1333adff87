"""Crates in Rust programs built with cargo-auditable, which lists them in a section of the program.

The format: https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
"""

import re
import zlib

import msgspec

from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Document,
    Excerpt,
    UnreadableFileError,
    each_by_itself,
    is_plausible_version,
)
from deadlight.ecosystems.elf import ELF_MAGIC, is_shared_object, parse_elf
from deadlight.ecosystems.json_document import UnreadableDocumentError, parse_json
from deadlight.ecosystems.language_package import catalogue_inside, language_package

_SECTION = ".dep-v0"
_MAX_LISTING_BYTES = 4 * 1024 * 1024
"""500 crates take 50 KB."""
_SMALL_LISTING_BYTES = 64 * 1024
"""Read of any program, however small. Beyond that a listing has no more bytes than its program."""
_MAX_CRATES = 10_000
_BUILD = "build"
"""The kind of a crate that only ran while the program was built."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")


class _Crate(msgspec.Struct, frozen=True):
    name: str
    version: str
    kind: str = "runtime"


class _Listing(msgspec.Struct, frozen=True):
    packages: list[_Crate]


def _take(content: memoryview) -> bytes | None:
    """The crates that are linked, as a JSON list."""
    section = parse_elf(content, _SECTION).get(_SECTION)
    if section is None:
        return None
    limit = min(max(len(content), _SMALL_LISTING_BYTES), _MAX_LISTING_BYTES)
    try:
        listing = parse_json(_expand(section.content, limit), _Listing)
    except UnreadableDocumentError as error:
        raise UnreadableFileError(f"has a damaged list of crates: {error}") from error
    return msgspec.json.encode([crate for crate in listing.packages if crate.kind != _BUILD])


def _expand(packed: memoryview, limit: int) -> bytes:
    expander = zlib.decompressobj()
    try:
        content = expander.decompress(packed, limit)
    except zlib.error as error:
        raise UnreadableFileError(f"has a damaged list of crates: {error}") from error
    if not expander.eof:
        raise UnreadableFileError(f"has a list of crates that was cut short or expands to more than {limit} bytes")
    return content


def _catalogue_program(location: str, document: Document) -> Catalogue:
    try:
        crates = parse_json(document.content, list[_Crate])
    except UnreadableDocumentError as error:
        return Catalogue.unread(location, document, error)
    named = dict.fromkeys((crate.name, crate.version) for crate in crates[:_MAX_CRATES])
    valid = [crate for crate in named if _is_valid(*crate)]
    problems = [
        f"{name[:80]!r} with version {version[:80]!r} is no crate"
        for name, version in named
        if not _is_valid(name, version)
    ]
    if len(crates) > _MAX_CRATES:
        problems.append(f"lists more than {_MAX_CRATES} crates: those after them are unknown")
    packages = [language_package("crates.io", "cargo", *crate) for crate in valid]
    return catalogue_inside(location, document, packages, problems)


def _is_valid(name: str, version: str) -> bool:
    return _NAME.fullmatch(name) is not None and is_plausible_version(version)


RUST_PROGRAMS = Cataloguer(
    name="rust",
    version=1,
    wants=is_shared_object,
    catalogue=each_by_itself(_catalogue_program),
    operating_system=False,
    excerpt=Excerpt(take=_take, magic=ELF_MAGIC, executables=True),
)
