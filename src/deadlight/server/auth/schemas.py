"""Bodies of the endpoints for signing in and for tokens."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.server.auth.principals import Role
from deadlight.server.auth.registration import TokenState
from deadlight.server.db.zero_bytes import PlainText


class SignIn(BaseModel):
    """Name and password."""

    name: PlainText = Field(max_length=256)
    password: str = Field(max_length=1024)


class SessionInfo(BaseModel):
    """Who is signed in. `csrf_token` accompanies every change in the header X-CSRF-Token."""

    name: str
    role: Role
    csrf_token: str
    must_change_password: bool
    expires_at: datetime


class ChangePassword(BaseModel):
    """The password that was and the one that will be."""

    old_password: str = Field(max_length=1024)
    new_password: str = Field(max_length=1024)


class NewApiToken(BaseModel):
    """What to make."""

    name: PlainText = Field(min_length=1, max_length=128)
    role: Role = Role.VIEWER
    days: int | None = Field(default=90, ge=1, le=3650, description="null: until revoked")


class CreatedApiToken(BaseModel):
    """The token, shown this once."""

    token: str


class ApiTokenInfo(BaseModel):
    """A token without its secret."""

    id: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class RegistrationToken(BaseModel):
    """The documented answer of the registration token endpoints."""

    access_token: str


CLUSTER_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._:/@-]{0,251}[A-Za-z0-9])?$"
"""What stands in a shell command and in a chart's value as it is."""


class NewRegistrationToken(BaseModel):
    """What to make."""

    name: PlainText = Field(min_length=1, max_length=128, description="what it is for, to tell it from others")
    cluster_name: str = Field(
        default="",
        pattern=f"^$|{CLUSTER_NAME}",
        description="the one cluster it is good for; empty: any cluster that has no token of its own",
    )


class CreatedRegistrationToken(BaseModel):
    """The token, shown this once."""

    id: int
    access_token: str


class TokenCluster(BaseModel):
    """A cluster whose agents enrolled with a token."""

    id: str
    name: str


class RegistrationTokenInfo(BaseModel):
    """A registration token without its secret."""

    id: int
    name: str
    cluster_name: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    state: TokenState
    clusters: list[TokenCluster]
