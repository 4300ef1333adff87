"""Package URLs of what cataloguers find (https://github.com/package-url/purl-spec)."""

from packageurl import PackageURL

from deadlight.ecosystems.ecosystem import Distribution


def distribution_purl(
    kind: str, name: str, version: str, architecture: str, distribution: Distribution, **others: str
) -> str:
    """The purl of a distribution's package: `pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12`.

    `others` are further qualifiers; like the first two they are left out where they are empty.
    """
    qualifiers = {"arch": architecture, "distro": distribution.release, **others}
    return PackageURL(kind, distribution.vendor, name, version, {k: v for k, v in qualifiers.items() if v}).to_string()


def python_purl(name: str, version: str) -> str:
    """The purl of a Python distribution: `pkg:pypi/requests@2.31.0`."""
    return PackageURL("pypi", None, name, version).to_string()
