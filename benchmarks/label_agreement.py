"""Matching held against Anchore's labels: which vulnerabilities of which packages people found to be there, or not.

A label says (image, package, version, vulnerability, true or false). The images cannot be had, so that a label is asked
at the level of its package: does an advisory that we hold for that package and vulnerability match its version? Labels
of vulnerabilities that no advisory here speaks of for that package say nothing about matching and are left out, and so
are advisories without any version.

Which ecosystem a package is of a label does not say: it is the one in which an advisory names both the package and the
flaw, and for packages of a distribution that of the image. Where a language's package is known by a CVE alone, the
label was found by comparing names with the NVD, in which a Jenkins plugin and a Python package can share one; those
are left out.

Some false positives are not for the comparison of versions to avoid, and are set aside: the rest of the product tells
them apart, or the label lacks what it takes. They are listed with what shows it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from deadlight.advisories.advisory import Advisory, Affected
from deadlight.advisories.archive import read_advisories
from deadlight.advisories.match import match_package
from deadlight.advisories.version_keys import VersionKeys
from deadlight.ecosystems import find_ecosystem
from deadlight.ecosystems.go_versions import module_version_of_toolchain
from deadlight.model.package import Package

DATA = Path(__file__).parents[1] / "../shared/data"
ADVISORIES = DATA / "osv-clear.jsonl.zst"
LABELS = DATA / "match-labels-dev.jsonl"

Entry: TypeAlias = tuple[str, Affected]
"""An advisory's identifier and what it says of one package."""

_DISTRIBUTIONS = {"docker.io/almalinux@": "AlmaLinux:8"}
"""By how an image's name begins; distributions for which advisories are held."""


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody found."""

    image: str
    name: str
    version: str
    identifiers: frozenset[str]
    """Of the vulnerability: as it was reported, and its CVE."""
    is_true: bool
    note: str = ""
    """Why it is false, in few cases."""

    @property
    def tells_language(self) -> bool:
        """Whether it was not found by name alone: GitHub's advisories are of an ecosystem, and Go's names of Go's."""
        is_go = self.name == "stdlib" or ("/" in self.name and "." in self.name.partition("/")[0])
        return is_go or any(identifier.startswith("GHSA-") for identifier in self.identifiers)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A label that matching does not bear out."""

    label: Label
    advisory: str
    cause: str
    is_set_aside: bool = False


@dataclass
class Score:
    """How matching does in one ecosystem."""

    found: int = 0
    missed: list[Disagreement] = field(default_factory=list)
    raised: list[Disagreement] = field(default_factory=list)
    """False positives."""
    spared: int = 0
    """Labels of false positives that are not raised."""

    @property
    def recall(self) -> float:
        """Of what is there, the part found."""
        return self.found / max(1, self.found + len(self.missed))

    @property
    def precision(self) -> float:
        """Of what is found, the part that is there."""
        return self.found / max(1, self.found + sum(not item.is_set_aside for item in self.raised))

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def read_labels() -> list[Label]:
    """All labels that are decided, each once."""
    rows = map(json.loads, LABELS.read_text().splitlines())
    labels = (
        Label(
            row["image"],
            row["pkg"],
            row["ver"],
            frozenset({row["vuln"], row["cve"]} - {None}),
            row["label"] == "TP",
            row["note"] or "",
        )
        for row in rows
        if row["label"] in {"TP", "FP"} and row["pkg"] and row["ver"]
    )
    return list(dict.fromkeys(labels))


class Advisories:
    """The advisories held, by bucket and identifier."""

    def __init__(self, advisories: Iterable[Advisory]) -> None:
        self._keys = VersionKeys()
        self._entries: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
        self._ecosystems: set[str] = set()
        for advisory in advisories:
            if not advisory.is_withdrawn:
                self._add(advisory)

    def _add(self, advisory: Advisory) -> None:
        for entry in advisory.affected:
            if entry.ranges or entry.versions:
                self._ecosystems.add(entry.ecosystem)
                for identifier in {advisory.id, *advisory.aliases, *advisory.upstream}:
                    self._entries[entry.ecosystem, entry.name, identifier].append((advisory.id, entry))

    def of(self, label: Label) -> tuple[str, list[Entry]]:
        """The ecosystem in which advisories speak of a label's package and vulnerability, and their entries."""
        for ecosystem in self._possible(label):
            row = find_ecosystem(ecosystem)
            if row is not None:
                name = row.normalise_name(label.name)
                found = [pair for id_ in label.identifiers for pair in self._entries.get((ecosystem, name, id_), ())]
                if found:
                    return ecosystem, list({advisory: (advisory, entry) for advisory, entry in found}.values())
        return "", []

    def _possible(self, label: Label) -> list[str]:
        distribution = [name for start, name in _DISTRIBUTIONS.items() if label.image.startswith(start)]
        if distribution or not label.tells_language:
            return distribution
        rows = {name: find_ecosystem(name) for name in sorted(self._ecosystems)}
        return [name for name, row in rows.items() if row and not row.os_ids]

    def match(self, label: Label, ecosystem: str, entries: Sequence[Entry]) -> str:
        """The advisory that matches; empty where none does."""
        name, version = entries[0][1].name, _as_installed(ecosystem, label)
        package = Package(ecosystem, name, version, "", name, version, "")
        result = match_package(package, entries, self._keys)
        return result.matches[0].advisory_id if result.matches else ""


def _as_installed(ecosystem: str, label: Label) -> str:
    """The version as cataloguers write it."""
    if ecosystem == "Go":
        is_library = label.name == "stdlib"
        return module_version_of_toolchain(label.version) if is_library else label.version
    return label.version


def score_labels(labels: Sequence[Label], advisories: Advisories) -> Mapping[str, Score]:
    """Scores by ecosystem."""
    scores: dict[str, Score] = defaultdict(Score)
    installed: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        installed[label.image].add(label.name)
    for label in labels:
        ecosystem, entries = advisories.of(label)
        if entries:
            matched = advisories.match(label, ecosystem, entries)
            _count(scores[ecosystem], label, matched, entries, installed[label.image])
    return scores


def _count(score: Score, label: Label, matched: str, entries: Sequence[Entry], beside: AbstractSet[str]) -> None:
    fixed = ", ".join(sorted({fix for _, entry in entries for fix in entry.fixed_versions})) or "no version"
    if label.is_true and matched:
        score.found += 1
    elif label.is_true:
        said = f"the advisory's versions do not hold this one (fixed in {fixed})"
        score.missed.append(Disagreement(label, entries[0][0], said))
    elif matched:
        aside = _set_aside(label, beside)
        said = aside or f"the advisory's versions hold this one (fixed in {fixed})"
        score.raised.append(Disagreement(label, matched, said, bool(aside)))
    else:
        score.spared += 1


def _set_aside(label: Label, beside: AbstractSet[str]) -> str:
    """What shows that a false positive is not for the comparison of versions to avoid; empty where nothing does."""
    if label.note:
        return f"the labeller's note: {label.note}"
    if {f"python3-{label.name}", "platform-python"} & beside:
        return "the distribution's own Python brings it: it is matched as the distribution's package"
    if label.image.startswith(tuple(_DISTRIBUTIONS)) and "-" not in label.version:
        return "the label lacks the release, without which no rpm can be told from its fix"
    return ""


def iter_advisories() -> Iterator[Advisory]:
    """The advisories in the folder beside the project."""
    return (item for item in read_advisories(ADVISORIES) if isinstance(item, Advisory))


def has_data() -> bool:
    """Whether the folder beside the project is there."""
    return ADVISORIES.exists() and LABELS.exists()
