"""Layers squashed into what a container of the image sees."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from deadlight.scanner.applicability.first_party_code import FirstPartyCode, gather_own_code
from deadlight.scanner.facts import LayerFacts
from deadlight.scanner.filesystem import File, FileSystem
from deadlight.scanner.layer import OS_RELEASE
from deadlight.scanner.limits import DEFAULT_LIMITS, Limits
from deadlight.scanner.tar import Kind


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


def squash(layers: Sequence[LayerFacts], *, limits: Limits = DEFAULT_LIMITS) -> ImageContents:
    """Combine the layers of an image, bottom first.

    Whiteouts are applied, a package database counts as a whole from the topmost layer that has it, and all paths are
    those a process sees, symbolic links to folders resolved (`/bin/ls` is `/usr/bin/ls` on a merged /usr).

    Raises:
        ImageTooLargeError: more files and folders altogether than `limits` allow.
    """
    tree = FileSystem(limits)
    for index, layer in enumerate(layers):
        tree.apply(index, layer)
    visible = _files_with_facts(tree, layers)
    distribution = _distribution(tree, layers)
    system, language = _catalogue(visible, layers, distribution)
    packages = _with_link_names(tree, _mark_owned(_locate(tree, system), _locate(tree, language)))
    catalogue = Catalogue.merge((system, language))
    return ImageContents(
        distribution=distribution.ecosystem,
        packages=packages,
        problems=_bounded(
            [
                *_distribution_problems(distribution, system),
                *_unread_documents(visible, layers),
                *catalogue.problems,
            ],
            limits.max_problems,
        ),
        calls=gather_own_code(tree, layers, visible, _installed_paths(packages), catalogue.requirements),
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
        links = (entry.path for entry in layer.entries if entry.kind is Kind.HARD_LINK)
        kept = (layer.documents, layer.excerpts, layer.sources, layer.unread_documents, layer.unread_sources, links)
        for path in (path for paths in kept for path in paths):
            found = tree.find_file(path)
            if found is not None:
                visible[found[0]] = found[1]
    return visible


def _distribution(tree: FileSystem, layers: Sequence[LayerFacts]) -> Distribution:
    for path in OS_RELEASE:
        found = tree.find_file(path, follow=True)
        content = layers[found[1].layer].documents.get(found[1].path) if found else None
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


def _bounded(problems: Sequence[str], limit: int) -> tuple[str, ...]:
    more = len(problems) - limit
    return (*problems[:limit], *([f"and {more} more problems"] if more > 0 else []))


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
        if cataloguer.excerpt is not None:
            content = layer.excerpts.get(file.path, {}).get(cataloguer.name)
        else:
            content = layer.documents.get(file.path) if cataloguer.wants(path[1:]) else None
        if content is not None:
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
        reason = layer.unread_documents.get(file.path)
        if reason is not None:
            yield f"{path[1:]} in layer {layer.digest}: {reason}"
        elif path[1:] != file.path and file.path not in layer.documents and _is_wanted(path[1:], but_not=file.path):
            yield f"{path[1:]} in layer {layer.digest}: is a hard link to {file.path}, which was not read"


def _is_wanted(path: str, *, but_not: str) -> bool:
    """Whether a cataloguer wants a file by this name that it does not want by the other."""
    return any(cataloguer.wants(path) and not cataloguer.wants(but_not) for cataloguer in CATALOGUERS)
