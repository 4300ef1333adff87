"""The table of analyzers: everything that reads files of layers."""

from collections.abc import Iterable
from functools import partial

import msgspec

from deadlight.ecosystems import CATALOGUERS, ELF_MAGIC, GO_PROGRAMS, Cataloguer, Excerpt, UnreadableFileError
from deadlight.scanner.analyzer import Analyzer, Budget, always, never
from deadlight.scanner.applicability import first_party
from deadlight.scanner.applicability.go_programs import ANALYZER as GO_FUNCTIONS
from deadlight.scanner.applicability.go_programs import take_functions
from deadlight.scanner.applicability.python_source import ANALYZER as PYTHON_SOURCE
from deadlight.scanner.applicability.python_source import UnreadableSourceError, analyse_source
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits

OS_RELEASE_PATHS = ("etc/os-release", "usr/lib/os-release")
"""Where os-release(5) is looked for, in this order."""

OS_RELEASE = ("os-release", 1)

EXECUTABLES = ("executables", 1)
"""Keeps of each executable its SHA-256 (`Analyzer.keeps_sha256`)."""

SHA256_BYTES = 32


def image_analyzers(limits: Limits = DEFAULT_LIMITS) -> tuple[Analyzer, ...]:
    """What every image is read with: packages, and the digests of executables."""
    return (*package_analyzers(limits), _executables(limits))


def package_analyzers(limits: Limits = DEFAULT_LIMITS) -> tuple[Analyzer, ...]:
    """What packages, and what an image's own code calls of them, are found with."""
    cataloguing = (_cataloguing(item, limits) for item in CATALOGUERS)
    return (_os_release(limits), *cataloguing, _python_source(limits), _go_functions(limits))


def by_name(analyzers: Iterable[Analyzer], names: Iterable[str]) -> tuple[Analyzer, ...]:
    """Those of the analyzers that are named, in their order."""
    wanted = set(names)
    return tuple(analyzer for analyzer in analyzers if analyzer.name in wanted)


def _os_release(limits: Limits) -> Analyzer:
    return Analyzer(*OS_RELEASE, OS_RELEASE_PATHS.__contains__, _whole_files(limits))


def _cataloguing(cataloguer: Cataloguer, limits: Limits) -> Analyzer:
    excerpt = cataloguer.excerpt
    if excerpt is None:
        return Analyzer(cataloguer.name, cataloguer.version, cataloguer.wants, _whole_files(limits))
    return Analyzer(
        cataloguer.name,
        cataloguer.version,
        cataloguer.wants,
        _excerpts(limits),
        wants_executable=always if excerpt.executables else never,
        take=partial(_take_excerpt, excerpt),
        magic=excerpt.magic,
    )


def _python_source(limits: Limits) -> Analyzer:
    return Analyzer(
        *PYTHON_SOURCE,
        first_party.may_be_source,
        # What is kept of sources is bounded by what is read of them.
        Budget(limits.max_source_bytes, limits.max_sources_bytes, limits.max_layer_bytes, limits.max_members),
        wants_executable=first_party.may_be_script,
        take=_take_source,
        tells_unread=first_party.is_source_name,
    )


def _go_functions(limits: Limits) -> Analyzer:
    """Of the files that the cataloguer of Go's modules looks into; it is the one that tells of those it could not."""
    return Analyzer(
        *GO_FUNCTIONS,
        GO_PROGRAMS.wants,
        _excerpts(limits),
        wants_executable=always,
        take=take_functions,
        magic=ELF_MAGIC,
        tells_unread=never,
    )


def _executables(limits: Limits) -> Analyzer:
    """Files that may be executed. Others are mapped at most, and of those no sensor has a hash."""
    kept_bytes = limits.max_executables * SHA256_BYTES
    return Analyzer(
        *EXECUTABLES,
        never,
        Budget(limits.max_executable_bytes, limits.max_layer_bytes, kept_bytes, limits.max_executables),
        wants_executable=always,
        keeps_sha256=True,
    )


def _whole_files(limits: Limits) -> Budget:
    total = limits.max_documents_bytes
    return Budget(limits.max_document_bytes, total, total, limits.max_documents)


def _excerpts(limits: Limits) -> Budget:
    return Budget(limits.max_excerpted_bytes, limits.max_layer_bytes, limits.max_excerpts_bytes, limits.max_documents)


def _take_excerpt(excerpt: Excerpt, _path: str, content: memoryview) -> bytes | None:
    return excerpt.take(content)


def _take_source(path: str, content: memoryview) -> bytes | None:
    source = bytes(content)
    if not first_party.is_source_name(path) and not first_party.is_python_script(source):
        return None
    try:
        return msgspec.msgpack.encode(analyse_source(source))
    except UnreadableSourceError as error:
        raise UnreadableFileError(str(error)) from error
