"""Scanning on request, before anything runs."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deadlight.model.image import ImageReference, InvalidReferenceError, Platform
from deadlight.registry import NotFoundError as NotInRegistryError
from deadlight.registry import RegistryError
from deadlight.server.auth.requests import Operator
from deadlight.server.db.engine import autocommit
from deadlight.server.errors import BadRequestError, NotFoundError
from deadlight.server.inventory.image_tags import ImageTagKey
from deadlight.server.inventory.rows import ensure_image_tags
from deadlight.server.registries.service import client_for, find_distrust, find_registry
from deadlight.server.scans.jobs import retry_scans
from deadlight.server.secrets import UndecipherableError
from deadlight.server.services import Services, ServicesDep

router = APIRouter(prefix="/api/v1/scans", tags=["scans"])


class ScanRequest(BaseModel):
    """An image to scan."""

    image: str = Field(max_length=2048, description="registry/repository:tag or @digest")
    platform: str = Field(default="linux/amd64", max_length=64)


class ScanQueued(BaseModel):
    """Where its results will be: /api/v1/image-tags/{image_tag_id}."""

    image_tag_id: int


@router.post("", operation_id="scanImage", status_code=202)
async def post_scan(body: ScanRequest, _: Operator, services: ServicesDep) -> ScanQueued:
    """Scan an image as if it ran; the findings are those it will have when it does."""
    try:
        reference, platform = ImageReference.parse(body.image), Platform.parse(body.platform)
    except (InvalidReferenceError, ValueError) as error:
        raise BadRequestError(str(error)) from None
    digest = await _resolve(services, reference)
    key = ImageTagKey(reference.registry, reference.repository, reference.tag, digest, str(platform), reference.digest)
    async with services.engine.begin() as connection:
        image_tag_id = (await ensure_image_tags(connection, [key]))[key]
        await retry_scans(connection, image_tag_id=image_tag_id)
    return ScanQueued(image_tag_id=image_tag_id)


async def _resolve(services: Services, reference: ImageReference) -> str:
    """The digest that a node would report."""
    async with autocommit(services.engine) as connection:
        registry = await find_registry(connection, reference.registry)
    distrust = find_distrust(registry, reference.registry, reference.repository)
    if registry is None or distrust:
        raise BadRequestError(f"{distrust}, first")
    if reference.digest:
        return reference.digest
    try:
        head = await client_for(services, registry).head_manifest(reference.repository, reference.tag)
    except NotInRegistryError:
        raise NotFoundError(f"the registry does not have {reference}") from None
    except (RegistryError, UndecipherableError) as error:
        raise BadRequestError(str(error)) from None
    return head.digest
