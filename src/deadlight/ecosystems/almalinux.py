"""AlmaLinux: rpm's version order and releases as OSV numbers them."""

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.os_release import major_version
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import rpm_version_key

ALMALINUX = Ecosystem(
    name="AlmaLinux",
    purl_type="rpm",
    version_key=rpm_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("almalinux",),
    os_release=major_version,
)
