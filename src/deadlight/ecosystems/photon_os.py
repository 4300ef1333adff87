"""Photon OS: rpm's version order and releases as OSV numbers them."""

from collections.abc import Mapping

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import epochless_version_key


def _release(os_release: Mapping[str, str]) -> str:
    """`5.0`."""
    return os_release.get("VERSION_ID", "")


PHOTON_OS = Ecosystem(
    name="Photon OS",
    purl_type="rpm",
    version_key=epochless_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("photon",),
    os_release=_release,
)
