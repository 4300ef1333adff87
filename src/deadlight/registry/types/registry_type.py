"""What a type of registry has to offer beyond the OCI distribution API, and the facts it gives.

`RegistryClient` asks every registry what it holds. Who pushed it, which build made it, whether its tag may move and
where it went is told by each product's own API; a type is the adapter to one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from deadlight.model.image import ImageReference


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The build that made an image, as the registry has it on record. Empty texts are unknown."""

    name: str
    number: str = ""
    owner: str = ""
    """Who started it."""
    url: str = ""
    """Its page at the CI server."""
    vcs_url: str = ""
    vcs_revision: str = ""
    vcs_branch: str = ""
    vcs_message: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TagPolicy:
    """The registry's own word on whether a tag may move."""

    may_move: bool
    detail: str
    """The setting it rests on, for people to read."""


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What a registry's own API says of an image under a name. Empty texts and None are unknown."""

    pushed_by: str = ""
    pushed_at: datetime | None = None
    """When this name got this content."""
    build: BuildRecord | None = None
    tag_policy: TagPolicy | None = None
    origin: ImageReference | None = None
    """What it is a cached copy of, where the repository is a proxy of another registry."""
    restorable_from: str = ""
    """Where what was deleted can be restored from: a path in a trash can, say."""
    link: str = ""
    """Its page in the registry's own user interface."""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """What answers at an address."""

    name: str
    version: str = ""
    problems: tuple[str, ...] = ()
    """What keeps it from being of full use, for people: too old, missing rights."""


class RegistryApi(Protocol):
    """One registry's own API. All methods raise `UnavailableError` for a registry that cannot be asked.

    An account without the right to see something gets facts without it, and says so in `Product.problems`.
    """

    async def describe_product(self) -> Product:
        """What it is, as far as our account may see; the heart of a connection test."""

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """What it knows of `digest`, running under `reference`; facts it does not have stay empty.

        What was deleted is no error: then `restorable_from` may be all that is left.
        """
