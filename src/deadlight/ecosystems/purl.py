"""Package URLs of what cataloguers find (https://github.com/package-url/purl-spec)."""

from packageurl import PackageURL

from deadlight.ecosystems.ecosystem import Distribution


def distribution_purl(kind: str, name: str, version: str, architecture: str, distribution: Distribution) -> str:
    """The purl of a distribution's package: `pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12`."""
    qualifiers = {"arch": architecture, "distro": distribution.release}
    return PackageURL(kind, distribution.vendor, name, version, {k: v for k, v in qualifiers.items() if v}).to_string()


def language_purl(kind: str, name: str, version: str) -> str:
    """The purl of a language's package; what is before the name's last slash or Maven's colon is its namespace.

    `pkg:pypi/requests@2.31.0`, `pkg:npm/%40babel/core@7.24.0`, `pkg:maven/org.slf4j/slf4j-api@2.0.9`.
    """
    namespace, _, last = name.replace(":", "/").rpartition("/")
    return PackageURL(kind, namespace or None, last, version).to_string()
