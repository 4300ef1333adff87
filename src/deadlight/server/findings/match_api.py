"""Matching packages that somebody found: `deadlight scan` of an image that no registry has yet."""

from fastapi import APIRouter

from deadlight.server.auth.requests import Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.findings.match_request import match_for
from deadlight.server.findings.match_schemas import MatchIn, MatchOut
from deadlight.server.services import ServicesDep

router = APIRouter(prefix="/api/v1/match", tags=["scans"])


@router.post("", operation_id="matchPackages")
async def post_match(body: MatchIn, _: Viewer, services: ServicesDep) -> MatchOut:
    """The vulnerabilities of packages, matched as those of running images are; nothing is stored."""
    async with autocommit(services.engine) as connection:
        return await match_for(connection, body.packages)
