"""What sensors send."""

import msgspec
from fastapi import APIRouter, Request, Response

from deadlight.model import wire
from deadlight.server.auth.requests import Sensor, admit, read_message
from deadlight.server.runtime.service import take_observations
from deadlight.server.services import ServicesDep

router = APIRouter()


@router.post("/agent/v1/observations", tags=["agents"], include_in_schema=False)
async def post_observations(request: Request, principal: Sensor, services: ServicesDep) -> Response:
    """Take a batch of observations; answered after commit."""
    batch = await read_message(request, wire.ObservationBatch)
    admit(services.observations, principal, len(batch.observations))
    async with services.engine.begin() as connection:
        ack = await take_observations(connection, principal, batch)
    return Response(msgspec.json.encode(ack), media_type="application/json")
