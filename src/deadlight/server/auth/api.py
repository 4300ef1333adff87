"""Endpoints for signing in, tokens and the enrolment of agents."""

from datetime import timedelta

import msgspec
from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from deadlight.model import wire
from deadlight.server.auth.agents import (
    enrol,
    exchange_assertion,
)
from deadlight.server.auth.requests import (
    SESSION_COOKIE,
    SMALL_MESSAGE_BYTES,
    Admin,
    Operator,
    SessionDep,
    agent_token_key,
    read_message,
)
from deadlight.server.auth.schemas import (
    ApiTokenInfo,
    ChangePassword,
    CreatedApiToken,
    NewApiToken,
    SessionInfo,
    SignIn,
)
from deadlight.server.auth.sessions import (
    Session,
    change_password,
    create_api_token,
    revoke_api_token,
    sign_in,
    sign_out,
)
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import UnauthorizedError
from deadlight.server.services import ServicesDep
from deadlight.server.tables.auth import api_token

router = APIRouter()


def _info(session: Session) -> SessionInfo:
    return SessionInfo(
        name=session.principal.name,
        role=session.principal.role,
        csrf_token=session.csrf_token,
        must_change_password=session.must_change_password,
        expires_at=session.expires_at,
    )


@router.post("/api/v1/session", tags=["session"], operation_id="signIn")
async def post_session(body: SignIn, response: Response, services: ServicesDep) -> SessionInfo:
    """Sign in with name and password; the answer sets the session's cookie."""
    lifetime = services.settings.session_lifetime
    session = await sign_in(services.engine, body.name, body.password, lifetime)
    if session is None:
        raise UnauthorizedError("name or password is wrong")
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=services.settings.public_url.startswith("https://"),
    )
    return _info(session)


@router.get("/api/v1/session", tags=["session"], operation_id="getSession")
async def get_session(session: SessionDep) -> SessionInfo:
    """Who is signed in."""
    return _info(session)


@router.delete("/api/v1/session", tags=["session"], operation_id="signOut", status_code=204)
async def delete_session(session: SessionDep, response: Response, services: ServicesDep) -> None:
    """Sign out."""
    async with services.engine.begin() as connection:
        await sign_out(connection, session.token)
    response.delete_cookie(SESSION_COOKIE)


@router.put("/api/v1/password", tags=["session"], operation_id="changePassword", status_code=204)
async def put_password(body: ChangePassword, session: SessionDep, services: ServicesDep) -> None:
    """Choose another password; other sessions of the account end."""
    async with services.engine.begin() as connection:
        await change_password(connection, session, body.old_password, body.new_password)


@router.post("/api/v1/tokens", tags=["tokens"], operation_id="createApiToken", status_code=201)
async def post_token(body: NewApiToken, principal: Operator, services: ServicesDep) -> CreatedApiToken:
    """Make an API token for a program, with at most the role of who makes it."""
    lifetime = timedelta(days=body.days) if body.days else None
    async with services.engine.begin() as connection:
        return CreatedApiToken(token=await create_api_token(connection, principal, body.name, body.role, lifetime))


@router.get("/api/v1/tokens", tags=["tokens"], operation_id="listApiTokens")
async def get_tokens(_: Admin, services: ServicesDep) -> list[ApiTokenInfo]:
    """All API tokens, newest first."""
    async with autocommit(services.engine) as connection:
        rows = await connection.execute(select(api_token).order_by(api_token.c.id.desc()).limit(1000))
        return [ApiTokenInfo.model_validate(row, from_attributes=True) for row in rows]


@router.delete("/api/v1/tokens/{token_id}", tags=["tokens"], operation_id="revokeApiToken", status_code=204)
async def delete_token(token_id: int, _: Admin, services: ServicesDep) -> None:
    """Revoke an API token."""
    async with services.engine.begin() as connection:
        await revoke_api_token(connection, token_id)


def _answer(message: wire.Message) -> Response:
    return Response(msgspec.json.encode(message), media_type="application/json")


@router.post("/agent/v1/enrol", tags=["agents"], operation_id="enrolAgent", include_in_schema=False)
async def post_enrol(request: Request, services: ServicesDep) -> Response:
    """An agent exchanges a registration token for an identity."""
    message = await read_message(request, wire.Enrolment, limit=SMALL_MESSAGE_BYTES)
    async with services.engine.begin() as connection:
        return _answer(await enrol(connection, message))


@router.post("/agent/v1/token", tags=["agents"], operation_id="issueAgentToken", include_in_schema=False)
async def post_agent_token(request: Request, services: ServicesDep) -> Response:
    """An agent exchanges an assertion it signed for a short-lived token."""
    message = await read_message(request, wire.TokenRequest, limit=SMALL_MESSAGE_BYTES)
    lifetime = services.settings.access_token_lifetime
    async with services.engine.begin() as connection:
        return _answer(await exchange_assertion(connection, message.assertion, agent_token_key(services), lifetime))
