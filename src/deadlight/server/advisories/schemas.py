"""Bodies of the advisory endpoints."""

from datetime import datetime

from pydantic import BaseModel, Field

from deadlight.server.db.zero_bytes import PlainText


class AdvisoryDocument(BaseModel):
    """One OSV record as text. `origin` names it in error texts."""

    origin: PlainText = Field(max_length=512)
    content: str = Field(max_length=4 * 1024 * 1024)


class AdvisoryBatch(BaseModel):
    """Records to import."""

    source: PlainText = Field(min_length=1, max_length=128, description="Names the collection, for example osv.dev.")
    documents: list[AdvisoryDocument] = Field(max_length=1000)


class ImportOut(BaseModel):
    """What an import did. `rejections` names the first hundred documents that are no valid OSV records, and why."""

    added: int
    changed: int
    withdrawn: int
    unchanged: int
    not_security: int
    rejected: int
    rejections: list[str]


class ImportRecord(ImportOut):
    """A past import."""

    source: str
    imported_at: datetime


class AdvisoryStatus(BaseModel):
    """How much is known."""

    advisories: int
    vulnerabilities: int
    last_imported_at: datetime | None
    ecosystems: dict[str, int]
