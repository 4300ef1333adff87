"""Packages found, held against Syft's: what both find, what only one does, and why as far as that can be told."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from benchmarks.image_fleet import Layer
from benchmarks.syft import Artifact

from deadlight.ecosystems import find_ecosystem
from deadlight.model.package import InstalledPackage
from deadlight.scanner import LayerFacts, scan_layer, squash

_ECOSYSTEMS = {
    "deb": "Debian",
    "python": "PyPI",
    "npm": "npm",
    "go-module": "Go",
    "rust-crate": "crates.io",
    "java-archive": "Maven",
    "gem": "RubyGems",
    "php-composer": "Packagist",
}
"""By Syft's type. Its others (`binary`: interpreters known by a text in them) have no advisories we could match."""


@dataclass
class Agreement:
    """How two lists of one ecosystem agree, in distinct names and versions."""

    both: set[tuple[str, str]] = field(default_factory=set)
    only_syft: dict[tuple[str, str], str] = field(default_factory=dict)
    """With the cause; empty where none could be told."""
    only_ours: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """Of what Syft finds and has no cause of its own, the part that we find."""
        return _share(self.both, self.only_syft)

    @property
    def precision(self) -> float:
        """Of what we find, the part that Syft finds or that has a cause."""
        return _share(self.both, self.only_ours)


def _share(both: set[tuple[str, str]], other: Mapping[tuple[str, str], str]) -> float:
    unexplained = sum(not cause for cause in other.values())
    return len(both) / max(1, len(both) + unexplained)


_LOCKS = ("yarn.lock", "package-lock.json", "npm-shrinkwrap.json")
_INSTALLED = re.compile(r"/node_modules/(?:@[^/]+/)?[^/]+/package\.json$")
_MAIN_MODULE = "the main module, whose version Syft guesses from the linker's options"
_GUESSED = "a jar that does not say who it is: both guess from its manifest and its file's name"

Named: TypeAlias = tuple[str, str]
"""Name and version, spelt as we do."""


def read_image(layers: Sequence[Layer]) -> tuple[InstalledPackage, ...]:
    """The packages of an image."""
    return squash([_facts(layer.path, layer.digest) for layer in layers]).packages


@cache
def _facts(path: Path, digest: str) -> LayerFacts:
    with path.open("rb") as stream:
        return scan_layer(stream, digest=digest)


def compare(images: Iterable[tuple[Sequence[InstalledPackage], Sequence[Artifact]]]) -> Mapping[str, Agreement]:
    """Agreement by ecosystem over many images. What one image lacks counts as lacking, whatever another one has."""
    agreements: dict[str, Agreement] = defaultdict(Agreement)
    for packages, artifacts in images:
        guessed = {path for item in artifacts if _is_guessed(item) for path in item.locations}
        ours, theirs = _by_ecosystem(_ours(packages, guessed)), _by_ecosystem(_theirs(artifacts))
        for ecosystem in sorted({*ours, *theirs}):
            _add(agreements[ecosystem], ours.get(ecosystem, {}), theirs.get(ecosystem, {}))
    for agreement in agreements.values():
        agreement.both -= {*agreement.only_syft, *agreement.only_ours}
    return agreements


def _add(agreement: Agreement, ours: Mapping[Named, str], theirs: Mapping[Named, str]) -> None:
    agreement.both |= ours.keys() & theirs.keys()
    agreement.only_syft |= {item: theirs[item] for item in theirs.keys() - ours.keys()}
    agreement.only_ours |= {item: ours[item] for item in ours.keys() - theirs.keys()}


def _by_ecosystem(found: Iterable[tuple[str, Named, str]]) -> dict[str, dict[Named, str]]:
    gathered: dict[str, dict[Named, str]] = defaultdict(dict)
    for ecosystem, item, cause in found:
        gathered[ecosystem][item] = cause
    return gathered


def _ours(packages: Iterable[InstalledPackage], guessed: AbstractSet[str]) -> Iterator[tuple[str, Named, str]]:
    for item in packages:
        package, cause = item.package, ""
        ecosystem = package.ecosystem.partition(":")[0]
        if item.location.endswith(_LOCKS):
            cause = "a lock file with nothing installed beside it, which Syft reads in folders of sources alone"
        elif package.version == "(devel)":
            cause = _MAIN_MODULE
        elif f"/{item.location}" in guessed:
            cause = _GUESSED
        yield ecosystem, (package.name.rpartition(":")[2], _version(ecosystem, package.version)), cause


def _theirs(artifacts: Iterable[Artifact]) -> Iterator[tuple[str, Named, str]]:
    for item in artifacts:
        ecosystem = _ECOSYSTEMS.get(item.type)
        if ecosystem is not None:
            yield ecosystem, (_name(ecosystem, item.name), _version(ecosystem, item.version)), _cause(item)


def _name(ecosystem: str, name: str) -> str:
    row = find_ecosystem(ecosystem)
    assert row is not None
    return row.normalise_name(name).rpartition(":")[2]


def _version(ecosystem: str, version: str) -> str:
    if ecosystem == "Go":
        number = version.removeprefix("go").removeprefix("v")
        return f"{number}.0" if re.fullmatch(r"1\.\d+", number) else number  # Go's library before 1.21
    return version


def _cause(item: Artifact) -> str:
    """Why Syft tells something that we do not."""
    if not item.version or item.version == "UNKNOWN":
        return "Syft does not know its version either"
    if item.type == "deb" and not any("/dpkg/" in path for path in item.locations):
        return "a note inside a program names its source package; dpkg's database, which has the program, does not"
    if item.type == "go-module" and item.metadata.get("mainModule") == item.name:
        return _MAIN_MODULE
    if item.type == "npm" and not any(_INSTALLED.search(path) for path in item.locations):
        return "a package.json that is no installed package's: a project's own, a template, a test's"
    return _GUESSED if _is_guessed(item) else ""


def _is_guessed(item: Artifact) -> bool:
    return item.type == "java-archive" and not item.metadata.get("pomProperties")
