"""NuGet packages of .NET applications and runtimes: the `NAME.deps.json` beside their assemblies."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from deadlight.ecosystems.ecosystem import Catalogue, Cataloguer, Document, each_by_itself, is_plausible_version
from deadlight.ecosystems.json_document import UnreadableDocumentError, parse_json
from deadlight.ecosystems.language_package import language_package
from deadlight.ecosystems.purl import language_purl
from deadlight.model.package import InstalledPackage, Package

_SUFFIX = ".deps.json"
_RUNTIME_PACK = "runtimepack."
_NAME = re.compile(r"[A-Za-z0-9._-]{1,256}")


class _Library(msgspec.Struct):
    type: str = ""


class _RuntimeTarget(msgspec.Struct):
    name: str = ""


class _Resource(msgspec.Struct):
    locale: str = ""


class _Assets(msgspec.Struct):
    """What a package brings, by path inside the package."""

    runtime: dict[str, msgspec.Raw] = {}
    native: dict[str, msgspec.Raw] = {}
    resources: dict[str, _Resource] = {}
    runtime_targets: dict[str, msgspec.Raw] = msgspec.field(default={}, name="runtimeTargets")


class _Dependencies(msgspec.Struct):
    libraries: dict[str, _Library] = {}
    targets: dict[str, dict[str, _Assets]] = {}
    runtime_target: _RuntimeTarget = msgspec.field(default_factory=_RuntimeTarget, name="runtimeTarget")


def _wants(path: str) -> bool:
    return path.endswith(_SUFFIX)


def _catalogue_application(location: str, document: Document) -> Catalogue:
    """The packages of one application; its own projects are none."""
    try:
        dependencies = parse_json(document.content, _Dependencies)
    except UnreadableDocumentError as error:
        return Catalogue.unread(location, document, f"{error}, not catalogued")
    assets = dependencies.targets.get(dependencies.runtime_target.name, {})
    packages: list[InstalledPackage] = []
    problems: list[Catalogue] = []
    for key, library in dependencies.libraries.items():
        if library.type not in {"package", "runtimepack"}:
            continue
        name, _, version = key.removeprefix(_RUNTIME_PACK).partition("/")
        if not (is_plausible_version(version) and _NAME.fullmatch(name)):
            problems.append(Catalogue.unread(location, document, f"no valid name and version in {key[:60]!r}"))
            continue
        files = tuple(_owned_files(posixpath.dirname(location), assets.get(key, _Assets())))
        packages.append(InstalledPackage(_package(name, version), location, document.layer_digest, files))
    return Catalogue.merge([Catalogue(tuple(packages)), *problems])


def _package(name: str, version: str) -> Package:
    """NuGet ignores case: the name is in lower case, as advisories are looked up, the purl as it is written."""
    package = language_package("NuGet", "nuget", name.lower(), version)
    return replace(package, purl=language_purl("nuget", name, version))


def _owned_files(folder: str, assets: _Assets) -> Iterator[str]:
    """Publishing puts assemblies beside the application, translations below their language, the rest as packed."""
    beside = [posixpath.basename(path) for path in (*assets.runtime, *assets.native)]
    below = [f"{resource.locale}/{posixpath.basename(path)}" for path, resource in assets.resources.items()]
    for path in (*beside, *below, *assets.runtime_targets):
        yield posixpath.normpath(posixpath.join("/", folder, path))


DOTNET = Cataloguer(
    name="dotnet", version=1, wants=_wants, catalogue=each_by_itself(_catalogue_application), operating_system=False
)
