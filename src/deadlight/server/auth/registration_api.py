"""Endpoints for registration tokens: the documented pair, and what the console and the command line need besides."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from deadlight.server.auth.registration import (
    Binding,
    create_registration_token,
    create_token,
    list_registration_tokens,
    rate_token,
    replace_registration_token,
    revoke_registration_token,
)
from deadlight.server.auth.requests import Admin
from deadlight.server.auth.schemas import (
    CreatedRegistrationToken,
    NewRegistrationToken,
    RegistrationToken,
    RegistrationTokenInfo,
)
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import NotFoundError
from deadlight.server.services import ServicesDep

router = APIRouter()

OURS = "/api/v1/registration-tokens"
DOCUMENTED = "/runtime/api/v1/registration_token"


@router.post(DOCUMENTED, tags=["runtime"], operation_id="createRegistrationToken", status_code=201)
async def post_registration_token(principal: Admin, services: ServicesDep) -> RegistrationToken:
    """A token, good for two years, with which clusters register."""
    async with services.engine.begin() as connection:
        token = await create_registration_token(connection, "created over the API", created_by=principal.name)
    return RegistrationToken(access_token=token)


@router.delete(f"{DOCUMENTED}/{{token}}", tags=["runtime"], operation_id="replaceRegistrationToken", status_code=201)
async def delete_registration_token(token: str, principal: Admin, services: ServicesDep) -> RegistrationToken:
    """Revoke a registration token and return a new one."""
    async with services.engine.begin() as connection:
        successor = await replace_registration_token(connection, token, created_by=principal.name)
    return RegistrationToken(access_token=successor)


@router.get(OURS, tags=["tokens"], operation_id="listRegistrationTokens")
async def get_registration_tokens(_: Admin, services: ServicesDep) -> list[RegistrationTokenInfo]:
    """Registration tokens, newest first, with the clusters that enrolled with them."""
    async with autocommit(services.engine) as connection:
        return [_info(row) for row in await list_registration_tokens(connection)]


@router.post(OURS, tags=["tokens"], operation_id="addRegistrationToken", status_code=201)
async def post_token(body: NewRegistrationToken, principal: Admin, services: ServicesDep) -> CreatedRegistrationToken:
    """Make a registration token, good for two years, for one cluster or for any."""
    binding = Binding(body.cluster_name)
    async with services.engine.begin() as connection:
        token, id_ = await create_token(connection, body.name, binding=binding, created_by=principal.name)
    return CreatedRegistrationToken(id=id_, access_token=token)


@router.get(f"{OURS}/{{token_id}}", tags=["tokens"], operation_id="getRegistrationToken")
async def get_registration_token(token_id: int, _: Admin, services: ServicesDep) -> RegistrationTokenInfo:
    """A registration token."""
    async with autocommit(services.engine) as connection:
        rows = await list_registration_tokens(connection, token_id)
    if not rows:
        raise NotFoundError("registration token not found")
    return _info(rows[0])


@router.delete(f"{OURS}/{{token_id}}", tags=["tokens"], operation_id="revokeRegistrationToken", status_code=204)
async def delete_token(token_id: int, _: Admin, services: ServicesDep) -> None:
    """Revoke a registration token: nobody enrols with it any more. Agents that have enrolled go on."""
    async with services.engine.begin() as connection:
        await revoke_registration_token(connection, token_id)


@router.post(
    f"{OURS}/{{token_id}}/replacement", tags=["tokens"], operation_id="renewRegistrationToken", status_code=201
)
async def post_replacement(token_id: int, principal: Admin, services: ServicesDep) -> RegistrationToken:
    """Revoke a registration token and return a new one, good for the same cluster."""
    async with services.engine.begin() as connection:
        successor = await replace_registration_token(connection, token_id, created_by=principal.name)
    return RegistrationToken(access_token=successor)


def _info(row: Row[Any]) -> RegistrationTokenInfo:
    values = row._asdict()
    state = rate_token(row.expires_at, row.revoked_at, values.pop("now"))
    return RegistrationTokenInfo(**values, state=state)
