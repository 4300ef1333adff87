"""What controllers send."""

import msgspec
from fastapi import APIRouter, Request, Response

from deadlight.model import wire
from deadlight.server.auth.requests import Controller, read_message
from deadlight.server.inventory.service import take_inventory
from deadlight.server.services import ServicesDep

router = APIRouter()


@router.post("/agent/v1/inventory", tags=["agents"], include_in_schema=False)
async def post_inventory(request: Request, principal: Controller, services: ServicesDep) -> Response:
    """Take a batch of inventory; answered after commit."""
    batch = await read_message(request, wire.InventoryBatch)
    async with services.inventory_turns, services.engine.begin() as connection:
        ack = await take_inventory(connection, principal, batch)
    return Response(msgspec.json.encode(ack), media_type="application/json")
