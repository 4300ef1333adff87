"""Installed Python distributions: `*.dist-info`, `*.egg-info` and eggs, wherever they lie."""

import csv
import posixpath
import re
from collections.abc import Iterable, Mapping
from io import StringIO

from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    is_plausible_version,
)
from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import InstalledPackage, Package

_MARKERS = (".dist-info/METADATA", ".egg-info/PKG-INFO", "EGG-INFO/PKG-INFO", ".egg-info")
"""Files that prove a distribution. distutils wrote `.egg-info` as a file instead of a folder."""

_WANTED = (
    *_MARKERS,
    ".dist-info/RECORD",
    *(
        f"{folder}/{file}"
        for folder in (".egg-info", "EGG-INFO")
        for file in ("installed-files.txt", "SOURCES.txt", "requires.txt")
    ),
)

_HEADER = re.compile(r"^(Name|Version|Requires-Dist)[ \t]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")


def normalise_name(name: str) -> str:
    """The spelling under which an index lists a project (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def source_of_bytecode(path: str) -> str:
    """The `.py` file that a `.pyc` was compiled from (PEP 3147); an empty text for any other path."""
    if not path.endswith(".pyc"):
        return ""
    folder, _, file = path.rpartition("/")
    parent, _, last = folder.rpartition("/")
    if last == "__pycache__":
        return f"{parent}/{file.partition('.')[0]}.py"
    return path[:-1]


def _wants(path: str) -> bool:
    return path.endswith(_WANTED)


def _catalogue(documents: Mapping[str, Document], _distribution: Distribution) -> Catalogue:
    return Catalogue.merge(
        _catalogue_marker(path, document, documents) for path, document in documents.items() if path.endswith(_MARKERS)
    )


def _catalogue_marker(location: str, document: Document, documents: Mapping[str, Document]) -> Catalogue:
    headers = [(key.lower(), value.strip()) for key, value in _HEADER.findall(_header_text(document.content))]
    fields = dict(reversed(headers))
    if not (is_plausible_version(fields.get("version", "")) and _NAME.fullmatch(fields.get("name", ""))):
        return Catalogue(
            problems=(f"{location} in layer {document.layer_digest}: no valid Name and Version, not catalogued",)
        )
    name = normalise_name(fields["name"])
    version = fields["version"]
    package = Package(
        "PyPI", name, version, language_purl("pypi", name, version), source_name=name, source_version=version
    )
    files, problems = _owned_files(location, documents)
    requirements = [value for key, value in headers if key == "requires-dist"]
    return Catalogue(
        (InstalledPackage(package, location, document.layer_digest, files),),
        problems,
        {name: _required_names([*requirements, *_egg_requirements(location, documents)])},
    )


def _header_text(content: bytes) -> str:
    """The lines before the first empty one: what follows is the long description."""
    return re.split(r"\r?\n\r?\n", content.decode("utf-8", "replace"), maxsplit=1)[0]


def _required_names(requirements: Iterable[str]) -> frozenset[str]:
    matches = (_NAME.match(requirement.strip()) for requirement in requirements)
    return frozenset(normalise_name(match[0]) for match in matches if match)


def _egg_requirements(location: str, documents: Mapping[str, Document]) -> list[str]:
    """`requires.txt` lists requirements under `[extra]` headings."""
    document = documents.get(f"{posixpath.dirname(location)}/requires.txt")
    return [line for line in _lines(document) if not line.startswith("[")] if document else []


def _owned_files(location: str, documents: Mapping[str, Document]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Absolute paths of a distribution's files, and what was wrong with their list."""
    folder = posixpath.dirname(location)
    site = f"/{posixpath.dirname(folder)}"
    if record := documents.get(f"{folder}/RECORD"):
        rows, problem = _record_rows(record.content)
        problems = (f"{folder}/RECORD in layer {record.layer_digest}: {problem}",) if problem else ()
        return _absolute(site, rows), problems
    if installed := documents.get(f"{folder}/installed-files.txt"):
        return _absolute(f"/{folder}", _lines(installed)), ()
    if sources := documents.get(f"{folder}/SOURCES.txt"):
        return _absolute(site, _lines(sources)), ()
    return (), ()


def _record_rows(content: bytes) -> tuple[list[str], str]:
    """The paths of a RECORD (`path,hash,size` a row), and what is wrong with it if anything."""
    rows: list[str] = []
    try:
        for row in csv.reader(StringIO(content.decode("utf-8", "replace"), newline="")):
            if row and len(row) != 3:
                return rows, f"row {len(rows) + 1} is not path,hash,size: the files after it are unknown"
            rows += row[:1]
    except csv.Error as error:
        return rows, f"row {len(rows) + 1} is not CSV ({error}): the files after it are unknown"
    return rows, ""


def _lines(document: Document) -> list[str]:
    return document.content.decode("utf-8", "replace").splitlines()


def _absolute(base: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Join and normalise; byte code is left out where its source is listed, for it is found through its source."""
    found = dict.fromkeys(posixpath.normpath(posixpath.join(base, path)) for path in paths if path)
    return tuple(path for path in found if source_of_bytecode(path) not in found)


PYTHON = Cataloguer(name="python", version=1, wants=_wants, catalogue=_catalogue, operating_system=False)
