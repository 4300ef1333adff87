"""What a type of registry has to offer beyond the OCI distribution API, and the facts it gives.

`RegistryClient` asks every registry what it holds. Who pushed it, which build made it, whether its tag may move and
where it went is told by each product's own API; a type is the adapter to one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol

import aiohttp

from deadlight.model.image import ImageReference
from deadlight.registry.endpoint import Endpoint
from deadlight.registry.limits import Timing


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
    problems: tuple[str, ...] = ()
    """What our account may not see of it, for people: why a fact is unknown and which right is missing."""


class Feature(StrEnum):
    """The facts a type can give; each is the name of a field of `ArtifactFacts`."""

    PUSHED_BY = "pushed_by"
    PUSHED_AT = "pushed_at"
    BUILD = "build"
    TAG_POLICY = "tag_policy"
    ORIGIN = "origin"
    RESTORABLE_FROM = "restorable_from"
    LINK = "link"
    PROPERTIES = "properties"


@dataclass(frozen=True, slots=True)
class Product:
    """What answers at an address."""

    name: str
    version: str = ""
    problems: tuple[str, ...] = ()
    """What keeps it from being of full use, for people: too old, missing rights."""


class RegistryApi(Protocol):
    """One registry's own API. All methods raise `UnavailableError` for a registry that cannot be asked.

    An account without the right to see something gets facts without it, and `problems` that say so.
    """

    async def describe_product(self) -> Product:
        """What it is, as far as our account may see; the heart of a connection test."""

    async def fetch_facts(self, reference: ImageReference, digest: str) -> ArtifactFacts:
        """What it knows of `digest`, running under `reference`; facts it does not have stay empty.

        What was deleted is no error: then `restorable_from` may be all that is left.
        """


@dataclass(frozen=True, slots=True)
class Option:
    """A setting that one type has beyond those every registry has."""

    name: str
    label: str
    help: str
    """What to enter, and where a person finds it; a sentence."""
    secret: bool = False
    """Stored encrypted and never shown again."""
    required: bool = False


class Connect(Protocol):
    """Makes the API of one registry. Nothing is asked yet."""

    def __call__(
        self, endpoint: Endpoint, session: aiohttp.ClientSession, options: Mapping[str, str], timing: Timing
    ) -> RegistryApi:
        """Use the values of the type's `options`; raises InvalidEndpointError for ones that cannot work."""


@dataclass(frozen=True, slots=True)
class RegistryType:
    """A row of the table of registry types."""

    key: str
    """As stored."""
    label: str
    """As people know it."""
    summary: str
    """When to choose it; a sentence."""
    connect: Connect
    features: frozenset[Feature]
    hosts: tuple[str, ...] = ()
    """Patterns (`*.example.com`) of hosts that are certainly of this type."""
    options: tuple[Option, ...] = ()
    scanner: str = ""
    """What its product's own scanner is called, where it can have one; its API is then `statements.WithScanner`."""
    expected_digest_label: str = "Registry Digest (Expected)"
    """What a violation calls the digest that the registry has."""

    def recognises(self, host: str) -> bool:
        """Whether a host of image references tells by its name that it is of this type."""
        return any(fnmatchcase(host.lower(), pattern) for pattern in self.hosts)
