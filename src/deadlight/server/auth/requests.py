"""From a request to who is asking: parameters for handlers."""

import math
import zlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from deadlight.model import wire
from deadlight.server.auth.agents import verify_access_token
from deadlight.server.auth.principals import AgentKind, AgentPrincipal, Principal, Role
from deadlight.server.auth.sessions import (
    Session,
    find_session,
    get_token_principal,
    require_settled_password,
)
from deadlight.server.db.engine import autocommit
from deadlight.server.db.zero_bytes import json_without_zero_bytes
from deadlight.server.errors import (
    BadRequestError,
    ForbiddenError,
    PayloadTooLargeError,
    TooManyRequestsError,
    UnauthorizedError,
)
from deadlight.server.secrets import derive_key, same
from deadlight.server.services import Services, ServicesDep
from deadlight.server.turnstile import Turnstile

SESSION_COOKIE = "deadlight_session"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_COMPRESSED_BYTES = 16 * 1024 * 1024
"""The most that agents' large messages bring on the wire; the application refuses more before it is read here."""

SMALL_MESSAGE_BYTES = 64 * 1024
"""More than enough for what agents send before anybody knows who they are."""


def agent_token_key(services: Services) -> bytes:
    """The key that signs agents' tokens."""
    return derive_key(services.settings.secret_key.get_secret_value(), "agent tokens")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def current_session(request: Request, services: ServicesDep) -> Session:
    """The sign-in behind the cookie, with its CSRF token checked on every change; raises UnauthorizedError."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        raise UnauthorizedError("sign in first")
    async with autocommit(services.engine) as connection:
        session = await find_session(connection, token)
    if session is None:
        raise UnauthorizedError("the session has ended: sign in again")
    if request.method not in SAFE_METHODS and not same(request.headers.get(CSRF_HEADER, ""), session.csrf_token):
        raise ForbiddenError(f"the header {CSRF_HEADER} does not belong to this session: reload the page")
    return session


async def current_principal(request: Request, services: ServicesDep) -> Principal:
    """The person behind the request, by API token or by session; raises UnauthorizedError."""
    token = _bearer(request)
    if token:
        async with autocommit(services.engine) as connection:
            return await get_token_principal(connection, token)
    session = await current_session(request, services)
    require_settled_password(session)
    return session.principal


def _require(role: Role) -> Callable[..., Awaitable[Principal]]:
    async def check(principal: Annotated[Principal, Depends(current_principal)]) -> Principal:
        if not principal.role.includes(role):
            raise ForbiddenError(f"this needs the role {role.value}; you have {principal.role.value}")
        return principal

    return check


SessionDep = Annotated[Session, Depends(current_session)]
Viewer = Annotated[Principal, Depends(_require(Role.VIEWER))]
Operator = Annotated[Principal, Depends(_require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(_require(Role.ADMIN))]


async def current_agent(request: Request, services: ServicesDep) -> AgentPrincipal:
    """The agent behind the request; raises UnauthorizedError."""
    token = _bearer(request)
    if not token:
        raise UnauthorizedError("agents authenticate with a bearer token from /agent/v1/token")
    return verify_access_token(token, agent_token_key(services))


Agent = Annotated[AgentPrincipal, Depends(current_agent)]


async def _controller(principal: Agent) -> AgentPrincipal:
    return _of_kind(principal, AgentKind.CONTROLLER)


async def _sensor(principal: Agent) -> AgentPrincipal:
    return _of_kind(principal, AgentKind.SENSOR)


def _of_kind(principal: AgentPrincipal, kind: AgentKind) -> AgentPrincipal:
    if principal.kind is not kind:
        raise ForbiddenError(f"only a {kind.value} may say this; this is a {principal.kind.value}")
    return principal


Controller = Annotated[AgentPrincipal, Depends(_controller)]
Sensor = Annotated[AgentPrincipal, Depends(_sensor)]

M = TypeVar("M", bound=wire.Message)


async def read_message(request: Request, kind: type[M], *, limit: int = wire.MAX_BODY_BYTES) -> M:
    """The wire message in a request's body, gzip-encoded or plain, of at most `limit` bytes when expanded.

    Zero bytes are left out, because PostgreSQL cannot store them: whoever may write an annotation could otherwise have
    every batch of a cluster refused.

    Raises:
        PayloadTooLargeError: more than `limit` when expanded.
        BadRequestError: not gzip where it says so, or not a valid message.
    """
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        body = _expand(body, limit)
    elif encoding != "identity":
        raise BadRequestError(f"unknown content encoding {encoding!r} (gzip or identity)")
    try:
        return wire.decode(json_without_zero_bytes(body), kind)
    except wire.InvalidMessageError as error:
        raise BadRequestError(str(error)) from None


def admit(turnstile: Turnstile, principal: AgentPrincipal, amount: int) -> None:
    """Let so much of an agent in; raises TooManyRequestsError where it has sent too much lately."""
    wait = turnstile.delay(principal.agent_id, amount)
    if wait:
        raise TooManyRequestsError(f"this agent has sent too much lately: go on in {math.ceil(wait)} seconds", wait)


def _expand(body: bytes, limit: int) -> bytes:
    expander = zlib.decompressobj(wbits=31)
    try:
        expanded = expander.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequestError(f"the body is not gzip: {error}") from None
    if len(expanded) > limit:
        raise PayloadTooLargeError(f"a message expands to at most {limit} bytes: send smaller batches")
    if not expander.eof:
        raise BadRequestError("the gzip body is cut short")
    if expander.unused_data:
        raise BadRequestError("the gzip body goes on after its end")
    return expanded
