"""Alpine: apk's version order and releases as OSV names them."""

import re
from collections.abc import Mapping

from deadlight.ecosystems.apk import APK
from deadlight.ecosystems.ecosystem import Ecosystem, InvalidVersionError, VersionKey, require_length, unchanged

_VERSION = re.compile(
    r"(?P<first>[0-9]+)(?P<rest>(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~(?P<commit>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_BEFORE_RELEASE = ("alpha", "beta", "pre", "rc")
_AFTER_RELEASE = ("cvs", "svn", "git", "hg", "p")

# What may follow a common beginning, in apk's order: a pre-release suffix sorts before the end, all else after it.
_PRE_SUFFIX, _END, _REVISION, _COMMIT, _SUFFIX_NUMBER, _POST_SUFFIX, _LETTER, _NUMBER = range(8)


def alpine_version_key(version: str) -> VersionKey:
    """A key in the order of `apk version --test` (apk-tools 3, apk-version(8)).

    Raises:
        InvalidVersionError: the text does not follow apk's grammar.
    """
    require_length(version)
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidVersionError(f"not an Alpine version: {version!r}")
    tokens: list[VersionKey] = [(_NUMBER, 1, int(match["first"]))]
    tokens += [_number_token(digits) for digits in match["rest"].split(".")[1:]]
    if match["letter"]:
        tokens.append((_LETTER, match["letter"]))
    for name, number in _SUFFIX.findall(match["suffixes"]):
        tokens += _suffix_tokens(name, number)
    if match["commit"]:
        tokens.append((_COMMIT, match["commit"]))
    if match["revision"]:
        tokens.append((_REVISION, int(match["revision"])))
    return (*tokens, (_END,))


def _number_token(digits: str) -> VersionKey:
    """Digits with a leading zero are compared as text, and so stand before all without one (Gentoo's rule)."""
    return (_NUMBER, 0, digits) if digits.startswith("0") else (_NUMBER, 1, int(digits))


def _suffix_tokens(name: str, number: str) -> list[VersionKey]:
    if name in _BEFORE_RELEASE:
        token: VersionKey = (_PRE_SUFFIX, _BEFORE_RELEASE.index(name))
    else:
        token = (_POST_SUFFIX, _AFTER_RELEASE.index(name))
    return [token, (_SUFFIX_NUMBER, int(number))] if number else [token]


def _release(os_release: Mapping[str, str]) -> str:
    """`v3.19`; development images carry `3.20_alpha20240329` and follow edge."""
    version = os_release.get("VERSION_ID", "")
    if "_alpha" in version:
        return "edge"
    major_minor = ".".join(version.split(".")[:2])
    return f"v{major_minor}" if major_minor else ""


ALPINE = Ecosystem(
    name="Alpine",
    purl_type="apk",
    version_key=alpine_version_key,
    normalise_name=unchanged,
    cataloguer=APK,
    os_ids=("alpine",),
    os_release=_release,
)
