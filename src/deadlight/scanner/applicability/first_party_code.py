"""The user's own Python code in an image, as far as it could be read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from deadlight.ecosystems import source_of_bytecode
from deadlight.scanner.applicability.first_party import is_closed_code, is_source_name, may_be_own
from deadlight.scanner.applicability.go_programs import gather_programs
from deadlight.scanner.applicability.python_source import ANALYZER, SourceFacts
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import File, FileSystem
from deadlight.scanner.tar import Kind


@dataclass(frozen=True, slots=True)
class FirstPartyCode:
    """What the judgement of applicability rests on."""

    sources: Mapping[str, SourceFacts] = field(default_factory=dict)
    """Facts of every source file that no package owns, by absolute path."""
    unread: tuple[str, ...] = ()
    """Own files that could not be read, each with the reason."""
    dependents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By name of a PyPI package: the installed packages that declare they need it."""
    go_programs: Mapping[str, bytes] = field(default_factory=dict)
    """What was kept of the functions of each Go program, by absolute path."""


def gather_own_code(
    tree: FileSystem,
    layers: Sequence[LayerFacts],
    visible: Mapping[str, File],
    owned: Mapping[str, int],
    requirements: Mapping[str, frozenset[str]],
) -> FirstPartyCode:
    """Collect the code that no package owns.

    `visible` are the files of which a layer kept facts, by real path; `owned` the paths that belong to packages;
    `requirements` the names that each package says it needs.
    """
    sources: dict[str, SourceFacts] = {}
    unread: list[str] = []
    for path, file in visible.items():
        if path in owned or not may_be_own(path):
            continue
        kept = layers[file.layer].of(ANALYZER[0])
        if file.path in kept.files:
            sources[path] = msgspec.msgpack.decode(kept.files[file.path], type=SourceFacts)
        elif file.path in kept.unread:
            unread.append(f"{path} {kept.unread[file.path]}")
        elif is_source_name(path):
            unread.append(f"{path} is a hard link to a file that was not read")
    unread += [f"{path} is not source" for path in _iter_closed_code(tree, layers) if path not in owned]
    return FirstPartyCode(sources, tuple(unread), _dependents(requirements), gather_programs(layers, visible))


def _iter_closed_code(tree: FileSystem, layers: Sequence[LayerFacts]) -> Iterator[str]:
    """Byte code without its source, archives and extensions that may be the user's own."""
    for layer in layers:
        for path, kind, _ in layer.listing.entries:
            if kind is Kind.FILE and is_closed_code(path) and may_be_own(path):
                found = tree.find_file(path)
                source = source_of_bytecode(path)
                if found and not (source and tree.find_file(source)):
                    yield found[0]


def _dependents(requirements: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    dependents: defaultdict[str, set[str]] = defaultdict(set)
    for name, needs in requirements.items():
        for needed in needs - {name}:
            dependents[needed].add(name)
    return {needed: tuple(sorted(names)) for needed, names in dependents.items()}
