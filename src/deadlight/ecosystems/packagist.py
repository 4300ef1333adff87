"""Packagist: Composer's version order and names."""

import re

from deadlight.ecosystems.composer_installed import COMPOSER
from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length

_STABILITY = (
    r"(?:[._-]?(?:(?P<stability>stable|beta|b|rc|alpha|a|patch|pl|p)(?P<number>(?:[.-]?[0-9]++)*+))?(?P<dev>[.-]?dev)?)"
)
_FLAGS = re.ASCII | re.IGNORECASE
_CLASSIC = re.compile(rf"v?(?P<core>[0-9]{{1,5}}(?:\.[0-9]+){{0,3}}){_STABILITY}", _FLAGS)
_DATED = re.compile(rf"v?(?P<core>[0-9]{{4}}(?:[.:-]?[0-9]{{2}}){{1,6}}(?:[.:-]?[0-9]{{1,3}})?){_STABILITY}", _FLAGS)
_BRANCH = re.compile(r"v?(?P<core>[0-9]+(?:\.(?:[0-9]+|[x*])){0,3})[.-]?dev", _FLAGS)
_BUILD = re.compile(r"\+[!-~]+")

_BRANCH_END = 9_999_999
"""What Composer takes a branch's open numbers for: 1.x-dev is above every 1.something."""

_DEV, _ALPHA, _BETA, _CANDIDATE, _END, _NUMBER, _PATCH = range(7)
"""What may stand at one place, in the order of PHP's version_compare()."""

_RANKS = {
    "alpha": _ALPHA, "a": _ALPHA, "beta": _BETA, "b": _BETA, "rc": _CANDIDATE,
    "patch": _PATCH, "pl": _PATCH, "p": _PATCH,
}  # fmt: skip


def packagist_version_key(version: str) -> VersionKey:
    """A key in the order of Composer's `Comparator`: what it normalises to, as PHP's version_compare() orders it.

    Raises:
        InvalidVersionError: not a version for Composer, or a branch without number (`dev-main`), which has no place.
    """
    require_length(version)
    text = _BUILD.sub("", version, count=1)
    if match := _CLASSIC.fullmatch(text):
        numbers = [int(number) for number in match["core"].split(".")]
        return _key([*numbers, *[0] * (4 - len(numbers))], match)
    if match := _DATED.fullmatch(text):
        return _key([int(number) for number in re.findall("[0-9]+", match["core"])], match)
    if match := _BRANCH.fullmatch(text):
        branch = [int(part) if part.isdigit() else _BRANCH_END for part in match["core"].split(".")]
        return (*((_NUMBER, n) for n in [*branch, *[_BRANCH_END] * (4 - len(branch))]), (_DEV,), (_END,))
    raise InvalidVersionError(f"not a Composer version: {version!r}")


def _key(numbers: list[int], match: re.Match[str]) -> VersionKey:
    tokens: list[VersionKey] = [(_NUMBER, number) for number in numbers]
    stability = (match["stability"] or "").lower()
    if stability != "stable":
        if stability:
            tokens.append((_RANKS[stability],))
            tokens += [(_NUMBER, int(number)) for number in re.findall("[0-9]+", match["number"])]
        if match["dev"]:
            tokens.append((_DEV,))
    return (*tokens, (_END,))


PACKAGIST = Ecosystem(
    name="Packagist",
    purl_type="composer",
    version_key=packagist_version_key,
    normalise_name=str.lower,
    cataloguer=COMPOSER,
)
