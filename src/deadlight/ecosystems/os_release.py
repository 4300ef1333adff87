"""The operating system an image says it is (os-release(5))."""

from collections.abc import Iterable, Mapping

from deadlight.ecosystems.ecosystem import UNKNOWN_VENDOR, Distribution, Ecosystem


def parse_os_release(content: bytes) -> dict[str, str]:
    """The assignments of an os-release file; lines that are none are left out."""
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            fields[key] = value.strip("\"'")
    return fields


def major_version(os_release: Mapping[str, str]) -> str:
    """`9` for 9.4, for distributions whose advisories are for a major version and bring its newest minor one."""
    return os_release.get("VERSION_ID", "").partition(".")[0]


def identify_distribution(os_release: Mapping[str, str], ecosystems: Iterable[Ecosystem]) -> Distribution:
    """The distribution that os-release describes; without an ecosystem where no row knows it."""
    vendor = os_release.get("ID", "").lower() or UNKNOWN_VENDOR
    version = os_release.get("VERSION_ID", "")
    for ecosystem in ecosystems:
        if vendor in ecosystem.os_ids and ecosystem.os_release is not None:
            release = ecosystem.os_release(os_release)
            shown = version if ecosystem.shows_version_id else release.partition(":")[0].removeprefix("v")
            return Distribution(
                ecosystem=f"{ecosystem.name}:{release}" if release else ecosystem.name,
                vendor=vendor,
                release=f"{vendor}-{shown}" if shown else vendor,
            )
    return Distribution(vendor=vendor, release=f"{vendor}-{version}" if version else "")
