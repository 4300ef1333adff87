"""Bodies of the worker endpoints."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from deadlight.model.event import ALERTABLE, EventType
from deadlight.server.db.zero_bytes import PlainText
from deadlight.server.workers.criteria import MAX_LENGTH


class DestinationIn(BaseModel):
    """Where alerts go. On a change, `id` keeps a destination: as it is, or with the `config` that is given."""

    id: int | None = None
    type: Literal["webhook", "slack", "email"]
    config: dict[str, Any] | None = Field(
        default=None, description="url, secret, headers; url; or to, to_owner, owner_domains."
    )


class WorkerIn(BaseModel):
    """A worker as a person enters it."""

    name: PlainText = Field(min_length=1, max_length=128)
    description: PlainText = Field(default="", max_length=2000)
    event_types: list[EventType] = Field(min_length=1)
    criteria: PlainText = Field(
        default="", max_length=MAX_LENGTH, description="CEL over `event`; empty: every such event."
    )
    enabled: bool = True
    demonstration: bool = False
    destinations: list[DestinationIn] = Field(min_length=1, max_length=20)

    @field_validator("event_types")
    @classmethod
    def _alertable(cls, value: list[EventType]) -> list[EventType]:
        unknown = [item.value for item in value if item not in ALERTABLE]
        if unknown:
            raise ValueError(f"workers cannot listen to {', '.join(unknown)}")
        return list(dict.fromkeys(value))


class DestinationOut(BaseModel):
    """A destination without its secrets."""

    id: int
    type: str
    label: str


class WorkerOut(BaseModel):
    """A worker with how it fares."""

    id: int
    name: str
    description: str
    event_types: list[str]
    criteria: str
    enabled: bool
    demonstration: bool
    created_at: datetime
    criteria_errors: int
    criteria_error: str
    destinations: list[DestinationOut]
    delivered: int
    pending: int
    dead: int
    suppressed: int


class EventTypeOut(BaseModel):
    """An event a worker can listen to."""

    name: str
    description: str
    sample: dict[str, Any]


class AlertOut(BaseModel):
    """An alert and how it went."""

    id: UUID
    worker_id: int
    worker: str
    destination: str
    destination_type: str
    recipients: list[str] = Field(description="The owner, as of then; empty: whom the destination names.")
    event_type: str
    title: str
    status: Literal["pending", "delivered", "dead", "suppressed"]
    attempts: int
    problem: str
    created_at: datetime
    delivered_at: datetime | None
    next_attempt_at: datetime


class DeliveryOut(BaseModel):
    """One attempt."""

    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    status_code: int | None
    response: str


class AlertDetail(AlertOut):
    """An alert with its body and every attempt."""

    body: dict[str, Any]
    deliveries: list[DeliveryOut]


class AlertPage(BaseModel):
    """Newest first; `next_key` goes into the next request."""

    alerts: list[AlertOut]
    next_key: str | None


class TestRequest(BaseModel):
    """Which event to try."""

    event_type: EventType = EventType.INTEGRITY_VIOLATION_DETECTED


class TestSent(BaseModel):
    """The alerts a test made."""

    alert_ids: list[UUID]
