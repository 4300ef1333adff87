"""Bodies of the registry endpoints."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.server.db.zero_bytes import PlainText


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
