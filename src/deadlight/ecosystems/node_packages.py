"""Installed npm packages: `package.json` in node_modules, and lock files where nothing is installed beside them."""

import posixpath
import re
from collections.abc import Iterable, Mapping

import msgspec

from deadlight.ecosystems.ecosystem import Catalogue, Cataloguer, Distribution, Document, is_plausible_version
from deadlight.ecosystems.json_document import UnreadableDocumentError, parse_json, problem
from deadlight.ecosystems.node_locks import LOCK_PARSERS
from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import InstalledPackage, Package

_MANIFEST = "/package.json"
_MODULES = "node_modules/"

_PACKAGE_ROOT = re.compile(
    # A package's own manifest. Those deeper inside it are its tests, templates and module types.
    r"(?:.*/)?node_modules/(?:@[^/.][^/]*/)?[^/.@][^/]*"
    # Debian's folder for modules.
    r"|usr/share/nodejs/(?:@[^/.][^/]*/)?[^/.@][^/]*"
    # Where the official images of Node unpack yarn.
    r"|opt/yarn-v[^/]*",
    re.DOTALL,
)
_NAME = re.compile(r"(?:@[\w.~-]{1,213}/)?[\w.~!'()*-]{1,214}", re.ASCII)


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""


def _wants(path: str) -> bool:
    if path.endswith(_MANIFEST):
        return _PACKAGE_ROOT.fullmatch(path, 0, len(path) - len(_MANIFEST)) is not None
    return path.rpartition("/")[2] in LOCK_PARSERS and _MODULES not in path


def _catalogue(documents: Mapping[str, Document], _distribution: Distribution) -> Catalogue:
    manifests = [path for path in documents if path.endswith(_MANIFEST)]
    installed = {path.partition(_MODULES)[0] for path in manifests if _MODULES in path}
    locks = [path for path in documents if not path.endswith(_MANIFEST) and _folder(path) not in installed]
    return Catalogue.merge(
        [_catalogue_manifest(path, documents[path]) for path in manifests]
        + [_catalogue_lock(path, documents[path]) for path in locks]
    )


def _folder(path: str) -> str:
    """The folder of a file, with its slash."""
    return path[: path.rfind("/") + 1]


def _catalogue_manifest(location: str, document: Document) -> Catalogue:
    """The package of one manifest, which owns what lies in its folder."""
    try:
        manifest = parse_json(document.content, _Manifest)
    except UnreadableDocumentError as error:
        return problem(location, document, f"{error}, not catalogued")
    if not _is_package(manifest.name, manifest.version):
        return problem(location, document, "no valid name and version, not catalogued")
    files = (f"/{_folder(location)}",)
    package = _package(manifest.name, manifest.version)
    return Catalogue((InstalledPackage(package, location, document.layer_digest, files),))


def _catalogue_lock(location: str, document: Document) -> Catalogue:
    """The packages a lock file names: what is bundled into a built application leaves no other trace."""
    try:
        locked = LOCK_PARSERS[posixpath.basename(location)](document.content)
    except UnreadableDocumentError as error:
        return problem(location, document, f"{error}, not catalogued")
    return Catalogue(tuple(_locked_packages(location, document, locked)))


def _locked_packages(
    location: str, document: Document, locked: Iterable[tuple[str, str]]
) -> Iterable[InstalledPackage]:
    for name, version in dict.fromkeys(locked):
        # Else it comes from a folder or a repository, and its version says nothing about npm's packages.
        if version[:1].isdigit() and _is_package(name, version):
            yield InstalledPackage(_package(name, version), location, document.layer_digest)


def _is_package(name: str, version: str) -> bool:
    return is_plausible_version(version) and _NAME.fullmatch(name) is not None


def _package(name: str, version: str) -> Package:
    return Package("npm", name, version, language_purl("npm", name, version), source_name=name, source_version=version)


NODE = Cataloguer(name="node", version=1, wants=_wants, catalogue=_catalogue, operating_system=False)
