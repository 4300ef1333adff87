"""Recording events. The row is written in the transaction that made the fact true: both are there or neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deadlight.model.event import EventType

EVENTS_CHANNEL = "deadlight_events"
"""Notified, without payload, at the commit of a transaction that recorded events."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact to record.

    `key` names what it is about (`workload:17`). Events of a key are handled in the order they were recorded, so the
    recorder must hold that thing's row lock (an UPDATE of it does): then ids of a key grow in the order of commits.
    """

    type: EventType
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded fact as handlers get it."""

    id: int
    uuid: UUID
    type: EventType
    key: str
    data: Mapping[str, Any]
    recorded_at: datetime


_RECORD = text(
    f"""
    WITH recorded AS (
        INSERT INTO event (type, key, data)
        SELECT type, key, data
        FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (type text, key text, data jsonb))
             WITH ORDINALITY AS row(type, key, data, number)
        ORDER BY number
    )
    SELECT pg_notify('{EVENTS_CHANNEL}', '')
    """  # noqa: S608 - constant
)


async def record_events(connection: AsyncConnection, events: Sequence[NewEvent]) -> None:
    """Write events in the caller's transaction and wake the relays when it commits."""
    if events:
        rows = [{"type": event.type.value, "key": event.key, "data": event.data} for event in events]
        await connection.execute(_RECORD, {"rows": msgspec.json.encode(rows).decode()})
