"""Modules of Red Hat's family: several streams of the same packages in one release of the distribution.

https://docs.fedoraproject.org/en-US/modularity/ describes them. A package's purl carries its module in the qualifier
`rpmmod`, whole as rpm has it: `nodejs:14:8040020210817133458:522a0ee4`.
"""

import re

from packageurl import PackageURL

_MODULAR = re.compile(r"\.module[_+]")
_STREAM = re.compile(r"(?<!\S)([A-Za-z0-9][A-Za-z0-9._+-]*):([A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9])?)")


def is_modular(version: str) -> bool:
    """Whether a version was built for a module: its release then says so (`.module+el8.4.0+12247+e2879e58`)."""
    return _MODULAR.search(version) is not None


def installed_stream(purl: str) -> str:
    """The module and stream of an installed package: `nodejs:14`; empty where it has none, or no purl."""
    if "rpmmod=" not in purl:
        return ""
    try:
        label = PackageURL.from_string(purl).qualifiers.get("rpmmod", "")
    except ValueError:
        return ""
    return ":".join(label.split(":")[:2])


def named_streams(title: str) -> tuple[str, ...]:
    """The streams that an update notice's title names: `Important: nodejs:14 security update` names `nodejs:14`."""
    return tuple(dict.fromkeys(f"{module}:{stream}" for module, stream in _STREAM.findall(title)))
