"""Package URLs of what cataloguers find (https://github.com/package-url/purl-spec)."""

from collections.abc import Mapping

from packageurl import PackageURL

from deadlight.ecosystems.ecosystem import Distribution


def distribution_purl(
    kind: str, name: str, version: str, architecture: str, distribution: Distribution, **others: str
) -> str:
    """The purl of a distribution's package: `pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12`.

    `others` are further qualifiers; like the first two they are left out where they are empty.

    Raises:
        ValueError: the name or the version cannot stand in a purl.
    """
    qualifiers = {"arch": architecture, "distro": distribution.release, **others}
    return _write(kind, distribution.vendor, name, version, {k: v for k, v in qualifiers.items() if v})


def language_purl(kind: str, name: str, version: str) -> str:
    """The purl of a language's package; what is before the name's last slash or Maven's colon is its namespace.

    `pkg:pypi/requests@2.31.0`, `pkg:npm/%40babel/core@7.24.0`, `pkg:maven/org.slf4j/slf4j-api@2.0.9`.

    Raises:
        ValueError: the name or the version cannot stand in a purl.
    """
    namespace, _, last = name.replace(":", "/").rpartition("/")
    return _write(kind, namespace, last, version, {})


def _write(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    try:
        return PackageURL(kind, namespace or None, name, version, dict(qualifiers)).to_string()
    except TypeError as error:  # its word for a name of which nothing is left, such as a space
        raise ValueError(f"{name[:40]!r} is no name of a package") from error
