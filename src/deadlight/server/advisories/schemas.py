"""Bodies of the advisory endpoints."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from deadlight.advisories.feeds.feed import FeedName
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


class FeedState(StrEnum):
    """How a feed stands."""

    OFF = "off"
    WAITING = "waiting"
    """Nothing of it has been fetched yet."""
    REFRESHING = "refreshing"
    CURRENT = "current"
    FAILED = "failed"
    """The last attempt; what came before it is kept."""


class FeedPart(BaseModel):
    """An ecosystem of a feed, or all of one that has no parts."""

    part: str = Field(description="An ecosystem; empty where a source has no parts.")
    state: FeedState
    problem: str
    records: int = Field(description="Held of it, those imported by hand included.")
    bytes_received: int
    failures: int = Field(description="In a row.")
    started_at: datetime | None
    succeeded_at: datetime | None
    next_attempt_at: datetime | None
    last_result: dict[str, int] = Field(description="What the last visit that brought something did.")


class FeedOut(BaseModel):
    """A public source and how far it has been taken; its state is the worst of its parts'."""

    name: FeedName
    title: str
    url: str
    state: FeedState
    problem: str
    records: int
    succeeded_at: datetime | None = Field(description="Since then all of its parts are at least so young.")
    next_attempt_at: datetime | None
    parts: list[FeedPart]


class FeedsOut(BaseModel):
    """All feeds. `notice` says what to do where they are switched off or nothing is there to be fetched."""

    feeds: list[FeedOut]
    notice: str
    stored_bytes: int = Field(description="What advisories and what is known of CVEs take in the database.")
    budget_bytes: int
    outdated_advisories: int = Field(
        description="Read by an earlier version of Deadlight: feeds read theirs again, others are to be imported again."
    )
