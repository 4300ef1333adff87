"""Where registries send their webhooks. Who sends is known by the registry's secret, not by a person's token."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from deadlight.server.errors import TooManyRequestsError
from deadlight.server.integrity.webhooks import Delivery, take_webhook
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/registries", tags=["registries"])


class Taken(BaseModel):
    """A delivery was taken."""

    checks: int
    """How many checks follow from it."""


@router.post("/{registry_id}/notifications/{product}", operation_id="notifyRegistry", status_code=202)
async def post_notification(
    registry_id: int, product: str, request: Request, services: ServicesDep, token: str = ""
) -> Taken:
    """Take a registry's webhook, in the form that its product sends. What it speaks of is checked, at the registry."""
    wait = services.webhooks.delay(registry_id)
    if wait:
        told = "too many webhooks of this registry: the schedule finds what they would have told"
        raise TooManyRequestsError(told, wait)
    body = await request.body()
    return Taken(checks=await take_webhook(services, Delivery(registry_id, product, request.headers, body, token)))
