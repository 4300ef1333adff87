"""Whether vulnerabilities of a Go module apply to an image, judged by the functions linked into its programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from deadlight.ecosystems import UNKNOWN_MAIN, LinkedFunctions
from deadlight.model.vulnerability import Applicability, VulnerableImport
from deadlight.scanner.applicability.judgement import MAX_EVIDENCE, ApplicabilityResult, Evidence

GO_RECORDS = "GO-"
"""How identifiers of Go's vulnerability database begin. Other records of a flaw name no functions."""

_LINUX = "linux"
"""The only system whose programs are looked into."""


class GoRecord(NamedTuple):
    """What a record of Go's vulnerability database says of a module."""

    id: str
    imports: tuple[VulnerableImport, ...]
    """None where it does not say which packages of the module are meant."""


def go_records(imports: Mapping[str, Sequence[VulnerableImport]]) -> tuple[GoRecord, ...]:
    """Of all that advisories say, by their ids, what comes from Go's own database."""
    return tuple(GoRecord(id_, tuple(said)) for id_, said in sorted(imports.items()) if id_.startswith(GO_RECORDS))


def judge_linked_functions(
    records: Sequence[GoRecord], programs: Mapping[str, LinkedFunctions | None]
) -> ApplicabilityResult:
    """Judge one vulnerability of a Go module in the programs, by path, that the module was linked into.

    `applicable` when a program holds a function that a record names. `not_applicable` only when every record names
    functions, and every program's functions could be read and are none of them. `undetermined` otherwise;
    `not_covered` without a record. A program is None where its functions could not be read.
    """
    if not records:
        return ApplicabilityResult(
            Applicability.NOT_COVERED, "Go's vulnerability database says nothing of it for this version."
        )
    evidence = tuple(islice(_iter_evidence(records, programs), MAX_EVIDENCE))
    if evidence:
        first = evidence[0]
        return ApplicabilityResult(Applicability.APPLICABLE, f"{first.call} is linked into {first.path}.", evidence)
    doubt = next(_iter_doubts(records, programs), None)
    if doubt is not None:
        return ApplicabilityResult(Applicability.UNDETERMINED, f"It cannot be told, for {doubt}.")
    count = sum(functions.count for functions in programs.values() if functions)
    return ApplicabilityResult(
        Applicability.NOT_APPLICABLE,
        f"None of the {count} functions linked into {_listed(programs)} is one that {_listed(_ids(records))} names.",
    )


def _iter_evidence(records: Iterable[GoRecord], programs: Mapping[str, LinkedFunctions | None]) -> Iterator[Evidence]:
    for path, functions in programs.items():
        if functions is not None:
            for record in records:
                yield from _iter_linked(record, path, functions)


def _iter_linked(record: GoRecord, path: str, functions: LinkedFunctions) -> Iterator[Evidence]:
    for item in _concerning(record, functions):
        linked = functions.packages.get(item.path, "")
        for symbol in item.symbols:
            if _is_linked(symbol, linked):
                yield Evidence(path, 0, f"{item.path}.{symbol}", record.id)


def _concerning(record: GoRecord, functions: LinkedFunctions) -> Iterator[VulnerableImport]:
    """What a record says of programs for this system and architecture."""
    for item in record.imports:
        right_machine = not (item.goarch and functions.architecture) or functions.architecture in item.goarch
        if right_machine and (not item.goos or _LINUX in item.goos):
            yield item


def _is_linked(symbol: str, functions: str) -> bool:
    """Whether it is among a package's functions. A type's name stands for its methods, `init#1` for `init`."""
    name = symbol.partition("#")[0]
    lines = f"\n{functions}\n"
    return f"\n{name}\n" in lines or f"\n{name}." in lines


def _iter_doubts(records: Sequence[GoRecord], programs: Mapping[str, LinkedFunctions | None]) -> Iterator[str]:
    """Reasons why the absence of a function proves nothing, the plainest first."""
    for record in records:
        if not record.imports:
            yield f"{record.id} does not name the functions it is about"
    if not programs:
        yield "it is not known which programs the module was linked into"
    for path, functions in programs.items():
        if functions is None:
            yield f"the functions of {path} could not be read"
        elif not functions.complete:
            yield f"{path} was built with Go before 1.16, whose programs do not name inlined functions"
        else:
            yield from _doubts_about(path, functions, records)


def _doubts_about(path: str, functions: LinkedFunctions, records: Iterable[GoRecord]) -> Iterator[str]:
    own = functions.packages.get(UNKNOWN_MAIN, "")
    for record in records:
        for item in _concerning(record, functions):
            if not item.symbols and item.path in functions.packages:
                yield f"{record.id} is about all of {item.path}, which {path} has functions of"
            if any(_is_linked(symbol, own) for symbol in item.symbols):
                yield f"{path} does not tell whether its own package is {item.path}"


def _ids(records: Iterable[GoRecord]) -> list[str]:
    return [record.id for record in records]


def _listed(names: Iterable[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first
