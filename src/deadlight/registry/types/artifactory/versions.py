"""The oldest versions of JFrog's products that this is held against, and how a version is compared with them. Pure."""

import re

import msgspec

MINIMUM_VERSION = "7.77.20"
MINIMUM_XRAY_VERSION = "3.104.8"
"""What JFrog asks for of its own Runtime; its documents also write 3.104.08."""


class XrayVersion(msgspec.Struct):
    """Of Xray."""

    xray_version: str


def is_older(version: str, minimum: str) -> bool:
    """Whether a version is below a minimum; one that cannot be told is not."""
    have = _numbers(version)
    return bool(have) and have < _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d{1,6}(?:\.\d{1,9}){1,3}", version, re.ASCII)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
