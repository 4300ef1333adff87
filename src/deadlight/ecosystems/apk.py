"""apk's database: one file of entries, each with its package's folders and files."""

import re
from collections.abc import Iterator, Mapping

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

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_NAME = re.compile(r"[A-Za-z0-9._+-]{1,256}")
_ARCHITECTURE = re.compile(r"[a-z0-9_-]{0,64}")


def _wants(path: str) -> bool:
    return path in _DATABASES


def _catalogue(documents: Mapping[str, Document], distribution: Distribution) -> Catalogue:
    return Catalogue.merge(
        _catalogue_database(location, documents[location], distribution)
        for location in _DATABASES
        if location in documents
    )


def _catalogue_database(location: str, document: Document, distribution: Distribution) -> Catalogue:
    """The packages of one database. Entries that were cut or garbled are named, the others kept."""
    where = f"{location} in layer {document.layer_digest}"
    database = split_entries(document.content)
    packages: list[InstalledPackage] = []
    problems: list[str] = []
    for entry in database.entries:
        lines = [(line[0], line[2:]) for line in entry.split("\n") if line[1:2] == ":"]
        fields = dict(reversed(lines))
        if not _is_complete(fields):
            problems.append(f"{where}: entry without a valid name (P:) and version (V:) near {entry[:60]!r}")
            continue
        files = tuple(_owned_files(lines))
        packages.append(InstalledPackage(_package(fields, distribution), location, document.layer_digest, files))
    if database.problem:
        last = packages[-1].package.name if packages else "the beginning"
        problems.append(f"{where}: {database.problem}, files of {last} and packages after it are unknown")
    return Catalogue(tuple(packages), tuple(problems))


def _is_complete(fields: Mapping[str, str]) -> bool:
    return (
        is_plausible_version(fields.get("V", ""))
        and _NAME.fullmatch(fields.get("P", "")) is not None
        and _ARCHITECTURE.fullmatch(fields.get("A", "")) is not None
    )


def _package(fields: Mapping[str, str], distribution: Distribution) -> Package:
    """`o:` is the origin, the package that was built; it has the same version as all that came out of it."""
    name, version, architecture, origin = fields["P"], fields["V"], fields.get("A", ""), fields.get("o", "")
    return Package(
        ecosystem=distribution.ecosystem,
        name=name,
        version=version,
        purl=distribution_purl("apk", name, version, architecture, distribution),
        source_name=origin if _NAME.fullmatch(origin) else name,
        source_version=version,
        architecture=architecture,
    )


def _owned_files(lines: list[tuple[str, str]]) -> Iterator[str]:
    """`F:` names a folder, each `R:` after it a file in it; the root is an empty `F:`."""
    folder = ""
    for key, value in lines:
        if key == "F":
            folder = f"/{value}" if value else ""
        elif key == "R":
            yield f"{folder}/{value}"


APK = Cataloguer(name="apk", version=1, wants=_wants, catalogue=_catalogue, operating_system=True)
