"""RubyGems: the order of `Gem::Version`, in which a letter makes a pre-release."""

import re
from itertools import dropwhile

from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length, unchanged
from deadlight.ecosystems.gem_specifications import GEMS

_VERSION = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+")

_WORD, _END, _NUMBER = range(3)
"""What may follow a common beginning, in order."""


def rubygems_version_key(version: str) -> VersionKey:
    """A key in the order of `Gem::Version#<=>` (https://docs.ruby-lang.org/en/3.4/Gem/Version.html).

    Segments are compared one by one, words below numbers; a version that ends goes on with zeros. Zeros are therefore
    counted with what follows them: below a number the fewer the better, above a word the more.

    Raises:
        InvalidVersionError: not a version RubyGems accepts.
    """
    require_length(version)
    if _VERSION.fullmatch(version) is None:
        raise InvalidVersionError(f"not a gem version: {version!r}")
    tokens: list[VersionKey] = []
    zeros = 0
    for segment in _canonical_segments(version):
        if segment == 0:
            zeros += 1
            continue
        tokens.append((_WORD, zeros, segment) if isinstance(segment, str) else (_NUMBER, -zeros, segment))
        zeros = 0
    return (*tokens, (_END,))


def _canonical_segments(version: str) -> list[int | str]:
    """The numbers before the first word, then the rest, each without the zeros at its end."""
    segments: list[int | str] = [
        int(segment) if segment.isdigit() else segment for segment in _SEGMENT.findall(version.replace("-", ".pre."))
    ]
    words = next((place for place, segment in enumerate(segments) if isinstance(segment, str)), len(segments))
    return [*_without_trailing_zeros(segments[:words]), *_without_trailing_zeros(segments[words:])]


def _without_trailing_zeros(segments: list[int | str]) -> list[int | str]:
    return [*dropwhile(lambda segment: segment == 0, reversed(segments))][::-1]


RUBYGEMS = Ecosystem(
    name="RubyGems",
    purl_type="gem",
    version_key=rubygems_version_key,
    normalise_name=unchanged,
    cataloguer=GEMS,
)
