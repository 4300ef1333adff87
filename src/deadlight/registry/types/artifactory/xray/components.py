"""Xray's component identifiers, read as packages. Pure.

The forms are those of "Component Identifiers" in JFrog's Xray REST reference. Debian's and rpm's versions may have an
epoch before them, which is a colon more; their releases may be left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deadlight.ecosystems import find_ecosystem
from deadlight.registry.statements import Component

MAX_IDENTIFIER_CHARACTERS = 1_024

RPM = "rpm"
"""Stands for whichever distribution of rpm packages the image is; no identifier tells."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the identifiers of one scheme are read."""

    ecosystem: str
    """OSV's name without release; `RPM`; or empty for what no advisory names (`conan`, `conda`, `cran`)."""
    split: Callable[[str], tuple[str, str]]
    """The identifier behind its scheme -> name and version."""


def _name_and_version(text: str) -> tuple[str, str]:
    """`group:artifact:version`, `@scope/name:version`: the version is behind the last colon."""
    name, _, version = text.rpartition(":")
    return name, version


def _last_name_and_version(text: str) -> tuple[str, str]:
    """`branch:package:version`, `vendor:name:version`: what is before the last name is a place, not a part of it."""
    name, _, version = text.rpartition(":")
    return name.rpartition(":")[2], version


def _with_epoch(text: str) -> tuple[str, str]:
    """`vendor:dist:package:epoch:version`: a number between name and version is the epoch; no package is a number."""
    parts = text.split(":")
    if len(parts) > 2 and parts[-2].isascii() and parts[-2].isdigit() and parts[-3]:
        return parts[-3], without_epoch_zero(f"{parts[-2]}:{parts[-1]}")
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[-1])


FORMS: Mapping[str, Form] = {
    "alpine": Form("Alpine", _last_name_and_version),
    "cargo": Form("crates.io", _name_and_version),
    "composer": Form("Packagist", _name_and_version),
    "conan": Form("", _last_name_and_version),
    "conda": Form("", _name_and_version),
    "cran": Form("", _name_and_version),
    "deb": Form("Debian", _with_epoch),
    "gav": Form("Maven", _name_and_version),
    "go": Form("Go", _name_and_version),
    "npm": Form("npm", _name_and_version),
    "nuget": Form("NuGet", _name_and_version),
    "pip": Form("PyPI", _name_and_version),
    "pypi": Form("PyPI", _name_and_version),
    "rpm": Form(RPM, _with_epoch),
}
"""THE table of identifiers, by scheme. `docker`, `generic`, `build` and the like name what packages are in."""

_SCHEMES: Mapping[str, str] = {
    "composer": "composer",
    "debian": "deb",
    "go": "go",
    "golang": "go",
    "maven": "gav",
    "python": "pypi",
}
"""Schemes by the package types that Xray calls otherwise, in lower case."""

_UBUNTU = "ubuntu:"


def parse_component(identifier: str, package_type: str = "", version: str = "") -> Component | None:
    """A package; None for an identifier of something else.

    Newer answers leave out scheme or version and give `package_type` and `version` beside the identifier.
    """
    scheme, separator, rest = identifier.strip()[:MAX_IDENTIFIER_CHARACTERS].partition("://")
    if not separator:
        scheme, rest = _scheme_of(package_type), scheme
    form = FORMS.get(scheme.lower())
    if form is None:
        return None
    if version and not rest.endswith(f":{version}"):
        rest = f"{rest}:{version}"
    name, read = form.split(rest) if ":" in rest else (rest, "")
    ecosystem = "Ubuntu" if scheme == "deb" and rest.startswith(_UBUNTU) else form.ecosystem
    return _component(ecosystem, name, read)


def _scheme_of(package_type: str) -> str:
    lowered = package_type.strip().lower()
    return _SCHEMES.get(lowered, lowered)


def _component(ecosystem: str, name: str, version: str) -> Component | None:
    if not name or not f"{name}{version}".isprintable():
        return None
    row = find_ecosystem(ecosystem)
    shown = version.removeprefix("v") if ecosystem == "Go" else version
    return Component(ecosystem, row.normalise_name(name) if row else name, shown)


def without_epoch_zero(version: str) -> str:
    """A version without the epoch that every version without one has (Debian Policy 5.6.12; rpm-version(7))."""
    return version.removeprefix("0:")


def read_fixed_version(text: str) -> str:
    """The version that Xray writes as an interval: `[1.16.10]`, or `[1.2,)`; empty for none that begins anywhere."""
    lowest = text.strip().strip("[]()").partition(",")[0].strip()
    excluded = text.strip().startswith("(") and "," in text
    return "" if excluded or not lowest.isprintable() else lowest
