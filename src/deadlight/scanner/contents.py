"""Layers squashed into what a container of the image sees."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from deadlight.ecosystems import (
    CATALOGUERS,
    ECOSYSTEMS,
    UNKNOWN_VENDOR,
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    identify_distribution,
    parse_os_release,
)
from deadlight.model.package import InstalledPackage
from deadlight.scanner.analyzers import OS_RELEASE, OS_RELEASE_PATHS, package_analyzers
from deadlight.scanner.applicability.first_party_code import FirstPartyCode, gather_own_code
from deadlight.scanner.exposures.examination import NOTHING_EXAMINED, ExaminedImage, bounded
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import File, FileSystem
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.tar import Kind

_NAMES = tuple(analyzer.name for analyzer in package_analyzers())


@dataclass(frozen=True, slots=True)
class ImageContents:
    """What is in an image."""

    distribution: str
    """OSV's ecosystem of the operating system (`Debian:12`); empty when there is none or it has no advisories."""
    packages: tuple[InstalledPackage, ...]
    """The operating system's own packages first."""
    problems: tuple[str, ...] = ()
    """What could not be read, each naming path and layer."""
    calls: FirstPartyCode = field(default_factory=FirstPartyCode, repr=False)
    """What the image's own code calls, for contextual analysis."""
    examined: ExaminedImage = field(default=NOTHING_EXAMINED, repr=False, compare=False)
    """For scanners of exposures."""


def squash(
    layers: Sequence[LayerFacts],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> ImageContents:
    """Combine the layers of an image, bottom first.

    Whiteouts are applied, a package database counts as a whole from the topmost layer that has it, and all paths are
    those a process sees, symbolic links to folders resolved (`/bin/ls` is `/usr/bin/ls` on a merged /usr).

    Raises:
        ImageTooLargeError: more files and folders altogether than `limits` allow.
    """
    tree = FileSystem(limits)
    for index, layer in enumerate(layers):
        tree.apply(index, layer.listing)
    visible = _files_with_facts(tree, layers)
    distribution = _distribution(tree, layers)
    system, language = _catalogue(visible, layers, distribution)
    packages = _with_link_names(tree, _mark_owned(_locate(tree, system), _locate(tree, language)))
    catalogue = Catalogue.merge((system, language))
    installed = _installed_paths(packages)
    return ImageContents(
        distribution=distribution.ecosystem,
        packages=packages,
        problems=bounded(
            [
                *_distribution_problems(distribution, system),
                *_unread_documents(visible, layers),
                *catalogue.problems,
            ],
            limits.max_problems,
        ),
        calls=gather_own_code(tree, layers, visible, installed, catalogue.requirements),
        examined=ExaminedImage(tree, layers, packages, installed),
    )


def owners_by_path(packages: Sequence[InstalledPackage]) -> dict[str, int]:
    """For each owned file's absolute path, the index of its package.

    A file that an operating-system package ships belongs to that package alone, also when it is part of a Python
    distribution inside it. Where several packages list a file, the first counts.
    """
    return {path: holders[0] for path, holders in holders_by_path(packages).items()}


def holders_by_path(packages: Sequence[InstalledPackage]) -> dict[str, list[int]]:
    """For each owned file's absolute path, the indexes of all packages that are in use when the file is.

    Those are its owner and the packages linked or packed into it, as the modules of a Go program are.
    """
    holders: dict[str, list[int]] = {}
    for index, package in enumerate(packages):
        if not package.owner_purl:
            inside = _lies_in_its_file(package)
            for path in package.files:
                known = holders.setdefault(path, [index])
                if inside and known[-1] != index:
                    known.append(index)
    return holders


def _lies_in_its_file(package: InstalledPackage) -> bool:
    """Whether a package is part of the file that proves it, rather than described there."""
    return package.files[:1] == (f"/{package.location}",)


def _installed_paths(packages: Sequence[InstalledPackage]) -> Mapping[str, int]:
    """The files that packages brought. One's own program is no package's for the packages that were linked into it."""
    return owners_by_path([package for package in packages if not _lies_in_its_file(package)])


def _files_with_facts(tree: FileSystem, layers: Sequence[LayerFacts]) -> dict[str, File]:
    """The files still visible of which a layer kept more than the name, by real path; under every hard link too."""
    visible: dict[str, File] = {}
    for layer in layers:
        links = (entry.path for entry in layer.listing.entries if entry.kind is Kind.HARD_LINK)
        kept = (paths for name in _NAMES for paths in (layer.of(name).files, layer.of(name).unread))
        for path in dict.fromkeys(chain(*kept, links)):
            found = tree.find_file(path)
            if found is not None:
                visible[found[0]] = found[1]
    return visible


def _distribution(tree: FileSystem, layers: Sequence[LayerFacts]) -> Distribution:
    for path in OS_RELEASE_PATHS:
        found = tree.find_file(path, follow=True)
        content = layers[found[1].layer].of(OS_RELEASE[0]).files.get(found[1].path) if found else None
        if content is not None:
            return identify_distribution(parse_os_release(content), ECOSYSTEMS)
    return Distribution()


def _distribution_problems(distribution: Distribution, system: Catalogue) -> Iterator[str]:
    """An image of which nothing is known must not look like one without vulnerabilities."""
    count = len(system.packages)
    name = distribution.release or distribution.vendor
    if distribution.ecosystem and not count:
        yield f"distribution {name}: no package database was found, its packages are unknown"
    elif not distribution.ecosystem and (count or distribution.vendor != UNKNOWN_VENDOR):
        yield f"distribution {name} is not supported: {count} of its packages were read, none can be matched"


def _catalogue(
    visible: Mapping[str, File], layers: Sequence[LayerFacts], distribution: Distribution
) -> tuple[Catalogue, Catalogue]:
    """What the operating system's package managers installed, and what others did."""
    found = {
        cataloguer: cataloguer.catalogue(_documents(cataloguer, visible, layers), distribution)
        for cataloguer in CATALOGUERS
    }
    return (
        Catalogue.merge(catalogue for cataloguer, catalogue in found.items() if cataloguer.operating_system),
        Catalogue.merge(catalogue for cataloguer, catalogue in found.items() if not cataloguer.operating_system),
    )


def _documents(
    cataloguer: Cataloguer, visible: Mapping[str, File], layers: Sequence[LayerFacts]
) -> dict[str, Document]:
    """What the layers kept for a cataloguer, by the path under which it is visible."""
    documents: dict[str, Document] = {}
    for path, file in visible.items():
        layer = layers[file.layer]
        content = layer.of(cataloguer.name).files.get(file.path)
        if content is not None and (cataloguer.excerpt is not None or cataloguer.wants(path[1:])):
            documents[path[1:]] = Document(content, layer.digest)
    return documents


def _locate(tree: FileSystem, catalogue: Catalogue) -> list[InstalledPackage]:
    """The packages with the real paths of the files they have; listed folders, links and absent files are left out."""
    owners: dict[str, int] = {}
    for index, package in enumerate(catalogue.packages):
        for path in package.files:
            if path.endswith("/") and (folder := tree.find_folder(path)):
                owners.setdefault(folder, index)
    return [
        replace(package, files=tuple(dict.fromkeys(_real_files(tree, package.files, index, owners))))
        for index, package in enumerate(catalogue.packages)
    ]


def _real_files(tree: FileSystem, paths: Sequence[str], package: int, owners: Mapping[str, int]) -> Iterator[str]:
    """What the paths of a package stand for; `owners` has the real folders that belong to a package as a whole."""
    for path in paths:
        if not path.endswith("/"):
            if found := tree.find_file(path):
                yield found[0]
        elif (folder := tree.find_folder(path)) and owners[folder] == package:
            yield from tree.iter_files(folder, outside=owners)


def _mark_owned(system: list[InstalledPackage], language: list[InstalledPackage]) -> list[InstalledPackage]:
    """Name the operating-system package that ships the file which proves a package of a language."""
    owners = owners_by_path(system)
    for package in language:
        owner = owners.get(f"/{package.location}")
        system.append(package if owner is None else replace(package, owner_purl=system[owner].package.purl))
    return system


def _with_link_names(tree: FileSystem, packages: list[InstalledPackage]) -> tuple[InstalledPackage, ...]:
    """Give hard links that no package lists to the package that lists another name of the same file."""
    holders = holders_by_path(packages)
    added: defaultdict[int, list[str]] = defaultdict(list)
    for names in tree.iter_link_groups():
        for holder in next((holders[name] for name in names if name in holders), ()):
            added[holder] += [name for name in names if name not in holders]
    return tuple(
        replace(package, files=(*package.files, *added[index])) if index in added else package
        for index, package in enumerate(packages)
    )


def _unread_documents(visible: Mapping[str, File], layers: Sequence[LayerFacts]) -> Iterator[str]:
    for path, file in visible.items():
        layer = layers[file.layer]
        reasons = (_why_unread(cataloguer, path[1:], file.path, layer) for cataloguer in CATALOGUERS)
        for reason in dict.fromkeys(filter(None, reasons)):
            yield f"{path[1:]} in layer {layer.digest}: {reason}"


def _why_unread(cataloguer: Cataloguer, path: str, archived: str, layer: LayerFacts) -> str:
    """Why a cataloguer did not get a file; nothing where it did, or did not want it."""
    kept = layer.of(cataloguer.name)
    if reason := kept.unread.get(archived):
        return reason
    if path != archived and archived not in kept.files and cataloguer.wants(path) and not cataloguer.wants(archived):
        return f"is a hard link to {archived}, which was not read"
    return ""
