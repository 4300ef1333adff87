"""Endpoints for advisories."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from sqlalchemy import func, select

from deadlight.advisories.advisory import Advisory
from deadlight.advisories.cve_record import CveRating, is_cve_record, parse_cve_record
from deadlight.advisories.document import Document, Rejected
from deadlight.advisories.errors import InvalidAdvisoryError
from deadlight.server.advisories.cve_facts import apply_cve_ratings
from deadlight.server.advisories.feed_states import ask_about_new_names
from deadlight.server.advisories.schemas import AdvisoryBatch, AdvisoryStatus, ImportOut, ImportRecord
from deadlight.server.advisories.service import apply_advisories, note_import, parse_documents
from deadlight.server.auth.requests import Operator, Viewer
from deadlight.server.db.engine import autocommit
from deadlight.server.services import ServicesDep
from deadlight.server.tables.advisories import advisory, advisory_import, affected, vulnerability

router = APIRouter(prefix="/api/v1/advisories", tags=["advisories"])


@router.post("/import", operation_id="importAdvisories")
async def post_import(body: AdvisoryBatch, _: Operator, services: ServicesDep) -> ImportOut:
    """Import OSV and CVE records, told apart by what they say they are.

    Running images they concern are matched again at once. CVE records rate only CVEs that an advisory names.
    """
    documents = [Document(item.origin, item.content.encode()) for item in body.documents]
    advisories, ratings, rejected = await asyncio.to_thread(_parse, documents)
    async with services.engine.begin() as connection:
        result = await apply_advisories(connection, body.source, advisories, rejected)
        result.add(await apply_cve_ratings(connection, ratings))
        await note_import(connection, body.source, result)
        if result.added:
            await ask_about_new_names(connection)
    return ImportOut.model_validate(result, from_attributes=True)


def _parse(documents: Sequence[Document]) -> tuple[list[Advisory], list[CveRating], list[Rejected]]:
    cve_records: list[Document] = []
    others: list[Document] = []
    for document in documents:
        (cve_records if is_cve_record(document.content) else others).append(document)
    advisories, rejected = parse_documents(others)
    ratings: list[CveRating] = []
    for document in cve_records:
        try:
            ratings.append(parse_cve_record(document.content, document.origin))
        except InvalidAdvisoryError as error:
            rejected.append(Rejected(document.origin, str(error)))
    return advisories, ratings, rejected


@router.get("/imports", operation_id="listAdvisoryImports")
async def get_imports(_: Viewer, services: ServicesDep) -> list[ImportRecord]:
    """The latest imports."""
    async with autocommit(services.engine) as connection:
        rows = await connection.execute(select(advisory_import).order_by(advisory_import.c.id.desc()).limit(100))
        return [ImportRecord.model_validate(row, from_attributes=True) for row in rows]


@router.get("", operation_id="getAdvisoryStatus")
async def get_status(_: Viewer, services: ServicesDep) -> AdvisoryStatus:
    """How many advisories are known, for what, and since when."""
    ecosystem = func.split_part(affected.c.ecosystem, ":", 1)
    async with autocommit(services.engine) as connection:
        counts = await connection.execute(
            select(ecosystem.label("name"), func.count(affected.c.advisory_id.distinct()).label("count")).group_by(
                ecosystem
            )
        )
        return AdvisoryStatus(
            ecosystems={row[0]: row[1] for row in counts},
            advisories=(await connection.execute(select(func.count()).select_from(advisory))).scalar_one(),
            vulnerabilities=(await connection.execute(select(func.count()).select_from(vulnerability))).scalar_one(),
            last_imported_at=(await connection.execute(select(func.max(advisory_import.c.imported_at)))).scalar_one(),
        )
