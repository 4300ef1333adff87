"""Documents of Harbor's API v2.0, as its public OpenAPI description has them; only the fields that are used.

Names of its definitions: GeneralInfo, Artifact, Tag, Reference, Project, ProjectSummary, Registry, ImmutableRule,
AuditLog and AuditLogExt.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from deadlight.registry import foreign
from deadlight.registry.times import parse_time
from deadlight.registry.types.registry_type import TagPolicy

MAX_RULES_SHOWN = 3

_SAME_PUSH = timedelta(seconds=5)
"""How far apart Harbor may write the time of a tag and the log entry of the push that set it."""


class GeneralInfo(msgspec.Struct):
    """What Harbor tells of itself: `auth_mode` to everybody, its version to accounts it knows."""

    auth_mode: str | None = None
    harbor_version: str | None = None


class Tag(msgspec.Struct):
    """A tag with its immutability status."""

    name: str
    push_time: str = ""
    immutable: bool = False


class Reference(msgspec.Struct):
    """An entry of an index."""

    child_digest: str


class Artifact(msgspec.Struct):
    """A manifest or index."""

    digest: str
    push_time: str = ""
    tags: list[Tag] | None = None
    references: list[Reference] | None = None

    def holds(self, digest: str) -> bool:
        """Whether it is this content, or an index of it."""
        return digest in {self.digest, *(reference.child_digest for reference in self.references or ())}

    def find_tag(self, name: str) -> Tag | None:
        """Its tag of that name."""
        return next((tag for tag in self.tags or () if tag.name == name), None)


class Project(msgspec.Struct):
    """A project; with a registry it is a cache of that."""

    project_id: int
    registry_id: int | None = None


class UpstreamRegistry(msgspec.Struct):
    """A registry that Harbor caches or replicates."""

    url: str = ""
    type: str = ""


class ProjectSummary(msgspec.Struct):
    """A project's figures, and what it is a cache of."""

    registry: UpstreamRegistry | None = None


class Selector(msgspec.Struct):
    """A pattern of names that a rule is for, or is not for."""

    decoration: str = ""
    pattern: str = ""

    def __str__(self) -> str:
        verb = "except" if self.decoration.lower().endswith("excludes") else "matching"
        return f"{verb} {foreign.name(self.pattern)}"


class ImmutableRule(msgspec.Struct):
    """A rule that keeps tags where they are."""

    disabled: bool = False
    tag_selectors: list[Selector] | None = None
    scope_selectors: dict[str, list[Selector]] | None = None

    def __str__(self) -> str:
        tags = ", ".join(map(str, self.tag_selectors or ()))
        repositories = ", ".join(map(str, (self.scope_selectors or {}).get("repository", ())))
        return f"tags {tags} in repositories {repositories}"


class AuditLog(msgspec.Struct):
    """Something that was done. Harbor before 2.13 has no description."""

    username: str = ""
    resource: str = ""
    operation: str = ""
    operation_description: str = ""
    op_time: str = ""


def policy_of(tag: Tag, project: str, rules: Sequence[ImmutableRule] | None) -> TagPolicy | None:
    """What Harbor says of a tag; the rules, where they may be seen, are quoted for people.

    That no rule covers a tag is what nobody decided, and says nothing about it.
    """
    if not tag.immutable:
        return None
    shown = [str(rule) for rule in rules or () if not rule.disabled][:MAX_RULES_SHOWN]
    quoted = f" ({'; '.join(shown)})" if shown else ""
    return TagPolicy(False, f"Harbor: an immutability rule of project {project} covers this tag{quoted}")


def find_pusher(entries: Iterable[AuditLog], resource: str, digest: str, tag: Tag | None) -> str:
    """Who pushed `digest` as `resource`, by the audit log; empty where no entry is certainly about that push.

    An entry says which digest it is about, or else it must be from the moment when the tag got its content.
    """
    pushed_at = parse_time(tag.push_time) if tag else None
    for entry in entries:
        if entry.operation != "create" or entry.resource != resource or not entry.username:
            continue
        described, done_at = entry.operation_description, parse_time(entry.op_time)
        if described.endswith(f"@{digest}"):
            return shown_account(entry.username)
        if not described and done_at and pushed_at and abs(done_at - pushed_at) <= _SAME_PUSH:
            return shown_account(entry.username)
    return ""


def shown_account(username: str) -> str:
    """An account as people read it: a robot's name says that it is one, `robot$project+name`."""
    name = foreign.name(username)
    return f"{name} (robot account)" if name.startswith("robot$") else name
