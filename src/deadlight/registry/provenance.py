"""Who built an image, as far as the image itself says. Pure.

The first of these that is there answers: the OCI annotation `org.opencontainers.image.authors` (image specification,
annotations), what GitLab CI and GitHub Actions set by convention, and the old `maintainer` label. Annotations of the
manifest come before labels of the configuration, because they are written later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_OWNER_KEYS = (
    "org.opencontainers.image.authors",
    "com.gitlab.ci.email",
    "com.gitlab.ci.user",
    "com.github.actor",
    "org.label-schema.maintainer",
    "maintainer",
)
_LINK_KEYS = ("org.opencontainers.image.source", "org.opencontainers.image.url", "org.label-schema.vcs-url")
_REVISION_KEYS = ("org.opencontainers.image.revision", "org.label-schema.vcs-ref", "com.gitlab.ci.commit")
MAX_VALUE_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Attribution:
    """A person or team, where that is known from, and where to look further."""

    value: str
    source: str
    link: str = ""
    revision: str = ""


def find_build_owner(annotations: Mapping[str, str], labels: Mapping[str, str]) -> Attribution | None:
    """Who built it, or None where the image does not say."""
    for place, values in (("annotation", annotations), ("label", labels)):
        for key in _OWNER_KEYS:
            value = values.get(key, "").strip()[:MAX_VALUE_LENGTH]
            if value:
                both = {**labels, **annotations}
                return Attribution(value, f"image {place} {key}", _link(both), _first(both, _REVISION_KEYS))
    return None


def _link(values: Mapping[str, str]) -> str:
    link = _first(values, _LINK_KEYS)
    return link if link.startswith(("https://", "http://")) else ""


def _first(values: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((values[key][:MAX_VALUE_LENGTH] for key in keys if values.get(key)), "")
