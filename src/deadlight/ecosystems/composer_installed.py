"""Packages Composer installed: `vendor/composer/installed.json`."""

import posixpath
import re

import msgspec

from deadlight.ecosystems.ecosystem import Catalogue, Cataloguer, Document, each_by_itself, is_plausible_version
from deadlight.ecosystems.json_document import UnreadableDocumentError, parse_json
from deadlight.ecosystems.language_package import language_package
from deadlight.model.package import InstalledPackage

_DATABASE = "composer/installed.json"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,127})/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,127})")


class _Installed(msgspec.Struct):
    name: str = ""
    version: str = ""
    install_path: str | None = msgspec.field(default=None, name="install-path")
    """From the database's folder, since Composer 2; null for a package without files."""


class _Database(msgspec.Struct):
    packages: list[_Installed] = []


def _wants(path: str) -> bool:
    return path.endswith(f"/{_DATABASE}")


def _catalogue_database(location: str, document: Document) -> Catalogue:
    old = document.content.lstrip().startswith(b"[")
    try:
        listed = _parse_old(document.content) if old else parse_json(document.content, _Database).packages
    except UnreadableDocumentError as error:
        return Catalogue.unread(location, document, f"{error}, not catalogued")
    packages: list[InstalledPackage] = []
    problems: list[Catalogue] = []
    for installed in listed:
        if not (is_plausible_version(installed.version) and _NAME.fullmatch(installed.name)):
            problems.append(
                Catalogue.unread(location, document, f"no valid name and version of {installed.name[:60]!r}")
            )
            continue
        files = _folder(location, installed, old=old)
        package = language_package("Packagist", "composer", installed.name.lower(), installed.version)
        packages.append(InstalledPackage(package, location, document.layer_digest, files))
    return Catalogue.merge([Catalogue(tuple(packages)), *problems])


def _parse_old(content: bytes) -> list[_Installed]:
    """Composer 1 wrote the list alone."""
    return parse_json(content, list[_Installed])


def _folder(location: str, installed: _Installed, *, old: bool) -> tuple[str, ...]:
    """Where a package lies: anywhere in the project, but neither the project itself nor all of its packages."""
    vendor = posixpath.dirname(posixpath.dirname(f"/{location}"))
    project = posixpath.dirname(vendor).rstrip("/")
    relative = f"../{installed.name}" if old else installed.install_path
    if not relative:
        return ()
    folder = posixpath.normpath(posixpath.join(vendor, "composer", relative))
    inside = folder.startswith(f"{project}/") and not f"{vendor}/".startswith(f"{folder}/")
    return (f"{folder}/",) if inside else ()


COMPOSER = Cataloguer(
    name="composer", version=1, wants=_wants, catalogue=each_by_itself(_catalogue_database), operating_system=False
)
