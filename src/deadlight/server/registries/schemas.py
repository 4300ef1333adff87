"""Bodies of the registry endpoints."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.server.db.zero_bytes import PlainText


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


class ConnectionTest(BaseModel):
    """How asking went."""

    ok: bool
    message: str
    digest: str


class TestImage(BaseModel):
    """An image to ask for."""

    image: str = Field(max_length=2048)
