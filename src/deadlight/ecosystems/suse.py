"""SUSE Linux Enterprise and openSUSE: rpm's version order, and releases that OSV names as os-release does in words."""

import re
from collections.abc import Mapping

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import epochless_version_key

_PRODUCT = re.compile(r"Linux Enterprise (?!Micro\b)\D+?(\d+(?:\.\d+)?(?: SP\d+)?)(?:-[A-Z]+)*")


def _normalise_release(release: str) -> str:
    """`Linux Enterprise Server 15 SP5` for `Linux Enterprise Module for Basesystem 15 SP5` and all else of its kind.

    Advisories name each product, module and support term (`15 SP4-LTSS`) that gets an update, and the packages of a
    service pack are the same in all. Which of them an image subscribes to it does not tell.
    """
    product = _PRODUCT.fullmatch(release)
    return f"Linux Enterprise Server {product[1]}" if product else release


def _suse_release(os_release: Mapping[str, str]) -> str:
    """`Linux Enterprise Server 15 SP5` of `SUSE Linux Enterprise Server 15 SP5`."""
    return _normalise_release(os_release.get("PRETTY_NAME", "").removeprefix("SUSE "))


def _opensuse_release(os_release: Mapping[str, str]) -> str:
    """`Leap 15.5` of `openSUSE Leap 15.5`."""
    return os_release.get("PRETTY_NAME", "").removeprefix("openSUSE ")


SUSE = Ecosystem(
    name="SUSE",
    purl_type="rpm",
    version_key=epochless_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("sles", "sles_sap", "sled", "sle_hpc", "sle-micro", "sl-micro"),
    os_release=_suse_release,
    normalise_release=_normalise_release,
    shows_version_id=True,
)

OPENSUSE = Ecosystem(
    name="openSUSE",
    purl_type="rpm",
    version_key=epochless_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("opensuse-leap", "opensuse-tumbleweed", "opensuse-leap-micro", "opensuse-microos"),
    os_release=_opensuse_release,
    shows_version_id=True,
)
