"""What an ecosystem of packages is: names, an order of versions, and a way to read its packages from an image."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from deadlight.model.package import InstalledPackage

VersionKey: TypeAlias = tuple[Any, ...]
"""Opaque. Totally ordered within one ecosystem; two keys are equal exactly when the versions are."""

MAX_VERSION_LENGTH = 512
"""Far above any real version; keeps keys small and number parsing linear."""

UNKNOWN_VENDOR = "unknown"
"""Stands for the distribution where no os-release names one, for a purl of its packages needs a namespace."""

_PLAUSIBLE_VERSION = re.compile(rf"[!-~]{{1,{MAX_VERSION_LENGTH}}}")


class InvalidVersionError(ValueError):
    """The text is not a version of its ecosystem, so it has no place in the order."""


class UnreadableFileError(ValueError):
    """A file is not what its name or its first bytes say; the text tells what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A small file of an image that a cataloguer asked for, or its excerpt of a large one, and the file's layer."""

    content: bytes
    layer_digest: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """The operating system of an image."""

    ecosystem: str = ""
    """OSV's name with release (`Debian:12`); empty when unknown or without advisories."""
    vendor: str = UNKNOWN_VENDOR
    """The namespace of purls: os-release's `ID`."""
    release: str = ""
    """The `distro` qualifier of purls: `debian-12`; empty when unknown."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a cataloguer found. File paths are as the package database spells them: absolute, links not resolved.

    A path that ends with a slash stands for all files below that folder, except those below a folder of another package
    inside it. Where several packages name one folder, it is the first one's; the root is nobody's.
    """

    packages: tuple[InstalledPackage, ...] = ()
    problems: tuple[str, ...] = ()
    """What could not be read, each naming path and layer."""
    requirements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of the packages that each package says it needs, by name; only where the format says so."""

    @classmethod
    def unread(cls, location: str, document: Document, reason: object) -> "Catalogue":
        """Nothing but what is wrong with a document, or with a part of it."""
        return cls(problems=(f"{location} in layer {document.layer_digest}: {reason}",))

    @classmethod
    def merge(cls, catalogues: "Iterable[Catalogue]") -> "Catalogue":
        """Everything that several catalogues found, in their order."""
        parts = tuple(catalogues)
        requirements: dict[str, frozenset[str]] = {}
        for part in parts:
            for name, needs in part.requirements.items():
                requirements[name] = requirements.get(name, frozenset()) | needs
        return cls(
            tuple(package for part in parts for package in part.packages),
            tuple(problem for part in parts for problem in part.problems),
            requirements,
        )


def each_by_itself(
    catalogue: Callable[[str, Document], Catalogue],
) -> Callable[[Mapping[str, Document], Distribution], Catalogue]:
    """For formats whose every document says all by itself: the catalogue of all of them, from that of one by path."""

    def catalogue_all(documents: Mapping[str, Document], _distribution: Distribution) -> Catalogue:
        return Catalogue.merge(catalogue(path, document) for path, document in documents.items())

    return catalogue_all


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is kept of files that are too large to be kept whole: programs and archives with packages inside."""

    take: Callable[[memoryview], bytes | None]
    """From a file's content to the document that stands for it; None where the file is of no interest.

    Time and memory are bounded in terms of the content's length. Raises UnreadableFileError for what is damaged.
    """
    magic: bytes = b""
    """The first bytes of every such file; a file that begins with others is passed over."""
    executables: bool = False
    """Whether files that may be executed are wanted too, whatever their path."""


@dataclass(frozen=True, slots=True)
class Cataloguer:
    """Reads one format of package database.

    `wants` chooses files by path (relative to the root, no leading slash); it is asked once for every file of a layer.
    `catalogue` receives those files of the finished image, or the excerpts of them, and never raises for what they
    contain.
    """

    name: str
    version: int
    """Raise it whenever the same files would give another result: cached layers are then read again."""
    wants: Callable[[str], bool]
    catalogue: Callable[[Mapping[str, Document], Distribution], Catalogue]
    operating_system: bool
    """Whether its packages are the distribution's own, which may own files of packages of other kinds."""
    excerpt: Excerpt | None = None
    """None where the files it wants are kept whole."""


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """One row of the table of ecosystems."""

    name: str
    """OSV's name without release: `Debian`, `PyPI`."""
    purl_type: str
    version_key: Callable[[str], VersionKey]
    """Raises InvalidVersionError for a text that is no version of this ecosystem."""
    normalise_name: Callable[[str], str]
    """The spelling advisories use."""
    cataloguer: Cataloguer
    os_ids: tuple[str, ...] = ()
    """The `ID`s in os-release of the distribution, in lower case; empty for what is not one."""
    os_release: Callable[[Mapping[str, str]], str] | None = None
    """From os-release's fields to OSV's release (`12`, `v3.19`); empty when it names none."""
    normalise_release: Callable[[str], str] | None = None
    """From releases as advisories name them to that of `os_release`, where they name more than an image can tell."""
    shows_version_id: bool = False
    """Whether purls show os-release's `VERSION_ID` (`15.5`) in place of OSV's release, which is no version there."""


def unchanged(name: str) -> str:
    """The name itself, for ecosystems whose advisories spell packages as their databases do."""
    return name


def is_plausible_version(text: str) -> bool:
    """Whether a text from a package database can be a version at all: short, printable, without spaces."""
    return _PLAUSIBLE_VERSION.fullmatch(text) is not None


def require_length(version: str) -> None:
    """Refuse a text too long to be a version.

    Raises:
        InvalidVersionError: longer than `MAX_VERSION_LENGTH`.
    """
    if len(version) > MAX_VERSION_LENGTH:
        raise InvalidVersionError(
            f"version of {len(version)} characters (at most {MAX_VERSION_LENGTH}): {version[:40]!r}..."
        )
