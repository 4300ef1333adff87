"""Red Hat Enterprise Linux: rpm's version order, and releases that OSV names by their CPE."""

import re
from collections.abc import Mapping

from deadlight.ecosystems.ecosystem import Ecosystem, unchanged
from deadlight.ecosystems.rpm.cataloguer import RPM
from deadlight.ecosystems.rpm.version import rpm_version_key

_PRODUCT = re.compile(r"enterprise_linux:(\d+)(?:[.:].*)?")


def _normalise_release(release: str) -> str:
    """`enterprise_linux:9` for `enterprise_linux:9::appstream`, `enterprise_linux:10.1` is `enterprise_linux:10`.

    rpm does not keep which repository a package came from. Other products, such as extended support of one minor
    version (`rhel_eus:9.2::baseos`), keep their names: nothing in an image tells that it follows them.
    """
    product = _PRODUCT.fullmatch(release)
    return f"enterprise_linux:{product[1]}" if product else release


def _release(os_release: Mapping[str, str]) -> str:
    version = os_release.get("VERSION_ID", "")
    return _normalise_release(f"enterprise_linux:{version}") if version else ""


RED_HAT = Ecosystem(
    name="Red Hat",
    purl_type="rpm",
    version_key=rpm_version_key,
    normalise_name=unchanged,
    cataloguer=RPM,
    os_ids=("rhel",),
    os_release=_release,
    normalise_release=_normalise_release,
    shows_version_id=True,
)
