"""Rocky Linux: rpm's version order and releases as OSV numbers them."""

from collections.abc import Mapping

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import rpm_version_key


def _release(os_release: Mapping[str, str]) -> str:
    """`9` for 9.4: advisories are for a major version and bring its newest minor one."""
    return os_release.get("VERSION_ID", "").partition(".")[0]


ROCKY_LINUX = Ecosystem(
    name="Rocky Linux",
    purl_type="rpm",
    version_key=rpm_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("rocky",),
    os_release=_release,
)
