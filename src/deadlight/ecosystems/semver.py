"""Semantic Versioning 2.0.0: the order of npm and crates.io, and of Go modules."""

import re

from deadlight.ecosystems.ecosystem import InvalidVersionError, VersionKey, require_length

_VERSION = re.compile(
    r"[v=]{0,2}(?P<core>[0-9]+(?:\.[0-9]+){0,2})"
    r"(?:(?:-|(?=[A-Za-z]))(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z.-]*)?"
)

_NUMERIC, _ALPHANUMERIC, _RELEASE = range(3)
"""What may stand after the three numbers, in order; a pre-release that ends is lower than one that goes on."""


def semver_key(version: str) -> VersionKey:
    """A key in the order of Semantic Versioning 2.0.0, section 11. Build metadata has no part in it.

    Registries and advisories write more than the grammar allows. As npm and Go read it: a `v` or `=` in front is
    nothing, missing numbers are zeros, leading zeros do not count, and 1.0.0beta1 is 1.0.0-beta1.

    Raises:
        InvalidVersionError: not one to three numbers, with a pre-release and build metadata at most.
    """
    require_length(version)
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidVersionError(f"not a semantic version: {version!r}")
    numbers = [int(number) for number in match["core"].split(".")]
    return (*numbers, *[0] * (3 - len(numbers)), *pre_release_key(match["pre"] or ""))


def pre_release_key(identifiers: str) -> VersionKey:
    """The end of a key: identifiers separated by dots, numbers before words; none at all is above every pre-release."""
    if not identifiers:
        return ((_RELEASE,),)
    return tuple(
        (_NUMERIC, int(identifier)) if identifier.isdigit() else (_ALPHANUMERIC, identifier)
        for identifier in identifiers.split(".")
    )
