"""The endpoints of one image tag: its page's head, what the tabs show, and what to take away."""

from datetime import datetime
from typing import Annotated, Any, assert_never

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight import __version__
from deadlight.sbom.cyclonedx_writer import MEDIA_TYPE, write_cyclonedx
from deadlight.server.assessment.exposure_schemas import ImageExposures, ScanStatusOut
from deadlight.server.assessment.image_contents import get_finding, list_findings, list_layers, list_packages
from deadlight.server.assessment.image_exposures import describe_scan, list_exposures, load_scan_status
from deadlight.server.assessment.image_history import load_history
from deadlight.server.assessment.image_owners import ImageOwnersOut, build_owners
from deadlight.server.assessment.image_page import build_detail, require_image_tag
from deadlight.server.assessment.image_places import list_image_clusters, list_image_workloads, list_violation_places
from deadlight.server.assessment.image_schemas import (
    FindingDetail,
    ImageClusters,
    ImageFindings,
    ImageHistory,
    ImagePackages,
    ImageWorkloads,
    ViolationPlace,
    ViolationPlaces,
)
from deadlight.server.assessment.issue import IssuePlace, build_issue
from deadlight.server.assessment.issue_formats import IssueFormat, IssueOut, as_csv, as_markdown
from deadlight.server.assessment.sbom import bill_of
from deadlight.server.assessment.schemas import ImageTagDetail, WorkloadRow
from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.errors import NotFoundError
from deadlight.server.services import ServicesDep
from deadlight.server.workers.payload import image_link

router = APIRouter(prefix="/api/v1/image-tags/{image_tag_id}", tags=["image tag"])

ImageTagId = Annotated[int, Path(ge=1, le=2**63 - 1)]
VulnerabilityName = Annotated[PlainText, Path(max_length=256)]


@router.get("", operation_id="getImageTag")
async def get_image_tag(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ImageTagDetail:
    """An image tag with its verdict."""
    async with autocommit(services.engine) as connection:
        return await build_detail(connection, image_tag_id)


@router.get("/owners", operation_id="getImageTagOwners")
async def get_owners(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ImageOwnersOut:
    """Who built, pushed, deployed and is responsible for it, each with its confidence, or what to connect."""
    async with autocommit(services.engine) as connection:
        return await build_owners(connection, image_tag_id)


@router.get("/workloads", operation_id="listImageTagWorkloads")
async def get_workloads(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ImageWorkloads:
    """The workloads that run it, and who deployed them."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return await list_image_workloads(connection, image_tag_id)


@router.get("/clusters", operation_id="listImageTagClusters")
async def get_clusters(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ImageClusters:
    """The clusters that run it."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return await list_image_clusters(connection, image_tag_id)


@router.get("/packages", operation_id="listImageTagPackages", response_model=ImagePackages)
async def get_packages(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> Response:
    """Its packages, and which of them were seen in use."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return _long(await list_packages(connection, image_tag_id))


@router.get("/exposures", operation_id="listImageTagExposures", response_model=ImageExposures)
async def get_exposures(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> Response:
    """Secrets, and insecure settings of services, applications and infrastructure as code that it holds."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return _long(await list_exposures(connection, image_tag_id))


@router.get("/scan-status", operation_id="getImageTagScanStatus")
async def get_scan_status(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ScanStatusOut:
    """How far each of its scans is, and why where there is no result."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return describe_scan(await load_scan_status(connection, image_tag_id))


@router.get("/vulnerabilities", operation_id="listImageTagVulnerabilities", response_model=ImageFindings)
async def get_vulnerabilities(
    image_tag_id: ImageTagId,
    _: Viewer,
    services: ServicesDep,
    known_exploited: Annotated[bool, Query(description="Only those in CISA's catalogue.")] = False,  # noqa: FBT002
    min_epss: Annotated[float, Query(ge=0, le=1, description="Only those at least so likely to be exploited.")] = 0.0,
) -> Response:
    """Its vulnerabilities by package."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return _long(await list_findings(connection, image_tag_id, known_exploited=known_exploited, min_epss=min_epss))


def _long(body: BaseModel) -> Response:
    """Thousands of rows in a third of the time that FastAPI takes to check again what we made ourselves."""
    return Response(body.model_dump_json(), media_type="application/json")


@router.get("/vulnerabilities/{vulnerability}", operation_id="getImageTagVulnerability")
async def get_vulnerability(
    image_tag_id: ImageTagId, vulnerability: VulnerabilityName, _: Viewer, services: ServicesDep
) -> FindingDetail:
    """One of its vulnerabilities with all evidence: why it is applicable, where it was seen in use, who says so."""
    async with autocommit(services.engine) as connection:
        return await get_finding(connection, image_tag_id, vulnerability)


@router.get("/violation-places", operation_id="listImageTagViolationPlaces")
async def get_violation_places(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ViolationPlaces:
    """Where its integrity violation is, since when."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return await list_violation_places(connection, image_tag_id)


@router.get("/history", operation_id="getImageTagHistory")
async def get_history(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> ImageHistory:
    """Every digest its tag has had, and every violation it has had."""
    async with autocommit(services.engine) as connection:
        await require_image_tag(connection, image_tag_id)
        return await load_history(connection, image_tag_id)


_FILES: dict[str, Any] = {"content": {"text/markdown": {}, "text/csv": {}}}


@router.get("/issue", operation_id="getImageTagIssue", response_model=IssueOut, responses={200: _FILES})
async def get_issue(
    image_tag_id: ImageTagId,
    _: Viewer,
    services: ServicesDep,
    written_as: Annotated[IssueFormat, Query(alias="format")] = IssueFormat.JSON,
) -> Response:
    """What to write into a tracking system: the violation, where it is, its Build Owner and who deployed it."""
    async with autocommit(services.engine) as connection:
        image = await build_detail(connection, image_tag_id)
        places, total = await _issue_places(connection, image)
    issue = build_issue(image, places, total, image_link(services.settings.public_url, image_tag_id))
    markdown = as_markdown(issue)
    match written_as:
        case IssueFormat.MARKDOWN:
            return _file(markdown, "text/markdown", f"issue-{image_tag_id}.md")
        case IssueFormat.CSV:
            return _file(as_csv(issue), "text/csv", f"issue-{image_tag_id}.csv")
        case IssueFormat.JSON:
            whole = IssueOut(**dict(issue), text=markdown)
            return _file(whole.model_dump_json(), "application/json", f"issue-{image_tag_id}.json")
    assert_never(written_as)


def _file(content: str | bytes, media_type: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


async def _issue_places(connection: AsyncConnection, image: ImageTagDetail) -> tuple[list[IssuePlace], int]:
    """Where the violation is; without one, where the image is."""
    if image.verdict.violation_type:
        found = await list_violation_places(connection, image.id)
        if found.places:
            return [_issue_place(item, item.detected_at) for item in found.places], found.total
    running = await list_image_workloads(connection, image.id)
    return [_issue_place(item, None) for item in running.workloads], running.total


def _issue_place(place: WorkloadRow | ViolationPlace, detected_at: datetime | None) -> IssuePlace:
    return IssuePlace(
        cluster=place.cluster,
        namespace=place.namespace,
        kind=place.kind,
        workload=place.name,
        nodes=place.nodes,
        first_detected_at=detected_at,
        deployed_by=place.deployed_by,
    )


_SBOM: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}


@router.get("/sbom", operation_id="getImageTagSbom", response_class=Response, responses={200: _SBOM})
async def get_sbom(image_tag_id: ImageTagId, _: Viewer, services: ServicesDep) -> Response:
    """Its packages as a bill of materials in CycloneDX 1.6 JSON, the first ten thousand."""
    async with autocommit(services.engine) as connection:
        image = await build_detail(connection, image_tag_id)
        found = await list_packages(connection, image_tag_id)
        layers = await list_layers(connection, image_tag_id)
    if image.severities is None:
        raise NotFoundError("its packages are not known: the image has not been scanned")
    document = write_cyclonedx(bill_of(image, found.packages, layers), __version__)
    return _file(msgspec.json.encode(document), MEDIA_TYPE, f"sbom-{image_tag_id}.cdx.json")
