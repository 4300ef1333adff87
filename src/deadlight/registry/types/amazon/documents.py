"""The documents of ECR's API (its API reference, version 2015-09-21), and what they mean. Pure."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from deadlight.model.image import ImageReference
from deadlight.registry.answers import printable
from deadlight.registry.errors import MalformedAnswerError
from deadlight.registry.types.origins import origin_of
from deadlight.registry.types.registry_type import TagPolicy

_ROOT = "ROOT"


class LoginToken(msgspec.Struct, rename="camel"):
    """What an account signs in with at the registry."""

    authorization_token: str
    expires_at: float = 0.0


class LoginTokens(msgspec.Struct, rename="camel"):
    """GetAuthorizationToken's answer."""

    authorization_data: list[LoginToken]


class Image(msgspec.Struct, rename="camel"):
    """An image's push time, in seconds since 1970."""

    image_pushed_at: float = 0.0


class Images(msgspec.Struct, rename="camel"):
    """DescribeImages' answer."""

    image_details: list[Image]


class Exclusion(msgspec.Struct):
    """A pattern of tags that the repository's setting is not for."""

    filter: str = ""


class Repository(msgspec.Struct, rename="camel"):
    """A repository's settings."""

    image_tag_mutability: str = ""
    image_tag_mutability_exclusion_filters: list[Exclusion] | None = None


class Repositories(msgspec.Struct, rename="camel"):
    """DescribeRepositories' answer."""

    repositories: list[Repository]


class CacheRule(msgspec.Struct, rename="camel"):
    """Where repositories under a prefix are copied from."""

    ecr_repository_prefix: str
    upstream_registry_url: str
    upstream_repository_prefix: str = _ROOT


class CacheRules(msgspec.Struct, rename="camel"):
    """DescribePullThroughCacheRules' answer."""

    pull_through_cache_rules: list[CacheRule]


def policy_of(settings: Repositories, tag: str) -> TagPolicy | None:
    """What the first repository's setting says of a tag."""
    if not settings.repositories or not tag:
        return None
    repository = settings.repositories[0]
    exclusions = [exclusion.filter for exclusion in repository.image_tag_mutability_exclusion_filters or ()]
    return tag_policy(repository.image_tag_mutability, exclusions, tag)


def tag_policy(mutability: str, exclusions: Sequence[str], tag: str) -> TagPolicy | None:
    """What a repository's setting says of a tag; None for plain MUTABLE, which every repository has unless told.

    Exclusions are patterns with `*` (ECR's documentation, "Image tag mutability").
    """
    excluded = next((pattern for pattern in exclusions if fnmatchcase(tag, pattern)), "")
    because = f"excluded by {printable(excluded)}" if excluded else "no exclusion matches"
    match mutability:
        case "IMMUTABLE":
            return TagPolicy(may_move=False, detail="imageTagMutability is IMMUTABLE")
        case "IMMUTABLE_WITH_EXCLUSION":
            return TagPolicy(may_move=bool(excluded), detail=f"imageTagMutability is {mutability}, {because}")
        case "MUTABLE_WITH_EXCLUSION":
            return TagPolicy(may_move=not excluded, detail=f"imageTagMutability is {mutability}, {because}")
        case _:
            return None


def find_origin(rules: Sequence[CacheRule], repository: str, tag: str, digest: str) -> ImageReference | None:
    """The image that a cached one is a copy of, by the rule with the longest prefix."""
    fitting = [rule for rule in rules if _rest(rule, repository)]
    if not fitting:
        return None
    rule = max(fitting, key=lambda rule: len(rule.ecr_repository_prefix) * (rule.ecr_repository_prefix != _ROOT))
    rest = _rest(rule, repository)
    prefix = rule.upstream_repository_prefix
    path = rest if prefix in {"", _ROOT} else f"{prefix}/{rest}"
    return origin_of(f"https://{rule.upstream_registry_url}", path, tag, digest)


def _rest(rule: CacheRule, repository: str) -> str:
    """What follows a rule's prefix; empty where it is not of that rule."""
    if rule.ecr_repository_prefix == _ROOT:
        return repository
    prefix = rule.ecr_repository_prefix.rstrip("/") + "/"
    return repository.removeprefix(prefix) if repository.startswith(prefix) else ""


def read_login(server: str, token: str) -> tuple[str, str]:
    """User name and password from a token, base64 of `AWS:<password>`; raises MalformedAnswerError."""
    try:
        username, _, password = b64decode(token, validate=True).decode("ascii").partition(":")
    except ValueError:  # binascii.Error and UnicodeDecodeError are both
        username = password = ""
    if not username or not password:
        raise MalformedAnswerError(server, "its authorization token cannot be read")
    return username, password


def moment(epoch: float) -> datetime | None:
    """A time in seconds since 1970; None for what is none."""
    try:
        return datetime.fromtimestamp(epoch, UTC) if epoch > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
