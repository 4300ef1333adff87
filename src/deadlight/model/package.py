"""Software packages as cataloguers find them and advisories name them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One installed package.

    `ecosystem` is OSV's name with its release where it has one (`Debian:12`, `Alpine:v3.19`, `PyPI`). `name` is
    normalised as the ecosystem's advisories spell it. Distribution advisories name source packages: `source_name`
    and `source_version` are then what is matched; for others they repeat `name` and `version`.
    """

    ecosystem: str
    name: str
    version: str
    purl: str
    source_name: str
    source_version: str
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package at its place in an image, with the files that belong to it.

    `location` is the file that proves it (a package database or a METADATA file), without a leading slash.
    `files` are absolute paths as a process in the container sees them, symbolic links of the file system resolved.
    `owner_purl` names the operating-system package that ships this one; such a package is matched through its owner.
    """

    package: Package
    location: str
    layer_digest: str
    files: tuple[str, ...] = field(default=(), repr=False)
    owner_purl: str = ""
