"""Package URLs of others as the packages that advisories are matched with: the way back from `ecosystems.purl`."""

import re
from collections.abc import Mapping

from packageurl import PackageURL

from deadlight.ecosystems import ECOSYSTEMS, Distribution, Ecosystem, find_ecosystem, identify_distribution
from deadlight.ecosystems.ecosystem import MAX_VERSION_LENGTH, is_plausible_version
from deadlight.ecosystems.language_package import language_package
from deadlight.ecosystems.purl import distribution_purl
from deadlight.model.package import Package

MAX_PURL_LENGTH = 2048
MAX_NAME_LENGTH = 512
MAX_PACKAGE_BYTES = 2000
"""What tells a package from others, all together: an index of PostgreSQL holds 2,704 bytes a row."""

MAX_QUALIFIER_LENGTH = 256

_SYSTEM_ROWS = {os_id: row for row in ECOSYSTEMS for os_id in row.os_ids}
_SYSTEM_TYPES = frozenset(row.purl_type for row in ECOSYSTEMS if row.os_ids)
_LANGUAGE_ROWS = {row.purl_type: row for row in ECOSYSTEMS if not row.os_ids}

_VENDORS = {
    "redhat": "rhel",
    "alma": "almalinux",
    "suse": "sles",
    "opensuse": "opensuse-leap",
    "cbl-mariner": "mariner",
}
"""How other programs call a distribution that has another `ID` in os-release."""

_IDS = sorted({*_SYSTEM_ROWS, *_VENDORS}, key=len, reverse=True)
"""The longest first: `opensuse-leap-15.5` is not 15.5 of `opensuse-leap`'s shorter namesakes."""

_LONG_TERM = re.compile(r"[0-9]*[02468]\.04")
"""Ubuntu's releases of April in even years are those with long-term support."""

_SUSE_PRODUCTS = {
    "sle-micro": "SUSE Linux Enterprise Micro",
    "sl-micro": "SUSE Linux Micro",
    "sled": "SUSE Linux Enterprise Desktop",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-leap-micro": "openSUSE Leap Micro",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "opensuse-microos": "openSUSE MicroOS",
}
_SUSE_DEFAULT = "SUSE Linux Enterprise Server"

_SOURCE_RPM = re.compile(r"(.{1,256})-([^-]{1,256}-[^-]{1,256})\.(?:no)?src\.rpm")


def package_from_purl(
    text: str, *, name: str = "", source_name: str = "", source_version: str = "", distribution: str = ""
) -> Package | None:
    """The package a purl names; None where it names no version, or nothing of a kind known here.

    `name` is how the document spells it, where a purl may not keep capital letters. The source package is what the
    document says, else the purl's `upstream`, else the package itself. `distribution` (`Debian:12`) is that of the
    image, for purls that leave it out. A distribution nobody knows gives a package that no advisory concerns.
    """
    if len(text) > MAX_PURL_LENGTH:
        return None
    try:
        package = _package(PackageURL.from_string(text), name, (source_name, source_version), distribution)
    except ValueError:  # of some that it reads, the name cannot be written: `a:`
        return None
    return package if package and _is_bounded(package) else None


def _package(purl: PackageURL, name: str, source: tuple[str, str], distribution: str) -> Package | None:
    version = purl.version or ""
    # Its reader leaves no name at all of `%2F`.
    if not purl.name or len(purl.name) > MAX_NAME_LENGTH or not purl.name.isprintable():
        return None
    if not is_plausible_version(version):
        return None
    if purl.type in _LANGUAGE_ROWS:
        return _language_package(_LANGUAGE_ROWS[purl.type], purl, version, name)
    return _system_package(purl, version, source, distribution) if purl.type in _SYSTEM_TYPES else None


def _is_bounded(package: Package) -> bool:
    identity = (package.purl, package.ecosystem, package.source_name, package.source_version)
    return sum(len(text.encode()) for text in identity) <= MAX_PACKAGE_BYTES and package.name.isprintable()


def _language_package(row: Ecosystem, purl: PackageURL, version: str, name: str) -> Package:
    namespace = f"{purl.namespace}{':' if row.purl_type == 'maven' else '/'}" if purl.namespace else ""
    whole = f"{namespace}{purl.name}"
    spelled = name if name.casefold() == whole.casefold() else whole
    return language_package(row.name, row.purl_type, row.normalise_name(spelled), version)


def _system_package(purl: PackageURL, version: str, source: tuple[str, str], image: str) -> Package:
    qualifiers = _qualifiers(purl)
    system = _distribution(purl.namespace or "", qualifiers, image)
    architecture, epoch = qualifiers.get("arch", ""), qualifiers.get("epoch", "")
    others = {"rpmmod": qualifiers.get("rpmmod", "")} if purl.type == "rpm" else {}
    kept = f"{epoch}:{version}" if epoch.isdecimal() and int(epoch[:9]) and ":" not in version else version
    if purl.type == "rpm":
        epoch, _, version = kept.rpartition(":")
        others["epoch"] = epoch
    else:
        version = kept
    stated = source if _is_name(source[0]) else _upstream(qualifiers.get("upstream", ""))
    source_version = stated[1] if is_plausible_version(stated[1]) else kept
    if purl.type == "rpm" and epoch and ":" not in source_version:
        source_version = f"{epoch}:{source_version}"
    return Package(
        ecosystem=system.ecosystem,
        name=purl.name,
        version=kept,
        purl=distribution_purl(purl.type, purl.name, version, architecture, system, **others),
        source_name=stated[0] if _is_name(stated[0]) else purl.name,
        source_version=source_version[:MAX_VERSION_LENGTH],
        architecture=architecture,
    )


def _qualifiers(purl: PackageURL) -> dict[str, str]:
    """Those that are short and printable."""
    stated: Mapping[str, str] = purl.qualifiers
    return {key: value for key, value in stated.items() if len(value) <= MAX_QUALIFIER_LENGTH and value.isprintable()}


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME_LENGTH and text.isprintable()


def _upstream(text: str) -> tuple[str, str]:
    """Name and version of a source package: `glibc@2.36-9`, `glibc`, `openssl-3.0.7-24.el9.src.rpm`."""
    found = _SOURCE_RPM.fullmatch(text)
    if found:
        return found[1], found[2]
    name, _, version = text.partition("@")
    return name, version


def _distribution(vendor: str, qualifiers: Mapping[str, str], image: str) -> Distribution:
    """What a purl says of its distribution and, where it says less, what the image is."""
    vendor = _VENDORS.get(vendor.lower(), vendor.lower())
    stated = qualifiers.get("distro", "").lower() or qualifiers.get("os_version", "").lower()
    ids = (*_IDS, vendor) if vendor else _IDS
    named = next((os_id for os_id in ids if stated == os_id or stated.startswith(f"{os_id}-")), "")
    release = stated.removeprefix(named).removeprefix("-") if named else stated
    os_id = _VENDORS.get(named, named) or vendor
    row = _SYSTEM_ROWS.get(os_id)
    known = find_ecosystem(image)
    if row is not None and row is known and not release:
        return _as_the_image(os_id, row, image)
    return identify_distribution(_os_release(os_id, release), ECOSYSTEMS)


def _as_the_image(os_id: str, row: Ecosystem, image: str) -> Distribution:
    """The distribution of the image, as far as its ecosystem tells it."""
    release = image.partition(":")[2]
    shown = "" if row.shows_version_id else release.partition(":")[0].removeprefix("v")
    return Distribution(image, os_id, f"{os_id}-{shown}" if shown else os_id)


def _os_release(os_id: str, release: str) -> dict[str, str]:
    """The fields that os-release has in an image of that release, as far as they are read."""
    fields = {"ID": os_id, "VERSION_ID": release}
    row = _SYSTEM_ROWS.get(os_id)
    name = row.name if row else ""
    if name == "Debian" and release.isalpha():
        return {"ID": os_id, "VERSION_CODENAME": release}
    if name == "Alpine":
        version = release.removeprefix("v")
        fields["VERSION_ID"] = "0_alpha" if version == "edge" else version
    if name == "Ubuntu" and _LONG_TERM.fullmatch(release):
        fields["VERSION"] = f"{release} LTS"
    if name in {"SUSE", "openSUSE"}:
        fields["PRETTY_NAME"] = _suse_name(os_id, release)
    return fields


def _suse_name(os_id: str, release: str) -> str:
    """`SUSE Linux Enterprise Server 15 SP5` of 15.5, `openSUSE Leap 15.5`, `openSUSE Tumbleweed`."""
    product = _SUSE_PRODUCTS.get(os_id, _SUSE_DEFAULT)
    if "Tumbleweed" in product or "MicroOS" in product:
        return product
    if "Micro" in product or "openSUSE" in product:
        return f"{product} {release}"
    major, _, pack = release.partition(".")
    return f"{product} {major} SP{pack}" if pack else f"{product} {major}"
