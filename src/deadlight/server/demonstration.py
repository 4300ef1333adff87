"""Removing the demonstration fleet: each capability removes what is its own."""

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.server.advisories.service import remove_source
from deadlight.server.attestations.signers import remove_demonstration_signers
from deadlight.server.auth.requests import Admin
from deadlight.server.db.deadlocks import again_on_deadlock
from deadlight.server.inventory.service import remove_demonstration_clusters
from deadlight.server.owners.service import remove_demonstration_rules
from deadlight.server.registries.service import remove_demonstration_registries
from deadlight.server.services import ServicesDep
from deadlight.server.workers.service import remove_demonstration_workers

router = APIRouter(prefix="/api/v1/demonstration", tags=["demonstration"])

SOURCE = "demonstration"
"""The source of the advisories that the demonstration imports."""


@router.delete("", operation_id="removeDemonstration")
async def delete_demonstration(_: Admin, services: ServicesDep) -> dict[str, int]:
    """Remove everything the demonstration brought; returns how much of what."""
    return await again_on_deadlock(services.engine, _remove)


async def _remove(connection: AsyncConnection) -> dict[str, int]:
    return {
        "clusters": await remove_demonstration_clusters(connection),
        "workers": await remove_demonstration_workers(connection),
        "owners": await remove_demonstration_rules(connection),
        "signers": await remove_demonstration_signers(connection),
        "registries": await remove_demonstration_registries(connection),
        "advisories": await remove_source(connection, SOURCE),
    }
