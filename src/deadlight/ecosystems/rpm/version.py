"""rpm's order of versions: `[epoch:]version[-release]`."""

import re

from deadlight.ecosystems.ecosystem import InvalidVersionError, VersionKey, require_length

_PART = r"[!-,.-9;-~]+"
"""Printable characters without the hyphen and the colon, which divide parts."""
_VERSION = re.compile(rf"(?:(?P<epoch>[0-9]+):)?(?P<version>{_PART}(?:-{_PART})*?)(?:-(?P<release>{_PART}))?")
_SEGMENT = re.compile(r"([0-9]+)|([A-Za-z]+)|([~^])")

# What may follow a common beginning, in rpm's order.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)


def rpm_version_key(version: str) -> VersionKey:
    """A key in the order of rpm's `labelCompare` (rpm-version(7)).

    An absent epoch is 0, an absent release is below every other. All characters but letters, digits, `~` and `^` only
    separate.

    Raises:
        InvalidVersionError: empty, or with characters that no version has.
    """
    require_length(version)
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidVersionError(f"not an rpm version: {version!r}")
    release = match["release"]
    return (int(match["epoch"] or 0), _part_key(match["version"]), () if release is None else _part_key(release))


def epochless_version_key(version: str) -> VersionKey:
    """The order of versions without their epochs, for distributions whose advisories leave them out.

    An installed `1:2.0-1` would otherwise be above every fix.

    Raises:
        InvalidVersionError: as `rpm_version_key`.
    """
    return rpm_version_key(version)[1:]


def _part_key(part: str) -> VersionKey:
    """Runs of digits and of letters: numbers after letters, the end before both, `~` before and `^` after the end."""
    return (*(_segment_key(*pieces) for pieces in _SEGMENT.findall(part)), (_END,))


def _segment_key(digits: str, letters: str, mark: str) -> VersionKey:
    if digits:
        return (_NUMBER, int(digits))
    if letters:
        return (_LETTERS, letters)
    return (_TILDE,) if mark == "~" else (_CARET,)
