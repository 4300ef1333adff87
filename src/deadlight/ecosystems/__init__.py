"""Package ecosystems: the order of their versions, their names, and how their packages are read from an image.

`ECOSYSTEMS` is the table: an ecosystem is one file here and one row there. Everything is pure: documents and texts in,
values out.
"""

from deadlight.ecosystems.almalinux import ALMALINUX
from deadlight.ecosystems.alpine import ALPINE
from deadlight.ecosystems.azure_linux import AZURE_LINUX
from deadlight.ecosystems.crates import CRATES
from deadlight.ecosystems.debian import DEBIAN
from deadlight.ecosystems.descriptions import describes_package
from deadlight.ecosystems.ecosystem import (
    UNKNOWN_VENDOR,
    Catalogue,
    Cataloguer,
    Distribution,
    Document,
    Ecosystem,
    Excerpt,
    InvalidVersionError,
    UnreadableFileError,
    VersionKey,
)
from deadlight.ecosystems.elf import ELF_MAGIC
from deadlight.ecosystems.go import GO
from deadlight.ecosystems.go_build_info import GO_PROGRAMS
from deadlight.ecosystems.go_functions import UNKNOWN_MAIN, LinkedFunctions, list_linked_functions
from deadlight.ecosystems.maven import MAVEN
from deadlight.ecosystems.npm import NPM
from deadlight.ecosystems.nuget import NUGET
from deadlight.ecosystems.os_release import identify_distribution, parse_os_release
from deadlight.ecosystems.packagist import PACKAGIST
from deadlight.ecosystems.photon_os import PHOTON_OS
from deadlight.ecosystems.positions import position_of
from deadlight.ecosystems.pypi import PYPI
from deadlight.ecosystems.python_metadata import source_of_bytecode
from deadlight.ecosystems.red_hat import RED_HAT
from deadlight.ecosystems.rocky_linux import ROCKY_LINUX
from deadlight.ecosystems.rpm.modularity import installed_stream, is_modular, named_streams
from deadlight.ecosystems.rubygems import RUBYGEMS
from deadlight.ecosystems.suse import OPENSUSE, SUSE
from deadlight.ecosystems.ubuntu import UBUNTU

__all__ = [
    "CATALOGUERS",
    "ECOSYSTEMS",
    "ELF_MAGIC",
    "GO_PROGRAMS",
    "UNKNOWN_MAIN",
    "UNKNOWN_VENDOR",
    "Catalogue",
    "Cataloguer",
    "Distribution",
    "Document",
    "Ecosystem",
    "Excerpt",
    "InvalidVersionError",
    "LinkedFunctions",
    "UnreadableFileError",
    "VersionKey",
    "describes_package",
    "find_ecosystem",
    "identify_distribution",
    "installed_stream",
    "is_modular",
    "list_linked_functions",
    "named_streams",
    "parse_os_release",
    "position_of",
    "source_of_bytecode",
]

ECOSYSTEMS: tuple[Ecosystem, ...] = (
    DEBIAN,
    UBUNTU,
    ALPINE,
    ALMALINUX,
    ROCKY_LINUX,
    RED_HAT,
    SUSE,
    OPENSUSE,
    AZURE_LINUX,
    PHOTON_OS,
    PYPI,
    NPM,
    RUBYGEMS,
    NUGET,
    PACKAGIST,
    GO,
    CRATES,
    MAVEN,
)
"""Every ecosystem whose packages are found and whose versions can be compared."""

CATALOGUERS: tuple[Cataloguer, ...] = tuple(dict.fromkeys(ecosystem.cataloguer for ecosystem in ECOSYSTEMS))
"""Each way of reading packages once; operating systems come before languages, whose packages they may own."""

_BY_NAME = {ecosystem.name: ecosystem for ecosystem in ECOSYSTEMS}


def find_ecosystem(osv_name: str) -> Ecosystem | None:
    """The row of an OSV ecosystem name, with or without its release: both `Debian` and `Debian:12` give Debian."""
    return _BY_NAME.get(osv_name.partition(":")[0])
