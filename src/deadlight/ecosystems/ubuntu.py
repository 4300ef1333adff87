"""Ubuntu: Debian's packages and version order under Ubuntu's releases."""

from collections.abc import Mapping

from deadlight.ecosystems.debian import debian_version_key
from deadlight.ecosystems.dpkg import DPKG
from deadlight.ecosystems.ecosystem import Ecosystem, unchanged


def _release(os_release: Mapping[str, str]) -> str:
    """`22.04:LTS` or `23.10`: the OSV schema wants the suffix on every release marked as long-term."""
    version = os_release.get("VERSION_ID", "")
    return f"{version}:LTS" if version and " LTS" in os_release.get("VERSION", "") else version


UBUNTU = Ecosystem(
    name="Ubuntu",
    purl_type="deb",
    version_key=debian_version_key,
    normalise_name=unchanged,
    cataloguer=DPKG,
    os_ids=("ubuntu",),
    os_release=_release,
)
