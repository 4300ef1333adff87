"""Endpoints for registries. Changes only their rows; the images' verdicts follow with the next check."""

from fastapi import APIRouter

from deadlight.server.auth.requests import Admin, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.registries.connection_test import check_connection
from deadlight.server.registries.schemas import (
    ConnectionTest,
    RegistryIn,
    RegistryOut,
    RegistryTypes,
    TestImage,
    WebhookIn,
    WebhookSetup,
)
from deadlight.server.registries.service import (
    change_registry,
    list_registries,
    remove_registry,
    save_registry,
)
from deadlight.server.registries.types import REGISTRY_TYPES
from deadlight.server.registries.webhooks import make_webhook_secret, remove_webhook_secret
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/registries", tags=["registries"])


@router.get("", operation_id="listRegistries")
async def get_registries(_: Viewer, services: ServicesDep) -> list[RegistryOut]:
    """All registries."""
    async with autocommit(services.engine) as connection:
        return await list_registries(connection, services.cipher)


@router.get("/types", operation_id="listRegistryTypes")
async def get_types(_: Viewer) -> RegistryTypes:
    """The types of registries and the webhooks that can be read."""
    return REGISTRY_TYPES


@router.post("", operation_id="addRegistry", status_code=201)
async def post_registry(body: RegistryIn, _: Admin, services: ServicesDep) -> dict[str, int]:
    """Add a registry."""
    async with services.engine.begin() as connection:
        return {"id": await save_registry(connection, services.cipher, body)}


@router.put("/{registry_id}", operation_id="changeRegistry", status_code=204)
async def put_registry(registry_id: int, body: RegistryIn, _: Admin, services: ServicesDep) -> None:
    """Change a registry."""
    async with services.engine.begin() as connection:
        await change_registry(connection, services.cipher, registry_id, body)


@router.delete("/{registry_id}", operation_id="removeRegistry", status_code=204)
async def delete_registry(registry_id: int, _: Admin, services: ServicesDep) -> None:
    """Forget a registry."""
    async with services.engine.begin() as connection:
        await remove_registry(connection, registry_id)


@router.post("/{registry_id}/test", operation_id="testRegistry")
async def post_test(registry_id: int, body: TestImage, _: Admin, services: ServicesDep) -> ConnectionTest:
    """Ask a registry for an image and say how it went."""
    return await check_connection(services, registry_id, body.image)


@router.post("/{registry_id}/webhook", operation_id="makeWebhookSecret", status_code=201)
async def post_webhook(registry_id: int, body: WebhookIn, _: Admin, services: ServicesDep) -> WebhookSetup:
    """Make the secret of a registry's webhooks, in place of the one before, and say how to set them up."""
    async with services.engine.begin() as connection:
        return await make_webhook_secret(
            connection, services.cipher, services.settings.public_url, registry_id, body.product
        )


@router.delete("/{registry_id}/webhook", operation_id="removeWebhookSecret", status_code=204)
async def delete_webhook(registry_id: int, _: Admin, services: ServicesDep) -> None:
    """Take no webhooks of a registry any more."""
    async with services.engine.begin() as connection:
        await remove_webhook_secret(connection, registry_id)
