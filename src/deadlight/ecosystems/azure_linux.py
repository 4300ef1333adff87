"""Azure Linux, which was CBL-Mariner before its third release: rpm's version order and OSV's numbers of releases."""

from collections.abc import Mapping

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import epochless_version_key


def _normalise_release(release: str) -> str:
    """`3` for `3.0`: os-release writes the one, advisories the other."""
    number, _, minor = release.partition(".")
    return number if minor == "0" else release


def _release(os_release: Mapping[str, str]) -> str:
    return _normalise_release(os_release.get("VERSION_ID", ""))


AZURE_LINUX = Ecosystem(
    name="Azure Linux",
    purl_type="rpm",
    version_key=epochless_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("azurelinux", "mariner"),
    os_release=_release,
    normalise_release=_normalise_release,
    shows_version_id=True,
)
