"""Maven: the order of `ComparableVersion`, for which any text is a version."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from deadlight.ecosystems.ecosystem import InvalidVersionError, VersionKey, is_plausible_version

_SEPARATORS = re.compile(r"([.-])")
_RUNS = re.compile(r"[0-9]+|[^0-9]+")

_BEFORE_RELEASE = ("alpha", "beta", "milestone", "rc", "snapshot")
_ALIASES = {"cr": "rc", "ga": "", "final": "", "release": ""}
_BEFORE_A_DIGIT = {"a": "alpha", "b": "beta", "m": "milestone"}

_RELEASE, _SERVICE_PACK, _OTHER_WORD, _HYPHEN_NUMBER, _DOT_NUMBER = range(
    len(_BEFORE_RELEASE), len(_BEFORE_RELEASE) + 5
)
"""What may stand at one place after the words before a release, in order. A version that ends is a release there."""

_NOTHING: frozenset[VersionKey] = frozenset({(_RELEASE,), (_HYPHEN_NUMBER, 0), (_DOT_NUMBER, 0)})
"""What says nothing where nothing but a hyphen follows: 1.0.0-final is 1, and 1.0-alpha is 1-alpha."""


def maven_version_key(version: str) -> VersionKey:
    """A key in the order of Maven's "Version Order Specification" (https://maven.apache.org/pom.html).

    Maven's code is no order where a word after a dot is followed by more (1.0.redhat-1), or a hyphen by nothing
    (1--1, 1-0-1, 1-final-1): it then has 1-alpha < 1 < 1.sp.1 < 1-alpha.
    There the specification decides: the dot before a word is a hyphen, and what says nothing is left out.

    Raises:
        InvalidVersionError: empty, too long, or with characters that are not printable ASCII.
    """
    if not is_plausible_version(version):
        raise InvalidVersionError(f"not a Maven version: {version[:40]!r}")
    tokens: list[VersionKey] = []
    for token in _tokens(version.lower()):
        if token[0] != _DOT_NUMBER:
            _drop_nothing(tokens)
        tokens.append(token)
    _drop_nothing(tokens)
    return (*tokens, (_RELEASE,))


def _tokens(text: str) -> Iterator[VersionKey]:
    """Runs of digits and of other characters; between them a hyphen goes without saying, as does a zero for nothing."""
    separator = "."
    pieces = _SEPARATORS.split(text)
    for position, piece in enumerate(pieces):
        if position % 2:
            separator = piece
            continue
        runs = _RUNS.findall(piece)
        if not runs and position < len(pieces) - 1:
            runs = ["0"]
        for run, following in zip_longest(runs, runs[1:]):
            yield _token(separator, run, followed_by_digit=following is not None)
            separator = "-"


def _token(separator: str, run: str, *, followed_by_digit: bool) -> VersionKey:
    if run.isdigit():
        return (_DOT_NUMBER if separator == "." else _HYPHEN_NUMBER, int(run))
    word = _BEFORE_A_DIGIT.get(run, run) if followed_by_digit else run
    word = _ALIASES.get(word, word)
    if word in _BEFORE_RELEASE:
        return (_BEFORE_RELEASE.index(word),)
    if not word:
        return (_RELEASE,)
    return (_SERVICE_PACK,) if word == "sp" else (_OTHER_WORD, word)


def _drop_nothing(tokens: list[VersionKey]) -> None:
    while tokens and tokens[-1] in _NOTHING:
        tokens.pop()
