"""Bodies of the registry endpoints."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.registries.scanning import ScanWith


class OriginRule(BaseModel):
    """A part of a registry that caches another one."""

    prefix: PlainText = Field(default="", max_length=255, description="The path it starts with; empty: all of it.")
    origin: PlainText = Field(
        min_length=1, max_length=255, description="What stands in its place at the origin: docker.io, ghcr.io/team."
    )


class RegistryIn(BaseModel):
    """A registry as a person enters it."""

    host: PlainText = Field(
        min_length=1, max_length=255, description="As in image references: docker.io, ghcr.io, host:5000"
    )
    name: PlainText = Field(default="", max_length=128, description="Shown to people; the host where empty.")
    type: PlainText = Field(default="", max_length=64, description="A key of its type; empty: what its host tells.")
    options: dict[PlainText, PlainText] = Field(
        default={}, max_length=16, description="Settings of its type by name. Secret ones left out stay as they are."
    )
    scan_with: ScanWith = Field(
        default=ScanWith.DEADLIGHT,
        description="Where its images' findings come from; xray: the Xray of an Artifactory.",
    )
    url: PlainText = Field(default="", max_length=2048, description="Where the API is, when not https://<host>.")
    mirrors: list[PlainText] = Field(default=[], max_length=16, description="Base URLs asked first.")
    username: PlainText = Field(default="", max_length=256)
    password: str | None = Field(default=None, max_length=8192, description="Left out on a change: stays as it is.")
    verify_tls: bool = True
    trusted: bool = Field(default=True, description="Untrusted: running images from here are a risk of their own.")
    trusted_repositories: list[PlainText] = Field(
        default=[], max_length=256, description="Patterns of trusted repositories' paths. Empty: all are trusted."
    )
    untrusted_repositories: list[PlainText] = Field(
        default=[], max_length=256, description="Patterns of those that are not, whatever else matches."
    )
    origins: list[OriginRule] = Field(default=[], max_length=64, description="Where it is a cache, and of what.")
    checks_per_second: float = Field(
        default=20, ge=0.1, le=1000, description="Scheduled checks, by all replicas together, on average."
    )
    mutable_tags: list[PlainText] = Field(default=[], max_length=256, description="Patterns of tags that may move.")
    immutable_tags: list[PlainText] = Field(default=[], max_length=256, description="Patterns of tags that must not.")
    demonstration: bool = False


class RegistryOut(BaseModel):
    """A registry without its password."""

    id: int
    host: str
    name: str
    type: str
    options: dict[str, str]
    """Of its type, without the secret ones."""
    scan_with: ScanWith
    url: str
    mirrors: list[str]
    username: str
    verify_tls: bool
    trusted: bool
    trusted_repositories: list[str]
    untrusted_repositories: list[str]
    origins: list[OriginRule]
    checks_per_second: float
    mutable_tags: list[str]
    immutable_tags: list[str]
    demonstration: bool
    created_at: datetime
    asked_at: datetime | None
    problem: str
    images: int
    """Tags and digests of it that are checked again and again."""
    requests: int
    bytes_received: int
    webhook_created_at: datetime | None
    """None where it has no secret, so that no webhook of it is taken."""
    webhooks_accepted: int
    webhook_accepted_at: datetime | None
    webhooks_refused: int
    webhook_refused_at: datetime | None
    webhook_problem: str


class OptionOut(BaseModel):
    """A setting that a type has beyond those of every registry."""

    name: str
    label: str
    help: str
    secret: bool
    required: bool


class RegistryTypeOut(BaseModel):
    """A type of registry to choose."""

    key: str
    label: str
    summary: str
    features: list[str]
    hosts: list[str]
    options: list[OptionOut]
    scanner: str
    """What its product's own scanner is called, which can scan in Deadlight's place; empty where there is none."""
    webhook_format: str
    """The format its product sends webhooks in; empty where that depends on what the product is."""


class WebhookFormatOut(BaseModel):
    """A product whose webhooks can be read."""

    name: str
    title: str


class RegistryTypes(BaseModel):
    """What registries there are, for people to choose from."""

    types: list[RegistryTypeOut]
    webhook_formats: list[WebhookFormatOut]


class WebhookIn(BaseModel):
    """The product that is to send webhooks."""

    product: PlainText = Field(max_length=64, description="One of the webhook formats.")


class WebhookSetup(BaseModel):
    """How to have a registry send webhooks here. The secret is shown this once."""

    url: str
    secret: str
    steps: list[str]
    """In Markdown."""
    configuration: str
    """To be pasted at the product, where it is configured so."""


class ConnectionTest(BaseModel):
    """How asking went."""

    ok: bool
    message: str
    digest: str
    product: str
    version: str
    problems: list[str]
    """What keeps it from being of full use."""


class TestImage(BaseModel):
    """An image to ask for."""

    image: str = Field(default="", max_length=2048, description="Without one, only the registry itself is asked.")
