"""Endpoints about signatures: what is known of an image, and who is trusted."""

from fastapi import APIRouter

from deadlight.server.attestations.schemas import AttestationOut, SignerIn, SignerOut
from deadlight.server.attestations.signers import add_signer, change_signer, list_signers, remove_signer
from deadlight.server.attestations.store import find_attestation
from deadlight.server.auth.requests import Admin, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1", tags=["signatures"])


@router.get("/image-tags/{image_tag_id}/attestations", operation_id="getImageTagAttestations")
async def get_attestations(image_tag_id: int, _: Viewer, services: ServicesDep) -> AttestationOut:
    """The signatures and provenance of an image tag."""
    async with autocommit(services.engine) as connection:
        row = await find_attestation(connection, image_tag_id)
    if row is None:
        return AttestationOut(problem="it has not been looked at yet")
    known = {**row.evidence, "state": row.state}
    return AttestationOut(**known, checked_at=row.checked_at, problem=row.problem)


@router.get("/signers", operation_id="listSigners")
async def get_signers(_: Viewer, services: ServicesDep) -> list[SignerOut]:
    """Everybody whose signature counts."""
    async with autocommit(services.engine) as connection:
        return [SignerOut.model_validate(row, from_attributes=True) for row in await list_signers(connection)]


@router.post("/signers", operation_id="addSigner", status_code=201)
async def post_signer(body: SignerIn, _: Admin, services: ServicesDep) -> dict[str, int]:
    """Trust somebody's signature."""
    async with services.engine.begin() as connection:
        return {"id": await add_signer(connection, body)}


@router.put("/signers/{signer_id}", operation_id="changeSigner", status_code=204)
async def put_signer(signer_id: int, body: SignerIn, _: Admin, services: ServicesDep) -> None:
    """Change whom it is about."""
    async with services.engine.begin() as connection:
        await change_signer(connection, signer_id, body)


@router.delete("/signers/{signer_id}", operation_id="removeSigner", status_code=204)
async def delete_signer(signer_id: int, _: Admin, services: ServicesDep) -> None:
    """Trust them no longer."""
    async with services.engine.begin() as connection:
        await remove_signer(connection, signer_id)
