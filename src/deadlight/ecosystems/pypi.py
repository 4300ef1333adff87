"""PyPI: Python's version order (PEP 440) and names (PEP 503)."""

import re

from packaging.version import InvalidVersion, Version

from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length
from deadlight.ecosystems.python_metadata import PYTHON, normalise_name


def pypi_version_key(version: str) -> VersionKey:
    """A key in the order of PEP 440, "Summary of permitted suffixes and relative ordering".

    Raises:
        InvalidVersionError: not a PEP 440 version.
    """
    require_length(version)
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise InvalidVersionError(f"not a PEP 440 version: {version!r}") from error
    return (
        parsed.epoch,
        _without_trailing_zeros(parsed.release),
        _pre_release_key(parsed),
        -1 if parsed.post is None else parsed.post,
        (1, 0) if parsed.dev is None else (0, parsed.dev),
        _local_key(parsed.local),
    )


def _without_trailing_zeros(release: tuple[int, ...]) -> tuple[int, ...]:
    end = len(release)
    while end and release[end - 1] == 0:
        end -= 1
    return release[:end]


def _pre_release_key(version: Version) -> tuple[int, str, int]:
    """`1.dev1` < `1a1.dev1` < `1a1` < `1`: a development release of the final version precedes its pre-releases."""
    if version.pre is not None:
        return (0, *version.pre)
    return (-1, "", 0) if version.post is None and version.dev is not None else (1, "", 0)


def _local_key(local: str | None) -> VersionKey:
    """No local version first; then segment by segment, text before numbers."""
    if local is None:
        return ()
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"[._-]", local))


PYPI = Ecosystem(
    name="PyPI",
    purl_type="pypi",
    version_key=pypi_version_key,
    normalise_name=normalise_name,
    cataloguer=PYTHON,
)
