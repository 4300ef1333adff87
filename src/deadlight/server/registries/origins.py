"""Proxy caches: from the name that an image was pulled by to the name of what is cached there. Pure.

An image that was pulled through a cache is compared with the cache, which is what the nodes would pull from again; its
origin is known and shown. So a cache is trusted, or not, in its own right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deadlight.model.image import ImageReference, InvalidReferenceError

_ANY_HOST = "registry.invalid"
_PROBE = "probe"


class InvalidOriginError(ValueError):
    """A mapping that no image can follow; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A part of a registry that is a cache of another registry, or of a part of it."""

    prefix: str
    """The path that the cached repositories start with; empty where the whole registry is a cache."""
    origin: str
    """What stands in its place at the origin: a registry's host, with a path where only that is cached."""

    def __post_init__(self) -> None:
        """Check both.

        Raises:
            InvalidOriginError: they are no part of an image's name.
        """
        host = self.origin.partition("/")[0]
        if not ("." in host or ":" in host or host == "localhost"):
            raise InvalidOriginError(f"{self.origin!r} does not begin with a registry's host (docker.io, ghcr.io/team)")
        try:
            ImageReference.parse(f"{_ANY_HOST}/{self.prefix}/{_PROBE}" if self.prefix else f"{_ANY_HOST}/{_PROBE}")
            ImageReference.parse(f"{self.origin}/{_PROBE}")
        except InvalidReferenceError as error:
            raise InvalidOriginError(str(error)) from None

    def covers(self, repository: str) -> bool:
        """Whether a repository is cached by this rule."""
        return not self.prefix or repository.startswith(f"{self.prefix}/")


def find_origin(origins: Sequence[Origin], reference: ImageReference) -> ImageReference | None:
    """What `reference` is a cached copy of; None where it is none. Of several rules the longest prefix counts."""
    covering = [rule for rule in origins if rule.covers(reference.repository)]
    if not covering:
        return None
    rule = max(covering, key=lambda each: len(each.prefix))
    path = reference.repository.removeprefix(f"{rule.prefix}/") if rule.prefix else reference.repository
    try:
        found = ImageReference.parse(f"{rule.origin}/{path}")
    except InvalidReferenceError:
        return None  # longer than a name may be
    return replace(found, tag=reference.tag, digest=reference.digest)
