"""dpkg's database: /var/lib/dpkg with its status file and file lists, or distroless's one file a package."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deadlight.ecosystems.database_entries import split_entries
from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    is_plausible_version,
)
from deadlight.ecosystems.purl import distribution_purl
from deadlight.model.package import InstalledPackage, Package

_ROOT = "var/lib/dpkg/"
_STATUS = f"{_ROOT}status"
_STATUS_FOLDER = f"{_ROOT}status.d/"
_FILE_LISTS = f"{_ROOT}info/"
_DIVERSIONS = f"{_ROOT}diversions"
_CHECKSUMS = ".md5sums"

_FIELD = re.compile(r"^(Package|Version|Architecture|Status|Source):(.*)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,255}")
_ARCHITECTURE = re.compile(r"[a-z0-9-]{0,64}")
_SOURCE = re.compile(rf"({_NAME.pattern})(?: \(([^ ()]+)\))?")


def _wants(path: str) -> bool:
    if not path.startswith(_ROOT):
        return False
    if path.startswith(_FILE_LISTS):
        return path.endswith(".list")
    return path in {_STATUS, _DIVERSIONS} or path.startswith(_STATUS_FOLDER)


@dataclass(frozen=True, slots=True)
class _Database:
    documents: Mapping[str, Document]
    distribution: Distribution
    diversions: Mapping[str, tuple[str, str]]
    """A path -> where the file lies instead, and the package for which the path stays free (dpkg-divert(1))."""


def _catalogue(documents: Mapping[str, Document], distribution: Distribution) -> Catalogue:
    database = _Database(documents, distribution, _parse_diversions(documents.get(_DIVERSIONS)))
    return Catalogue.merge(_catalogue_status(location, database) for location in documents if _is_status(location))


def _is_status(path: str) -> bool:
    return path == _STATUS or (path.startswith(_STATUS_FOLDER) and not path.endswith(_CHECKSUMS))


def _catalogue_status(location: str, database: _Database) -> Catalogue:
    """The installed packages of one status file. Entries that were cut or garbled are named, the others kept."""
    document = database.documents[location]
    where = f"{location} in layer {document.layer_digest}"
    text = split_entries(document.content)
    packages: list[InstalledPackage] = []
    problems: list[str] = []
    for entry in text.entries:
        fields = {name: value.strip() for name, value in _FIELD.findall(entry)}
        if not _is_installed(fields):
            continue
        if not _is_complete(fields):
            problems.append(f"{where}: no valid Package and Version in the entry {entry[:60]!r}")
            continue
        package = _package(fields, database.distribution)
        files = tuple(_owned_files(location, package, database))
        packages.append(InstalledPackage(package, location, document.layer_digest, files))
    if location == _STATUS and text.problem:
        last = packages[-1].package.name if packages else "the beginning"
        problems.append(f"{where}: {text.problem}, packages after {last} are unknown")
    return Catalogue(tuple(packages), tuple(problems))


def _is_installed(fields: Mapping[str, str]) -> bool:
    """The third word of `Status: install ok installed`; distroless images leave the field out."""
    return fields.get("Status", "installed").rpartition(" ")[2] == "installed"


def _is_complete(fields: Mapping[str, str]) -> bool:
    return (
        is_plausible_version(fields.get("Version", ""))
        and _NAME.fullmatch(fields.get("Package", "")) is not None
        and _ARCHITECTURE.fullmatch(fields.get("Architecture", "")) is not None
    )


def _package(fields: Mapping[str, str], distribution: Distribution) -> Package:
    """`Source: glibc (2.36-9)` names the source package, with a version where it differs from the binary's."""
    name, version, architecture = fields["Package"], fields["Version"], fields.get("Architecture", "")
    source = _SOURCE.fullmatch(fields.get("Source", ""))
    source_version = source[2] if source else None
    return Package(
        ecosystem=distribution.ecosystem,
        name=name,
        version=version,
        purl=distribution_purl("deb", name, version, architecture, distribution),
        source_name=source[1] if source else name,
        source_version=source_version if source_version and is_plausible_version(source_version) else version,
        architecture=architecture,
    )


def _owned_files(location: str, package: Package, database: _Database) -> Iterator[str]:
    documents = database.documents
    if location != _STATUS:
        return _checksummed_files(documents.get(f"{location}{_CHECKSUMS}"))
    stem = f"{_FILE_LISTS}{package.name}"
    listing = documents.get(f"{stem}:{package.architecture}.list") or documents.get(f"{stem}.list")
    return _listed_files(listing, package.name, database.diversions)


def _listed_files(listing: Document | None, name: str, diversions: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """One absolute path a line, folders included."""
    for path in _lines(listing):
        elsewhere, keeper = diversions.get(path, (path, name))
        if path.startswith("/"):
            yield path if keeper == name else elsewhere


def _checksummed_files(checksums: Document | None) -> Iterator[str]:
    """`<md5>  usr/bin/name` a line."""
    for line in _lines(checksums):
        path = line.partition("  ")[2]
        if path:
            yield f"/{path.removeprefix('/')}"


def _parse_diversions(document: Document | None) -> dict[str, tuple[str, str]]:
    """Three lines a diversion: the path, where it goes instead, and the package it stays for."""
    lines = _lines(document)
    return {path: (to, keeper) for path, to, keeper in zip(lines[::3], lines[1::3], lines[2::3], strict=False)}


def _lines(document: Document | None) -> list[str]:
    return document.content.decode("utf-8", "replace").split("\n") if document else []


DPKG = Cataloguer(name="dpkg", version=1, wants=_wants, catalogue=_catalogue, operating_system=True)
