"""Go: versions of modules and of the toolchain, whose standard library is advised as the module `stdlib`."""

import re

from deadlight.ecosystems.ecosystem import InvalidVersionError, VersionKey, require_length
from deadlight.ecosystems.semver import semver_key

_TOOLCHAIN = re.compile(r"go([0-9]+(?:\.[0-9]+){0,2})(?:(beta|rc)([0-9]+))?(?:[ +-].*)?", re.ASCII)


def go_version_key(version: str) -> VersionKey:
    """A key in the order of golang.org/x/mod/semver, with or without the `v` that advisories leave out.

    Pseudo-versions (`v0.0.0-20240102150405-abcdef123456`) are pre-releases whose time decides, and `+incompatible` is
    build metadata, so both have their place without a rule of their own (https://go.dev/ref/mod#versions).

    Raises:
        InvalidVersionError: not a module version; `(devel)` is none.
    """
    return semver_key(version)


def module_version_of_toolchain(toolchain: str) -> str:
    """The version of `stdlib` that a toolchain brings: `go1.22rc1` gives `1.22.0-rc.1` (https://go.dev/doc/toolchain).

    What a vendor appends (`go1.22.3 X:boringcrypto`, `go1.22.3-fips`) is left out: the library is Go's own.

    Raises:
        InvalidVersionError: no release, such as `devel go1.23-a1b2c3`.
    """
    require_length(toolchain)
    match = _TOOLCHAIN.fullmatch(toolchain)
    if match is None:
        raise InvalidVersionError(f"not a release of Go: {toolchain!r}")
    numbers = [*match[1].split("."), "0", "0"][:3]
    pre_release = f"-{match[2]}.{int(match[3])}" if match[2] else ""
    return ".".join(numbers) + pre_release
