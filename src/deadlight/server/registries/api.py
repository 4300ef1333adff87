"""Endpoints for registries. Changes only their rows; the images' verdicts follow with the next check."""

from fastapi import APIRouter

from deadlight.server.auth.requests import Admin, Viewer
from deadlight.server.registries.schemas import ConnectionTest, RegistryIn, RegistryOut, TestImage
from deadlight.server.registries.service import (
    change_registry,
    check_connection,
    list_registries,
    remove_registry,
    save_registry,
)
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/registries", tags=["registries"])


@router.get("", operation_id="listRegistries")
async def get_registries(_: Viewer, services: ServicesDep) -> list[RegistryOut]:
    """All registries."""
    async with services.engine.connect() as connection:
        rows = await list_registries(connection)
        return [RegistryOut.model_validate(row, from_attributes=True) for row in rows]


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
