"""May this tag move? The first source that answers decides, and is named with the verdict. Pure.

The documents give fifteen mutable names and the shapes that are immutable (a full version, a commit). What they leave
open is decided here: a version of one or two numbers (`15`, `3.12`) floats by the convention of public images, so it
is mutable; a calendar date or a long build number is a release, so it is immutable; any other word is mutable.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from deadlight.model.integrity import MutabilitySource
from deadlight.registry.types.registry_type import TagPolicy

MUTABLE_NAMES = frozenset(
    {
        "latest",
        "main",
        "master",
        "dev",
        "develop",
        "staging",
        "stable",
        "nightly",
        "edge",
        "canary",
        "alpha",
        "beta",
        "rc",
        "snapshot",
        "head",
    }
)
"""The documented names, compared without regard to case."""

_MOVING_SUFFIXES = frozenset({"snapshot", "nightly", "latest", "dev", "edge", "canary", "head"})
"""What makes even a full version move (`1.2.3-SNAPSHOT`). A pre-release (`1.2.3-rc.1`) is released once and stays."""

_FULL_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[.+_-].*)?", re.IGNORECASE)
_CALENDAR = re.compile(r"v?(?:19|20)\d\d(?:[.-]?(?:0[1-9]|1[0-2]))(?:[.-]?(?:0[1-9]|[12]\d|3[01]))?(?:[.+_-].*)?")
_COMMIT = re.compile(r"(?:[a-z][a-z0-9._]*-)*?(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}", re.IGNORECASE)
_BUILD_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True)
class Mutability:
    """The decision and what it rests on."""

    mutable: bool
    source: MutabilitySource
    detail: str


PINNED = Mutability(mutable=False, source=MutabilitySource.SHAPE, detail="the reference is pinned by digest")
"""Of a reference that names a digest: it means one image for good, whatever tag is written beside it."""


@dataclass(frozen=True, slots=True)
class TagPatterns:
    """The user's patterns (`*` and `?`) for a registry."""

    mutable: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()


def decide_mutability(
    tag: str,
    *,
    policy: TagPolicy | None = None,
    moved_before_deployment: bool = False,
    patterns: TagPatterns = TagPatterns(),
) -> Mutability:
    """Whether `tag` may move.

    `policy` is the registry's own word, None where it has none.
    """
    if policy is not None:
        word = "lets this tag move" if policy.may_move else "forbids this tag to move"
        because = f" ({policy.detail})" if policy.detail else ""
        return Mutability(policy.may_move, MutabilitySource.REGISTRY_POLICY, f"the registry {word}{because}")
    if moved_before_deployment:
        return Mutability(True, MutabilitySource.TAG_HISTORY, "the tag had moved before this image was deployed")
    return _by_pattern(tag, patterns) or _by_name(tag) or _by_shape(tag)


def _by_pattern(tag: str, patterns: TagPatterns) -> Mutability | None:
    for mutable, candidates in ((True, patterns.mutable), (False, patterns.immutable)):
        for pattern in candidates:
            if fnmatchcase(tag, pattern):
                return Mutability(mutable, MutabilitySource.USER_PATTERN, f"matches the pattern {pattern!r}")
    return None


def _by_name(tag: str) -> Mutability | None:
    if tag.lower() not in MUTABLE_NAMES:
        return None
    return Mutability(True, MutabilitySource.DOCUMENTED_NAME, f"{tag!r} is a name that moves by convention")


def _by_shape(tag: str) -> Mutability:
    words = {word.lower() for word in re.split(r"[.+_-]", tag)}
    moving = words & _MOVING_SUFFIXES
    if moving:
        return Mutability(True, MutabilitySource.SHAPE, f"{min(moving)!r} in the tag says that it moves")
    for shape, pattern in (
        ("a full version", _FULL_VERSION),
        ("a calendar date", _CALENDAR),
        ("a commit", _COMMIT),
        ("a build number", _BUILD_NUMBER),
    ):
        if pattern.fullmatch(tag):
            return Mutability(False, MutabilitySource.SHAPE, f"{tag!r} looks like {shape}")
    return Mutability(True, MutabilitySource.SHAPE, f"{tag!r} is neither a full version, a date nor a commit")


def moved_before(deployed_at: datetime, first_seen: Sequence[datetime]) -> bool:
    """Whether a tag's history shows a move that is older than the deployment.

    `first_seen` says when each digest the tag has had was first seen under it. Only moves before the deployment
    count: whoever moves a tag afterwards must not be able to talk its violation down by moving it again.
    """
    return sum(seen < deployed_at for seen in first_seen) > 1
