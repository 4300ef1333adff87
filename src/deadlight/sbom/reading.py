"""Bills of materials of others: CycloneDX 1.2 to 1.6 and SPDX 2.2 and 2.3, both as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from deadlight.model.package import Package
from deadlight.sbom.errors import InvalidSbomError
from deadlight.sbom.purls import package_from_purl

MAX_BYTES = 32 * 1024 * 1024
"""Of a document; those of the largest images have about half of it."""

MAX_COMPONENTS = 100_000
"""Components or packages of a document, nested ones included."""

MAX_DEPTH = 32
"""Components within components; documents of real images have two levels."""

CYCLONEDX_VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6")
SPDX_VERSIONS = ("SPDX-2.2", "SPDX-2.3")

_SOURCE_PROPERTIES = (
    ("deadlight:source-name", "", "deadlight:source-version", ""),
    ("syft:metadata:source", "", "syft:metadata:sourceVersion", ""),
    ("syft:metadata:originPackage", "", "", ""),
    (
        "aquasecurity:trivy:SrcName",
        "aquasecurity:trivy:SrcEpoch",
        "aquasecurity:trivy:SrcVersion",
        "aquasecurity:trivy:SrcRelease",
    ),
)
"""Where programs write a source package in CycloneDX: its name, and epoch, version and release where they are apart."""

_LEFT_OUT_SCOPES = frozenset({"excluded"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StatedPackages:
    """What a document says is in an image."""

    format: str
    """`CycloneDX 1.6`, `SPDX-2.3`."""
    packages: tuple[Package, ...] = ()
    """Each once, in the document's order."""
    unknown: int = 0
    """Entries with a package URL that names no version, or nothing of a kind that is matched."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One package as a document writes it."""

    purl: str
    name: str = ""
    source: tuple[str, str] = ("", "")


# --- as they are written ------------------------------------------------------------------------------------


class _Kind(msgspec.Struct, rename="camel"):
    bom_format: str = ""
    spec_version: str = ""
    spdx_version: str = ""
    context: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="@context", default=msgspec.UNSET)


class _Property(msgspec.Struct):
    name: str = ""
    value: str | None = None


class _Component(msgspec.Struct):
    name: str = ""
    group: str | None = None
    purl: str | None = None
    scope: str | None = None
    properties: list[_Property] | None = None
    components: msgspec.Raw = msgspec.Raw(b"null")
    """Decoded one level after the other, so that no document decides how deep that goes."""


class _Bom(msgspec.Struct):
    components: list[_Component] | None = None


class _ExternalReference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _SpdxPackage(msgspec.Struct, rename="camel"):
    name: str = ""
    external_refs: list[_ExternalReference] | None = None


class _SpdxDocument(msgspec.Struct):
    packages: list[_SpdxPackage] | None = None


# --- reading them -------------------------------------------------------------------------------------------


def read_sbom(content: bytes, *, distribution: str = "") -> StatedPackages:
    """Read a document; `distribution` (`Debian:12`) is that of the image, for package URLs that leave it out.

    Raises:
        InvalidSbomError: of another format or version, too large, or not what its format says.
    """
    if len(content) > MAX_BYTES:
        raise InvalidSbomError(f"it has {len(content)} bytes, more than the {MAX_BYTES} that are read")
    kind = _decode(content, _Kind)
    if kind.bom_format == "CycloneDX":
        _require(kind.spec_version, CYCLONEDX_VERSIONS, "CycloneDX")
        entries = _cyclonedx_entries(_decode(content, _Bom).components or [])
        return _packages(f"CycloneDX {kind.spec_version}", entries, distribution)
    if kind.spdx_version:
        _require(kind.spdx_version, SPDX_VERSIONS, "SPDX")
        return _packages(kind.spdx_version, _spdx_entries(_decode(content, _SpdxDocument)), distribution)
    if kind.context is not msgspec.UNSET:
        raise InvalidSbomError("it is SPDX 3 or other linked data, which is not read: attach SPDX 2.3 or CycloneDX")
    raise InvalidSbomError("it is neither CycloneDX nor SPDX in JSON")


def _require(version: str, known: tuple[str, ...], name: str) -> None:
    if version not in known:
        raise InvalidSbomError(f"it is {name} {version[:40]!r}, which is not read: {known[0]} to {known[-1]} are")


def _cyclonedx_entries(level: list[_Component]) -> Iterator[_Entry]:
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_COMPONENTS:
            raise InvalidSbomError(f"it has more than {MAX_COMPONENTS} components")
        for component in level:
            if component.purl and component.scope not in _LEFT_OUT_SCOPES:
                yield _Entry(component.purl, _full_name(component), _source(component.properties or ()))
        nested = (bytes(outer.components) for outer in level)
        level = [inner for listed in nested if listed != b"null" for inner in _decode(listed, list[_Component])]
        if not level:
            return
    raise InvalidSbomError(f"it has components within components, more than {MAX_DEPTH} deep")


def _full_name(component: _Component) -> str:
    """The name with its group, as the purl has them together; Maven's colon is left to the purl."""
    return f"{component.group}/{component.name}" if component.group else component.name


def _source(properties: Iterable[_Property]) -> tuple[str, str]:
    """Name and version of a source package, empty where the document does not say."""
    said = {item.name: item.value or "" for item in properties}
    for name, epoch, version, release in _SOURCE_PROPERTIES:
        if said.get(name):
            before = f"{said[epoch]}:" if said.get(epoch) else ""
            after = f"-{said[release]}" if said.get(release) else ""
            return said[name], f"{before}{said.get(version, '')}{after}"
    return "", ""


def _spdx_entries(document: _SpdxDocument) -> Iterator[_Entry]:
    packages = document.packages or []
    if len(packages) > MAX_COMPONENTS:
        raise InvalidSbomError(f"it has more than {MAX_COMPONENTS} packages")
    for package in packages:
        for reference in package.external_refs or ():
            if reference.reference_type == "purl":
                yield _Entry(reference.reference_locator, package.name)


def _packages(name: str, entries: Iterable[_Entry], distribution: str) -> StatedPackages:
    found: dict[Package, None] = {}
    unknown = 0
    for entry in entries:
        source_name, source_version = entry.source
        package = package_from_purl(
            entry.purl,
            name=entry.name,
            source_name=source_name,
            source_version=source_version,
            distribution=distribution,
        )
        if package is None:
            unknown += 1
        else:
            found.setdefault(package)
    return StatedPackages(name, tuple(found), unknown)


def _decode(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidSbomError(f"it cannot be read: {str(error)[:160]}") from error
    except RecursionError:
        raise InvalidSbomError("it is nested too deeply") from None
