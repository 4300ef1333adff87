"""Packages that rpm installed: from its database, of whichever kind, or from a list that was left in its place."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deadlight.ecosystems.ecosystem import (
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    is_plausible_version,
)
from deadlight.ecosystems.purl import distribution_purl
from deadlight.ecosystems.rpm.berkeley import iter_berkeley_headers
from deadlight.ecosystems.rpm.budget import UnreadableDatabaseError
from deadlight.ecosystems.rpm.header import FileBounds, Header, Identity, InvalidHeaderError
from deadlight.ecosystems.rpm.manifest import iter_manifest
from deadlight.ecosystems.rpm.ndb import iter_ndb_headers
from deadlight.ecosystems.rpm.sqlite import iter_sqlite_headers
from deadlight.model.package import InstalledPackage, Package

_FOLDERS = ("var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/")
"""rpm's own place, where newer distributions have moved it, and where images of rpm-ostree keep it."""
_DATABASES = tuple(folder + name for folder in _FOLDERS for name in ("rpmdb.sqlite", "Packages.db", "Packages"))
_LOG = "-wal"
"""Follows an SQLite database's name in that of its write-ahead log."""
_MANIFEST = "var/lib/rpmmanifest/container-manifest-2"
_WANTED = frozenset((*_DATABASES, _MANIFEST, *(f"{folder}rpmdb.sqlite{_LOG}" for folder in _FOLDERS)))

_NAME = re.compile(r"[A-Za-z0-9._+~^-]{1,256}")
_ARCHITECTURE = re.compile(r"[A-Za-z0-9_]{0,64}")
_SOURCE = re.compile(rf"({_NAME.pattern})-([^-]{{1,256}}-[^-]{{1,256}})\.(?:no)?src\.rpm")
_MODULE = re.compile(r"[A-Za-z0-9._+:-]{1,256}")
_SIGNING_KEY = "gpg-pubkey"
"""Imported keys lie in the database as if they were packages."""


def _wants(path: str) -> bool:
    return path in _WANTED


@dataclass(frozen=True, slots=True)
class _Database:
    location: str
    document: Document
    log: Document | None
    distribution: Distribution

    def problem(self, text: str) -> str:
        return f"{self.location} in layer {self.document.layer_digest}: {text}"


def _catalogue(documents: Mapping[str, Document], distribution: Distribution) -> Catalogue:
    databases = [
        _Database(location, documents[location], documents.get(location + _LOG), distribution)
        for location in (*_DATABASES, _MANIFEST)
        if location in documents
    ]
    found = Catalogue.merge(map(_catalogue_database, databases))
    # A database that was converted can still be there in its old form: what both list is one package.
    packages = {item.package: item for item in reversed(found.packages)}
    several = () if len(databases) < 2 else (databases[1].problem(f"is there beside {databases[0].location}"),)
    return Catalogue(tuple(reversed(packages.values())), (*several, *found.problems))


def _catalogue_database(database: _Database) -> Catalogue:
    """The packages of one database. Those that are damaged are named, the others kept."""
    read = _iter_listed if database.location == _MANIFEST else _iter_stored
    parts: list[Catalogue] = []
    try:
        for part in read(database):
            parts.append(part)  # noqa: PERF402 - what came before an error is kept
    except UnreadableDatabaseError as error:
        count = sum(len(part.packages) for part in parts)
        parts.append(Catalogue(problems=(database.problem(f"{error}: packages after the first {count} are unknown"),)))
    return Catalogue.merge(parts)


def _iter_stored(database: _Database) -> Iterator[Catalogue]:
    bounds = FileBounds()
    for blob in _iter_headers(database):
        try:
            header = Header(blob)
            identity = header.identity()
        except InvalidHeaderError as error:
            yield Catalogue(problems=(database.problem(f"a header {error}, not catalogued"),))
            continue
        files: list[str] = []
        try:
            for path in header.iter_files(bounds):
                files.append(path)  # noqa: PERF402 - what came before an error is kept
        except InvalidHeaderError as error:
            unread = f"the header of {identity.name[:80]!r} {error}: files after the first {len(files)} are unknown"
            yield Catalogue(problems=(database.problem(unread),))
        yield _described(identity, tuple(files), database)


def _iter_headers(database: _Database) -> Iterator[bytes]:
    content = database.document.content
    match posixpath.basename(database.location):
        case "rpmdb.sqlite":
            return iter_sqlite_headers(content, database.log.content if database.log else b"")
        case "Packages.db":
            return iter_ndb_headers(content)
        case _:
            return iter_berkeley_headers(content)


def _iter_listed(database: _Database) -> Iterator[Catalogue]:
    for identity in iter_manifest(database.document.content):
        yield _described(identity, (), database)


def _described(identity: Identity, files: tuple[str, ...], database: _Database) -> Catalogue:
    if identity.name == _SIGNING_KEY:
        return Catalogue()
    version = f"{identity.version}-{identity.release}"
    if not (
        is_plausible_version(version)
        and identity.version
        and identity.release
        and _NAME.fullmatch(identity.name)
        and _ARCHITECTURE.fullmatch(identity.architecture)
    ):
        return Catalogue(problems=(database.problem(f"no valid name and version in {identity!r:.200}"),))
    package = _package(identity, version, database.distribution)
    return Catalogue((InstalledPackage(package, database.location, database.document.layer_digest, files),))


def _package(identity: Identity, version: str, distribution: Distribution) -> Package:
    """The source package is known by its file's name, which leaves the epoch out: it is nearly always the same."""
    source = _SOURCE.fullmatch(identity.source_rpm)
    epoch = f"{identity.epoch}:" if identity.epoch else ""
    module = identity.modularity_label if _MODULE.fullmatch(identity.modularity_label) else ""
    return Package(
        ecosystem=distribution.ecosystem,
        name=identity.name,
        version=epoch + version,
        purl=distribution_purl(
            "rpm",
            identity.name,
            version,
            identity.architecture,
            distribution,
            epoch=str(identity.epoch or ""),
            rpmmod=module,
        ),
        source_name=source[1] if source else identity.name,
        source_version=epoch + (source[2] if source else version),
        architecture=identity.architecture,
    )


RPM = Cataloguer(name="rpm", version=1, wants=_wants, catalogue=_catalogue, operating_system=True)
