"""Who scans the images of a registry: Deadlight, or the scanner that its product brings."""

from enum import StrEnum


class ScanWith(StrEnum):
    """Where the findings of a registry's images come from, as stored."""

    DEADLIGHT = "deadlight"
    XRAY = "xray"


def source_of(host: str) -> str:
    """The source of advisories under which the findings of a registry's own scanner are kept."""
    return f"{ScanWith.XRAY.value}:{host}"


def host_of(source: str) -> str:
    """The host that `source_of` was given."""
    return source.partition(":")[2]
