"""Endpoints of the owners map."""

from fastapi import APIRouter, Response

from deadlight.server.auth.requests import Operator, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.owners.documents import Format, parse_document, write_document
from deadlight.server.owners.schemas import DocumentIn, OrderIn, Replaced, RuleIn, RuleOut, TrialIn, TrialOut
from deadlight.server.owners.service import (
    add_rule,
    change_rule,
    list_map,
    remove_rule,
    reorder,
    replace_map,
    try_map,
)
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/owners", tags=["owners"])


@router.get("", operation_id="listOwnerRules")
async def get_rules(_: Viewer, services: ServicesDep) -> list[RuleOut]:
    """The owners map: the first rule that matches counts."""
    async with autocommit(services.engine) as connection:
        return await list_map(connection)


@router.post("", operation_id="addOwnerRule", status_code=201)
async def post_rule(body: RuleIn, _: Operator, services: ServicesDep) -> dict[str, int]:
    """Add a rule at the end."""
    async with services.engine.begin() as connection:
        return {"id": await add_rule(connection, body)}


@router.put("/order", operation_id="orderOwnerRules", status_code=204)
async def put_order(body: OrderIn, _: Operator, services: ServicesDep) -> None:
    """Put the rules in another order."""
    async with services.engine.begin() as connection:
        await reorder(connection, body.ids)


@router.post("/try", operation_id="tryOwnerRules")
async def post_trial(body: TrialIn, _: Viewer, services: ServicesDep) -> TrialOut:
    """Which rule matches something that runs or might run, and why. Nothing is changed."""
    async with autocommit(services.engine) as connection:
        return await try_map(connection, body)


@router.get(
    "/document",
    operation_id="exportOwnerRules",
    response_class=Response,
    responses={200: {"content": {f"application/{form}": {"schema": {}} for form in ("yaml", "json")}}},
)
async def get_document(_: Viewer, services: ServicesDep, form: Format = "yaml") -> Response:
    """The whole map as YAML or JSON."""
    async with autocommit(services.engine) as connection:
        rules = await list_map(connection)
    return Response(write_document(rules, form), media_type=f"application/{form}")


@router.put("/document", operation_id="importOwnerRules")
async def put_document(body: DocumentIn, _: Operator, services: ServicesDep) -> Replaced:
    """Replace the whole map, or nothing where a rule is wrong."""
    rules = parse_document(body.content)
    async with services.engine.begin() as connection:
        return Replaced(rules=await replace_map(connection, rules))


@router.put("/{rule_id}", operation_id="changeOwnerRule", status_code=204)
async def put_rule(rule_id: int, body: RuleIn, _: Operator, services: ServicesDep) -> None:
    """Change a rule; it keeps its place."""
    async with services.engine.begin() as connection:
        await change_rule(connection, rule_id, body)


@router.delete("/{rule_id}", operation_id="removeOwnerRule", status_code=204)
async def delete_rule(rule_id: int, _: Operator, services: ServicesDep) -> None:
    """Remove a rule."""
    async with services.engine.begin() as connection:
        await remove_rule(connection, rule_id)
