"""NuGet: Semantic Versioning with up to four numbers, in which upper and lower case are the same."""

import re

from deadlight.ecosystems.dotnet_dependencies import DOTNET
from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length
from deadlight.ecosystems.semver import pre_release_key

_VERSION = re.compile(
    r"(?P<core>[0-9]+(?:\.[0-9]+){0,3})(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]*)?"
)


def nuget_version_key(version: str) -> VersionKey:
    """A key in NuGet's order (https://learn.microsoft.com/nuget/concepts/package-versioning).

    Raises:
        InvalidVersionError: not one to four numbers, with a pre-release and build metadata at most.
    """
    require_length(version)
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidVersionError(f"not a NuGet version: {version!r}")
    numbers = [int(number) for number in match["core"].split(".")]
    return (*numbers, *[0] * (4 - len(numbers)), *pre_release_key((match["pre"] or "").lower()))


NUGET = Ecosystem(
    name="NuGet",
    purl_type="nuget",
    version_key=nuget_version_key,
    normalise_name=str.lower,
    cataloguer=DOTNET,
)
